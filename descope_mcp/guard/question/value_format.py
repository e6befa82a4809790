"""Values and names of fields as people read them: times as dates, sizes, switches, words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from descope_mcp.catalog.arguments import timestamps
from descope_mcp.guard.question.quoting import quoted, whole

#: Where something ends, zero is "never".
_ENDS = re.compile(r"expir", re.I)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])")


def shown(path: str, value: Any, unit: str = "") -> str:
    """A value as a person reads it, whole, on one line.

    Args:
        path: of the field that holds it.
        value: as JSON has it.
        unit: of a point in time, "" of anything else.
    """
    if unit and (moment := timestamps.shown(value, unit)):
        return moment
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        ends = unit and value == 0 and _ENDS.search(path.rpartition(".")[2])
        return "never" if ends else f"{value:,}"
    if isinstance(value, (Mapping, list)):
        return compact(value)
    return whole(value)


def compact(value: Any) -> str:
    """A nested value as a person reads it, whole: ``name "x", roles ("a", "b")``."""
    if isinstance(value, Mapping):
        pairs = [(key, item) for key, item in value.items() if item not in (None, "", [], {})]
        inside = ", ".join(f"{words(str(key))} {_inner(str(key), item)}" for key, item in pairs)
        return inside or "nothing"
    if isinstance(value, list):
        return ", ".join(_inner("", item) for item in value) or "nothing"
    return shown("", value)


def _inner(key: str, value: Any) -> str:
    return f"({compact(value)})" if isinstance(value, (Mapping, list)) else shown(key, value)


def words(path: str) -> str:
    """The name of a field in words: ``userTenants[].roleNames`` is "user tenants role names"."""
    parts = [part for part in re.split(r"\.|\[\d*\]\.?", path) if part]
    named = [_CAMEL.sub(" ", part) for part in parts if part.isascii() and part.isidentifier()]
    if len(named) != len(parts):
        return quoted(path)[1:-1]
    plain = (name.replace("_", " ") for name in named)
    spelled = [" ".join(w if w.isupper() else w.lower() for w in n.split()) for n in plain]
    return " ".join(spelled)
