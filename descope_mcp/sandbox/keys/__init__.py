"""Access keys and management keys."""
