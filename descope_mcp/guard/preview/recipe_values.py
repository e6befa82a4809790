"""Recipes of ``tool_specs``: filling in references and finding the target in an answer.

What a reference can be is described in `catalog.operation_record`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from descope_mcp.catalog.json_path import is_empty, values_at
from descope_mcp.catalog.recipe_reference import EACH, LIKE, Difference, Reference, parse, texts


class _Absent:
    """The value of a reference that leads nowhere."""


ABSENT = _Absent()


@dataclass(frozen=True, slots=True)
class Scope:
    """What references can reach, by their roots.

    With ``empties`` an empty value counts: a call that replaces has to say what it clears.
    """

    args: Mapping[str, Any]
    before: Any = None
    project: str = ""
    found: Mapping[str, Any] = field(default_factory=dict)
    answer: Any = None
    item: Any = None
    element: Any = None
    empties: bool = False


def resolve(value: Any, scope: Scope) -> Any:
    """`value` with its references replaced; ABSENT if nothing but references to nothing is in it.

    An entry of an object or list whose reference leads nowhere is left out. The difference of two
    lists is a list even if it is empty: it says that there is nothing to do.
    """
    if isinstance(value, Mapping):
        return _resolve_object(dict(value), scope)
    if isinstance(value, (list, tuple)):
        items = [item for item in (resolve(item, scope) for item in value) if item is not ABSENT]
        return items if items or not value else ABSENT
    reference = parse(value)
    if reference is None:
        return value
    if isinstance(reference, Reference):
        return _reached(reference, scope)
    left, right = (as_list(_reached(side, scope)) for side in (reference.left, reference.right))
    return [item for item in left if (item in right) is reference.common]


def _resolve_object(value: dict[str, Any], scope: Scope) -> Any:
    if EACH in value:
        elements = as_list(resolve(value.pop(EACH), scope))
        made = [_resolve_object(dict(value), replace(scope, element=one)) for one in elements]
        return [one for one in made if one is not ABSENT] or ABSENT
    found: dict[str, Any] = {}
    for reference in as_list(value.get(LIKE)):
        like = resolve(reference, scope)
        found |= like if isinstance(like, Mapping) else {}
    for key, item in value.items():
        resolved = ABSENT if key == LIKE else resolve(item, scope)
        found |= {} if resolved is ABSENT else {key: resolved}
    return found if found or not value else ABSENT


def as_list(value: Any) -> list[Any]:
    """A list as it is, nothing as an empty one, anything else as a list of one."""
    if value is ABSENT or value is None:
        return []
    return value if isinstance(value, list) else [value]


def _reached(reference: Reference, scope: Scope) -> Any:
    data = getattr(scope, reference.root)
    if reference.every:
        data = as_list(data)
    reached = values_at(data, reference.path)
    if reference.every and not reference.path:
        reached = data
    if reference.many:
        return [item for item in reached if not is_empty(item)] or ABSENT
    if not reached or reached[0] is None:
        return ABSENT
    return reached[0] if scope.empties or not is_empty(reached[0]) else ABSENT


def refers(value: Any) -> bool:
    """Whether a recipe's value holds a reference."""
    return any(True for _ in texts(value))


def is_difference(value: Any) -> bool:
    """Whether a recipe's value is the difference of two lists."""
    return isinstance(parse(value), Difference)


def resolvable(value: Any, scope: Scope) -> bool:
    """Whether a recipe's arguments say anything: a read without them would be of something else."""
    if not isinstance(value, Mapping):
        return True
    referring = {key: item for key, item in value.items() if refers(item)}
    return not referring or resolve(referring, scope) is not ABSENT


def matching(
    items: list[Any],
    match: Mapping[str, Any],
    scope: Scope,
    bare: tuple[str, ...] = (),
    either: tuple[str, ...] = (),
) -> list[Any]:
    """The elements whose fields equal what `match` says.

    A field that is a list matches if it holds the value; a wanted list matches any of its
    elements. What `match` cannot resolve does not count, except that a field in `bare` must be
    empty then. Of the fields in `either` one that agrees is enough. Where the first of them agrees,
    or an ``id``, that says it all.
    """
    resolved = resolve(match, scope)
    wanted: Mapping[str, Any] = {} if resolved is ABSENT else resolved
    enough = [name for name in either if name in wanted]
    empty = [name for name in bare if name not in wanted]

    def fits(item: Any) -> bool:
        agreeing = {name for name in wanted if agrees(item, name, wanted[name])}
        if not agreeing.issuperset(wanted.keys() - set(enough)):
            return False
        if enough and agreeing.isdisjoint(enough):
            return False
        sure = not agreeing.isdisjoint(("id", *either[:1]))
        return sure or all(is_empty(v) for name in empty for v in values_at(item, name))

    return [item for item in items if fits(item)]


def agrees(item: Any, field: str, wanted: Any) -> bool:
    """Whether a field of an element is, or holds, what is wanted or one of it."""
    any_of = wanted if isinstance(wanted, list) else [wanted]
    held = [e for v in values_at(item, field) for e in (v if isinstance(v, list) else [v])]
    return any(value in any_of for value in held)
