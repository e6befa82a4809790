"""How far a grant may reach: ceilings, patterns that leave nothing out, and exactly one value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from descope_mcp.catalog.json_path import leaves

#: No grant is for more items, or counts for longer (seconds).
MOST_ITEMS = 1_000
LONGEST = 30 * 24 * 3600
#: No more and no longer patterns are made of a call's arguments.
_MOST_PATTERNS, _LONGEST_PATTERN = 20, 200


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


def exact(value: str) -> str:
    """The pattern that takes in this value and no other."""
    return re.sub(r"[*?\[]", lambda mark: f"[{mark[0]}]", value)


def only_value(pattern: str) -> str | None:
    """The one value that a pattern takes in; None where it may take in several."""
    plain = re.sub(r"\[([*?\[])\]", r"\1", pattern)
    return plain if exact(plain) == pattern or not re.search(r"[*?\[]", pattern) else None


def exact_patterns(arguments: Mapping[str, Any], shown: Mapping[str, Any]) -> dict[str, str]:
    """The patterns of a grant for exactly these arguments, by path; empty where none could be.

    There is none for what is masked where it is `shown`, for several values at one path that are
    not the same, and for more than a person would read.
    """
    found: dict[str, str] = {}
    values, known = list(leaves(arguments)), list(leaves(shown))
    if values != known:
        return {}
    for path, value in values:
        pattern = exact(text_of(value))
        if len(pattern) > _LONGEST_PATTERN or found.setdefault(path, pattern) != pattern:
            return {}
    return found if len(found) <= _MOST_PATTERNS else {}


def text_of(value: Any) -> str:
    """A value as a pattern sees it: true and false as JSON writes them."""
    return str(value).lower() if isinstance(value, bool) else str(value)
