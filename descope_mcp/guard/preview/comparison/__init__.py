"""What there is before a call and after it, and what becomes different by it."""
