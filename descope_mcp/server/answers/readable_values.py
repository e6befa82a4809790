"""An answer as one reads it: without what says nothing, and with times that can be read.

Nothing is left out of an answer of free content (``scan`` in the record), such as an exported
flow: it may be sent back as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from descope_mcp.catalog.arguments import timestamps
from descope_mcp.catalog.json_path import is_empty

#: What is put behind the name of a time for the readable form beside it.
READABLE = " (UTC)"


def readable(value: Any, times: Mapping[str, str], *, exact: bool = False) -> tuple[Any, int]:
    """A copy of `value` for a reader.

    Args:
        value: an answer, or an element of its list.
        times: the units of fields that hold times.
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
            if key in times and (moment := timestamps.shown(item, times[key])):
                shown[f"{key}{READABLE}"] = moment
        return shown

    return walk(value, False), left_out
