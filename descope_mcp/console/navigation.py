"""What the head of every page leads to."""

from __future__ import annotations

from typing import NamedTuple

from descope_mcp.console.sign_in.people import Right


class Entry(NamedTuple):
    """A page: its path below the prefix, the name of its text, and who sees it."""

    path: str
    text: str
    right: Right


ENTRIES = (
    Entry("", "nav.requests", "see"),
    Entry("grants", "nav.grants", "see"),
    Entry("journal", "nav.journal", "see"),
    Entry("secrets", "nav.secrets", "administer"),
    Entry("policy", "nav.policy", "see"),
)
