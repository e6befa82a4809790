"""What an operation does to what is there, and in which ways it is dangerous."""

from __future__ import annotations

from typing import Literal

Effect = Literal["read", "write", "destructive"]
Hazard = Literal[
    "bulk",
    "project_wide",
    "account_takeover",
    "mints_secret",
    "reveals_secret",
    "sends_message",
    "forges_record",
    "blocked",
]

#: From harmless to worst; the position is the severity.
EFFECTS: tuple[Effect, ...] = ("read", "write", "destructive")


def worse(*effects: Effect) -> Effect:
    """The worst of some effects."""
    return max(effects, key=EFFECTS.index)
