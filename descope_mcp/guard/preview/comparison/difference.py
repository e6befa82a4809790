"""The difference between what is there and what a call leaves behind, value by value.

Lists of objects are compared by what identifies an element. A before-value that could not be read,
or is sealed, is `UNKNOWN`: it differs from everything, and whoever judges a change has to take it
for the worse.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

from descope_mcp.catalog.json_path import is_empty


class Held(Enum):
    """What stands in the before-state for a value that is not there to compare."""

    UNKNOWN = "not known"
    #: Not readable, and the service keeps it unless the call gives another.
    KEPT = "kept"
    #: No part of the comparison.
    APART = "apart"


UNKNOWN = Held.UNKNOWN

#: What identifies an element of a list, the surest first.
_IDENTITIES = ("id", "tenantId", "name", "key", "value", "domainPattern")
#: What a person knows an element by besides.
_NAMES = (*_IDENTITIES, "loginId", "userId", "email")


@dataclass(frozen=True, slots=True)
class Change:
    """One value that a call changes.

    ``path`` is the argument's, with ``[]`` for an element of a list and a name below a free object
    for one of its entries; ``element`` says which element, where it has an identity. ``before`` is
    UNKNOWN where it could not be read, ``after`` is None where nothing is left. Of a list,
    ``gained`` and ``lost`` are the elements that come and go; with neither, its order changes.
    """

    path: str
    before: Any
    after: Any
    gained: tuple[Any, ...] = ()
    lost: tuple[Any, ...] = ()
    element: str = ""

    @property
    def loses(self) -> bool:
        """Whether something that was there, or may have been, is gone."""
        if self.before is UNKNOWN or self.lost or isinstance(self.before, dict):
            return True
        if isinstance(self.before, bool) or isinstance(self.after, list):
            return False
        return is_unset(self.after) and not is_unset(self.before)

    @property
    def gains(self) -> bool:
        """Whether something comes in that was not there, or may not have been."""
        if self.before is UNKNOWN or self.gained:
            return True
        return not isinstance(self.after, list) and not is_unset(self.after)


def difference(
    schema: Mapping[str, Any],
    before: Any,
    after: Any,
    *,
    given_only: bool = False,
    whole_elements: bool = True,
) -> tuple[Change, ...]:
    """What changes from `before` to `after`, in the schema's order.

    Args:
        schema: of both; the before-state has been brought into this shape.
        before: the values that are there, `Held` where one is not comparable, a tuple where each
            element of `after` has its own.
        after: the values that the call leaves behind.
        given_only: what `after` does not name stays (a patch); otherwise it is cleared.
        whole_elements: even then an element of a list says all that is left of it: a list is
            replaced with what is in it.
    """
    return tuple(_changes(schema, before, after, "", "", _Scope(given_only, whole_elements)))


class _Scope(NamedTuple):
    """What counts as left alone (`difference`)."""

    given_only: bool
    whole_elements: bool


def is_unset(value: Any) -> bool:
    """Whether a value is what a field holds that nobody set, as answers emit it."""
    return is_empty(value) or value is False or (type(value) in (int, float) and value == 0)


def _changes(
    schema: Mapping[str, Any], before: Any, after: Any, path: str, element: str, scope: _Scope
) -> Iterator[Change]:
    if before is Held.APART or (before is Held.KEPT and after is None):
        return
    if isinstance(before, Held):
        yield Change(path, UNKNOWN, after, element=element)
    elif _same(before, after):
        return
    elif isinstance(before, tuple):
        for was, becomes in zip(before, after or (), strict=True):
            below = f"{path}[]"
            yield from _changes(
                schema["items"], was, becomes, below, _named(becomes) or element, scope
            )
    elif isinstance(before, list) or isinstance(after, list):
        yield from _in_list(schema, before, after, path, element, scope)
    elif all(isinstance(side, dict) or side is None for side in (before, after)):
        listed = schema.get("properties", {})
        old, new = before or {}, after or {}
        for name in listed or dict.fromkeys([*old, *new]):
            if scope.given_only and name not in new:
                continue
            inner = listed.get(name) or schema.get("additionalProperties")
            below = f"{path}.{name}" if path else name
            wanted = inner if isinstance(inner, Mapping) else {}
            values = old.get(name), new.get(name)
            yield from _changes(wanted, *values, below, element, scope)
    else:
        yield Change(path, before, after, element=element)


def _in_list(
    schema: Mapping[str, Any], before: Any, after: Any, path: str, element: str, scope: _Scope
) -> Iterator[Change]:
    """The change of a list, then those inside of elements that stay."""
    old = before if isinstance(before, list) else [] if before is None else [before]
    new = after if isinstance(after, list) else [] if after is None else [after]
    items = schema.get("items", {})
    identity = _identity(items, old, new)
    if identity:
        known = {_key(item[identity]): item for item in old}
        named = {_key(item[identity]): item for item in new}
        gained = [item for key, item in named.items() if key not in known]
        lost = [item for key, item in known.items() if key not in named]
        staying = [(known[key], named[key]) for key in named if key in known]
        moved = [key for key in named if key in known] != [key for key in known if key in named]
    else:
        # Sets: a list of a document may have a hundred thousand elements.
        was, becomes = {*map(_key, old)}, {*map(_key, new)}
        gained = [item for item in new if _key(item) not in was]
        lost = [item for item in old if _key(item) not in becomes]
        staying, moved = [], True
    if gained or lost or moved:
        yield Change(path, before, after, tuple(gained), tuple(lost), element)
    inside = scope._replace(given_only=False) if scope.whole_elements else scope
    for earlier, later in staying:
        name = _named(later) or element
        yield from _changes(items, earlier, later, f"{path}[]", name, inside)


def _named(item: Any) -> str:
    """What a person knows an element by, "" if nothing."""
    names = [item.get(key) for key in _NAMES] if isinstance(item, dict) else []
    return next((str(name) for name in names if name), "")


def _identity(items: Mapping[str, Any], old: list[Any], new: list[Any]) -> str:
    """The field that tells the elements of both lists apart, "" if there is none."""
    every = [*old, *new]
    if not all(isinstance(item, dict) for item in every):
        return ""
    for name in _IDENTITIES:
        if name in items.get("properties", {}):
            values = [[_key(item.get(name)) for item in side] for side in (old, new)]
            if all(len(set(v)) == len(v) for v in values) and all(i.get(name) for i in every):
                return name
    return ""


def _same(before: Any, after: Any) -> bool:
    if is_unset(before) and is_unset(after):
        return True
    return _key(before) == _key(after) if not _holds(before) else False


def _holds(value: Any) -> bool:
    """Whether a `Held` stands somewhere in `value`."""
    if isinstance(value, dict):
        return any(map(_holds, value.values()))
    return any(map(_holds, value)) if isinstance(value, tuple) else isinstance(value, Held)


def _key(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)
