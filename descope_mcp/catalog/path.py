"""Dotted paths into JSON data: ``user.email``, ``apps[].clientSecret``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def values_at(data: Any, path: str) -> list[Any]:
    """Every value that `path` reaches in `data`; ``[]`` (or a list on the way) fans out.

    Returns an empty list if nothing is there. The empty path reaches `data` itself. A key that
    holds dots (some query arguments do) is found by its whole name.
    """
    if isinstance(data, dict) and path in data:
        return [data[path]]
    found = [data]
    for part in path.split(".") if path else []:
        name = part.removesuffix("[]")
        below: list[Any] = []
        for item in found:
            elements = item if isinstance(item, list) else [item]
            below += [e[name] for e in elements if isinstance(e, dict) and name in e]
        if part.endswith("[]"):
            below = [e for item in below for e in (item if isinstance(item, list) else [item])]
        found = below
    return found


def replaced_at(data: Any, path: str, change: Callable[[Any], Any]) -> Any:
    """A copy of `data` in which every value that `path` reaches went through `change`."""
    if not path:
        return change(data)
    if isinstance(data, dict) and path in data:
        return {**data, path: change(data[path])}
    head, _, rest = path.partition(".")
    name = head.removesuffix("[]")
    if isinstance(data, list):
        return [replaced_at(item, path, change) for item in data]
    if not isinstance(data, dict) or name not in data:
        return data
    value = data[name]
    if head.endswith("[]") and isinstance(value, list):
        new: Any = [replaced_at(item, rest, change) for item in value]
    else:
        new = replaced_at(value, rest, change)
    return {**data, name: new}


def is_empty(value: Any) -> bool:
    """Whether a value says nothing: null, "", [] or {}."""
    return value is None or value == "" or value == [] or value == {}
