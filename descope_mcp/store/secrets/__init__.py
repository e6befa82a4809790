"""Secrets at rest: encrypted, under handles, and never lost between an answer and the database."""
