"""Dotted paths into JSON data: ``user.email``, ``apps[].clientSecret``, ``loginIds[0]``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

#: What may follow the name of a list: every element, the first one, all but the first one.
_PICKS = {"[]": slice(None), "[0]": slice(1), "[1:]": slice(1, None)}


def split(part: str) -> tuple[str, str]:
    """The name in one part of a path and which elements it picks: "" where it picks none."""
    name, bracket, rest = part.partition("[")
    pick = bracket + rest
    return (name, pick) if pick in _PICKS else (part, "")


def values_at(data: Any, path: str) -> list[Any]:
    """Every value that `path` reaches in `data`; ``[]`` (or a list on the way) fans out.

    ``[0]`` reaches the first element only, ``[1:]`` every one after it, ``*`` what stands under
    any name.

    Returns an empty list if nothing is there. The empty path reaches `data` itself. A key that
    holds dots (some query arguments do) is found by its whole name.
    """
    if isinstance(data, dict) and path in data:
        return [data[path]]
    found = [data]
    for part in path.split(".") if path else []:
        name, pick = split(part)
        below: list[Any] = []
        for item in found:
            elements = item if isinstance(item, list) else [item]
            objects = [e for e in elements if isinstance(e, dict)]
            below += [v for e in objects for k, v in e.items() if name in (k, "*")]
        if pick:
            lists = [item if isinstance(item, list) else [item] for item in below]
            below = [element for items in lists for element in items[_PICKS[pick]]]
        found = below
    return found


def replaced_at(data: Any, path: str, change: Callable[[Any], Any]) -> Any:
    """A copy of `data` in which every value that `path` reaches went through `change`.

    Of the picks a path may hold ``[]`` alone.
    """
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


def is_blank(value: Any) -> bool:
    """Whether a value names nothing: it is empty, blanks alone, or a list of nothing but such."""
    if isinstance(value, str):
        return not value.strip()
    if isinstance(value, list):
        return all(is_blank(item) for item in value)
    return is_empty(value)


def distinct(values: list[Any]) -> list[Any]:
    """A list without repetitions, where it names things; of objects each counts for itself."""
    named = all(isinstance(value, (str, int)) for value in values)
    return list(dict.fromkeys(values)) if named else values


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value inside `value` with its path; what is empty is a value of its own."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from leaves(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and value:
        for item in value:
            yield from leaves(item, f"{path}[]")
    elif path:
        yield path, value


def values_in(data: Any) -> set[str]:
    """Every text and number inside of JSON data, as texts."""
    if isinstance(data, dict):
        return {value for item in data.values() for value in values_in(item)}
    if isinstance(data, (list, tuple)):
        return {value for item in data for value in values_in(item)}
    return {str(data)}
