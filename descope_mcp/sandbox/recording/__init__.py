"""A seed made of what the real service answers, without secrets and without people."""
