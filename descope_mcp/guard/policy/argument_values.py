"""The values of a call that a rule compares, opened, and as a policy file writes them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any


def reach(data: Mapping[str, Any], path: str) -> tuple[list[Any], bool]:
    """The values at `path`, lists opened, and whether every element on the way had one."""
    if path in data:
        return _opened([data[path]])
    found: list[Any] = [data]
    whole = True
    for part in path.split("."):
        name = part.removesuffix("[]")
        holders = [item for item in found if isinstance(item, Mapping) and name in item]
        below, full = _opened([item[name] for item in holders])
        whole = whole and full and len(holders) == len(found)
        found = below
    return found, whole


def _opened(values: list[Any]) -> tuple[list[Any], bool]:
    """`values` with every list in it replaced by its elements, and whether none was empty."""
    out: list[Any] = []
    full = True
    for value in values:
        if isinstance(value, list):
            inner, inner_full = _opened(value)
            out += inner
            full = full and inner_full and bool(value)
        else:
            out.append(value)
    return out, full


def leaves(value: Any) -> Iterator[Any]:
    """The plain values anywhere in `value`, but for nulls."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item)
    elif value is not None:
        yield value


def is_plain(value: Any) -> bool:
    """Whether a pattern can be compared with a value itself."""
    return isinstance(value, (str, bool, int, float))


def as_written(value: Any) -> str:
    """A plain value as it is written in a policy file: ``true``, ``5``."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, str) else json.dumps(value)
