"""Numbers that somebody types into a form."""

from __future__ import annotations


def number_of(text: str) -> int:
    """A whole number of at most nine digits; 0 for everything else, which no form takes."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
