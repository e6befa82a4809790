"""How far a grant may reach: ceilings, and patterns that leave nothing out."""

from __future__ import annotations

import re
from collections.abc import Mapping

#: No grant is for more items, or counts for longer (seconds).
MOST_ITEMS = 1_000
LONGEST = 30 * 24 * 3600


def excess(items: int, seconds: float) -> str:
    """Why a grant of so many items for so long is too wide, "" if it is not."""
    if items > MOST_ITEMS:
        return f"a grant is for {MOST_ITEMS} items at most; grant again when they are used up"
    if seconds > LONGEST:
        return f"a grant counts for {LONGEST // 86_400} days at most; grant again when it has ended"
    return ""


def unlimited(arguments: Mapping[str, str]) -> list[str]:
    """The paths whose patterns say nothing: no letter and no digit that a value would need."""
    return [
        path
        for path, pattern in arguments.items()
        if not re.search(r"\w", re.sub(r"\[[^\]]*\]", "", pattern))
    ]
