"""Tenants, their settings and the groups of their users."""
