"""What the calls of a plan do to those that come after them, as far as it can be foreseen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.json_path import leaves, values_in
from descope_mcp.catalog.operation import Operation
from descope_mcp.guard.preview.named_roles import Definition, PlannedCall, definitions
from descope_mcp.guard.preview.preview import NOTHING_SEEN
from descope_mcp.guard.preview.recipe_reads import ways
from descope_mcp.guard.preview.recipe_values import ABSENT, Scope, refers, resolve


def names(operation: Operation, arguments: Mapping[str, Any]) -> frozenset[str]:
    """The values by which a call names its target, as the read of its preview takes them."""
    return frozenset(_names(operation, arguments)) - {""}


def makes(operation: Operation, arguments: Mapping[str, Any], named: frozenset[str]) -> bool:
    """Whether a call creates something of which one of these names is a part."""
    return bool(operation.existing) and not named.isdisjoint(values_in(arguments))


def ends_target(catalog: Catalog, operation: Operation) -> bool:
    """Whether an operation leaves nothing of its target: to undo it, that is created anew."""
    if operation.update or operation.effect != "destructive" or operation.existing:
        return False
    return any(catalog[step.operation].existing for step in operation.restore)


def planned_roles(calls: Sequence[tuple[Operation, Mapping[str, Any]]]) -> list[Definition]:
    """The roles that calls create or change, in their order."""
    planned = [PlannedCall(operation, arguments, NOTHING_SEEN) for operation, arguments in calls]
    return [one for call in planned for one in definitions(call)]


def _names(operation: Operation, arguments: Mapping[str, Any]) -> Iterator[str]:
    if not operation.preview:
        return
    first = operation.preview[0]
    for way in (*ways(first), first.match):
        named = {name: value for name, value in way.items() if refers(value)}
        found = resolve(named, Scope(arguments)) if named else ABSENT
        if found is not ABSENT:
            yield from (str(value) for _, value in leaves(found))
