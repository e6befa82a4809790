"""Roles, permissions, and what follows from them."""
