"""Recipes of ``tool_specs``: filling in references and finding the target in an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from descope_mcp.catalog.path import is_empty, values_at


class _Absent:
    """The value of a reference that leads nowhere."""


ABSENT = _Absent()


@dataclass(frozen=True, slots=True)
class Scope:
    """What references can reach: ``$args``, ``$before`` and ``$project``."""

    args: Mapping[str, Any]
    before: Any = None
    project: str = ""


def resolve(value: Any, scope: Scope) -> Any:
    """`value` with its references replaced; ABSENT if nothing but references to nothing is in it.

    An entry of an object or list whose reference leads nowhere is left out.
    """
    if isinstance(value, Mapping):
        pairs = {key: resolve(item, scope) for key, item in value.items()}
        found = {key: item for key, item in pairs.items() if item is not ABSENT}
        return found if found or not value else ABSENT
    if isinstance(value, (list, tuple)):
        items = [item for item in (resolve(item, scope) for item in value) if item is not ABSENT]
        return items if items or not value else ABSENT
    if not isinstance(value, str) or not value.startswith("$"):
        return value
    root, _, path = value[1:].partition(".")
    if root == "project":
        return scope.project or ABSENT
    reached = values_at(scope.args if root == "args" else scope.before, path)
    if "[]" in path:
        return [item for item in reached if not is_empty(item)] or ABSENT
    return reached[0] if reached and not is_empty(reached[0]) else ABSENT


def refers(value: Any) -> bool:
    """Whether a recipe's value holds a reference."""
    if isinstance(value, Mapping):
        return any(refers(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return any(refers(item) for item in value)
    return isinstance(value, str) and value.startswith("$")


def resolvable(value: Any, scope: Scope) -> bool:
    """Whether a recipe's arguments say anything: a read without them would be of something else."""
    if not isinstance(value, Mapping):
        return True
    referring = {key: item for key, item in value.items() if refers(item)}
    return not referring or resolve(referring, scope) is not ABSENT


def matching(
    items: list[Any], match: Mapping[str, Any], scope: Scope, bare: tuple[str, ...] = ()
) -> list[Any]:
    """The elements whose fields equal what `match` says.

    A field that is a list matches if it holds the value; a wanted list matches any of its
    elements. What `match` cannot resolve does not count, except that a field in `bare` must be
    empty then.
    """
    resolved = resolve(match, scope)
    wanted: Mapping[str, Any] = {} if resolved is ABSENT else resolved
    empty = [field for field in bare if field not in wanted]
    return [
        item
        for item in items
        if all(_agrees(item, field, value) for field, value in wanted.items())
        and all(is_empty(value) for field in empty for value in values_at(item, field))
    ]


def _agrees(item: Any, field: str, wanted: Any) -> bool:
    any_of = wanted if isinstance(wanted, list) else [wanted]
    held = [e for v in values_at(item, field) for e in (v if isinstance(v, list) else [v])]
    return any(value in any_of for value in held)
