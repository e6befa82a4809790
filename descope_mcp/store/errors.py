"""Why the store cannot be used."""

from __future__ import annotations


class StoreError(Exception):
    """The store cannot be opened, read or written; the message says why and what to do."""
