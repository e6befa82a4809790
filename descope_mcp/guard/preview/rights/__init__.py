"""What roles, permissions and memberships in a call bring, and to whom."""
