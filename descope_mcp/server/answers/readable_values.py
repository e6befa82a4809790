"""An answer as one reads it: without what says nothing, and with times that can be read.

Nothing is left out of an answer of free content (``scan`` in the record), such as an exported
flow: it may be sent back as it is.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from descope_mcp.catalog.json_path import is_empty

#: What is put behind the name of a time for the readable form beside it.
READABLE = " (UTC)"
#: Points in time between the years 2001 and 2100, in seconds; what is not among them is no time.
_FIRST, _LAST = 1_000_000_000, 4_102_444_800


def readable(value: Any, times: Collection[str], *, exact: bool = False) -> tuple[Any, int]:
    """A copy of `value` for a reader.

    Args:
        value: an answer, or an element of its list.
        times: names of fields that hold times.
        exact: leave nothing out, and touch nothing below the first level.

    Returns:
        ``(copy, how many empty fields were left out)``. False and 0 are not empty.
    """
    left_out = 0

    def walk(value: Any, deep: bool) -> Any:
        nonlocal left_out
        if isinstance(value, list):
            return value if exact and deep else [walk(item, True) for item in value]
        if not isinstance(value, dict) or (exact and deep):
            return value
        shown: dict[str, Any] = {}
        for key, item in value.items():
            if not exact and is_empty(item):
                left_out += 1
                continue
            shown[key] = walk(item, True)
            if key in times and (moment := _moment(item)):
                shown[f"{key}{READABLE}"] = moment
        return shown

    return walk(value, False), left_out


def _moment(value: Any) -> str:
    """A time in seconds or milliseconds, as ISO 8601; "" if it is none."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:
        value = int(value)
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return ""
    seconds = value if value < _LAST else value / 1000
    if not _FIRST <= seconds < _LAST:
        return ""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
