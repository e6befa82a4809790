"""Flows, the theme of their screens and their translations."""
