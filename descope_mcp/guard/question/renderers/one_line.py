"""A disclosure in one line, for lists and notifications."""

from __future__ import annotations

from descope_mcp.guard.question.question_data import Disclosure


def line(said: Disclosure, most: int = 0) -> str:
    """The consequence, cut to `most` characters if that is not 0."""
    text = said.consequence
    return text if not most or len(text) <= most else f"{text[: most - 1]}…"
