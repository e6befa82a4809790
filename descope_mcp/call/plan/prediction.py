"""What the calls of a plan do to those that come after them, as far as it can be foreseen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from descope_mcp.catalog.json_path import values_in
from descope_mcp.catalog.operation import Operation
from descope_mcp.guard.preview.preview import NOTHING_SEEN
from descope_mcp.guard.preview.recipe_reads import sought
from descope_mcp.guard.preview.rights.named_roles import Definition, PlannedCall, definitions


def names(operation: Operation, arguments: Mapping[str, Any]) -> frozenset[str]:
    """The values by which a call names its target, as the read of its preview takes them."""
    return frozenset(str(value) for _, value in sought(operation, arguments)) - {""}


def makes(operation: Operation, arguments: Mapping[str, Any], named: frozenset[str]) -> bool:
    """Whether a call creates something of which one of these names is a part."""
    return bool(operation.existing) and not named.isdisjoint(values_in(arguments))


def planned_roles(calls: Sequence[tuple[Operation, Mapping[str, Any]]]) -> list[Definition]:
    """The roles that calls create or change, in their order."""
    planned = [PlannedCall(operation, arguments, NOTHING_SEEN) for operation, arguments in calls]
    return [one for call in planned for one in definitions(call)]
