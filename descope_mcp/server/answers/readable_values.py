"""An answer as one reads it: without what says nothing, and with times that can be read.

What is left out is named, so that its absence says something: that a person has no phone, and not
that phones are no part of this answer. Nothing is left out of an answer of free content (``scan``
in the record), such as an exported flow: it may be sent back as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from descope_mcp.catalog.arguments import timestamps
from descope_mcp.catalog.json_path import is_empty

#: What is put behind the name of a time for the readable form beside it.
READABLE = " (UTC)"
#: So many names of a group are told.
_MOST_NAMES = 40


@dataclass(frozen=True, slots=True)
class Reading:
    """What is known of fields by their names: the units of ``times``, and which come ``last``."""

    times: Mapping[str, str]
    last: frozenset[str] = frozenset()


@dataclass(slots=True)
class LeftOut:
    """The names of the fields that are left out, in groups by what they hold."""

    names: dict[str, dict[str, None]] = field(default_factory=dict)

    def note(self, group: str, name: str) -> None:
        """Note a field."""
        self.names.setdefault(group, {})[name] = None

    def take(self, other: LeftOut) -> None:
        """Note what another one has noted."""
        for group, names in other.names.items():
            self.names.setdefault(group, {}).update(names)

    def told(self, means: Mapping[str, str]) -> dict[str, Any]:
        """The part of a structured answer that names them; empty if there are none.

        Args:
            means: what it means that a field is empty or 0, where its name does not say it.
        """
        groups = {}
        for group, names in sorted(self.names.items()):
            told = [f"{name} ({means[name]})" if name in means else name for name in names]
            shown = told[:_MOST_NAMES]
            more = [f"+{len(names) - _MOST_NAMES} more"] if len(names) > _MOST_NAMES else []
            groups[group] = [*shown, *more]
        return {"leftOut": groups} if groups else {}


def below(data: Any, reading: Reading, left_out: LeftOut, other_forms: tuple[str, ...] = ()) -> Any:
    """`data` for a reader, with all of its own fields: that they are empty is an answer.

    Of the fields in `other_forms`, which say again what others do, none is shown.
    """
    if not isinstance(data, dict):
        return readable(data, reading, left_out)
    shown: dict[str, Any] = {}
    for key in _ordered(data, reading.last):
        if key in other_forms:
            left_out.note("sameInAnotherForm", key)
        elif says_nothing(data[key]):
            shown[key] = data[key]
        else:
            shown |= readable({key: data[key]}, reading, left_out)
    return shown


def readable(
    value: Any, reading: Reading, left_out: LeftOut | None = None, *, exact: bool = False
) -> Any:
    """A copy of `value` for a reader.

    Args:
        value: an answer, or an element of its list.
        reading: what is known of fields.
        left_out: takes the names of what is left out; without it nothing is.
        exact: touch nothing below the first level.
    """

    def walk(value: Any, deep: bool) -> Any:
        if isinstance(value, list):
            return value if exact and deep else [walk(item, True) for item in value]
        if not isinstance(value, dict) or (exact and deep):
            return value
        shown: dict[str, Any] = {}
        for key in _ordered(value, reading.last):
            item = value[key]
            group = says_nothing(item) if left_out is not None and not exact else ""
            if left_out is not None and group:
                left_out.note(group, key)
                continue
            shown[key] = walk(item, True)
            unit = reading.times.get(key)
            if unit and (moment := timestamps.shown(item, unit)):
                shown[f"{key}{READABLE}"] = moment
        return shown

    return walk(value, False)


def _ordered(value: Mapping[str, Any], last: frozenset[str]) -> list[str]:
    if last.isdisjoint(value):
        return list(value)
    return sorted(value, key=lambda key: key in last)


def says_nothing(item: Any) -> str:
    """The group of a value that is left out, "" of one that is not."""
    if is_empty(item):
        return "empty"
    if item is False:
        return "false"
    return "zero" if item == 0 and isinstance(item, (int, float)) and item is not True else ""
