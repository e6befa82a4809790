"""Organisations in files: what a person wrote, or what a sandbox was like."""
