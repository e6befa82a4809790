"""What the calls of a plan do to those that come after them, as far as it can be foreseen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from descope_mcp.catalog.json_path import values_in
from descope_mcp.catalog.operation import Operation
from descope_mcp.guard.preview.preview import NOTHING_SEEN
from descope_mcp.guard.preview.recipe_reads import sought
from descope_mcp.guard.preview.rights.named_roles import Definition, PlannedCall, definitions


def names(operation: Operation, arguments: Mapping[str, Any]) -> frozenset[str]:
    """The values by which a call names its target, as the read of its preview takes them."""
    return frozenset(str(value) for _, value in sought(operation, arguments)) - {""}


def made_by(operation: Operation, arguments: Mapping[str, Any]) -> frozenset[str]:
    """What may be a name of something that a call creates; nothing of one that creates nothing."""
    return frozenset(values_in(arguments)) if operation.existing else frozenset()


def changes_roles(operation: Operation) -> bool:
    """Whether a call changes roles: what they come to is known when these have been read."""
    return bool(operation.defines and operation.update)


def planned_roles(calls: Iterable[tuple[Operation, Mapping[str, Any]]]) -> list[Definition]:
    """The roles that calls create or change, in their order; arguments are those to be sent."""
    planned = [PlannedCall(operation, arguments, NOTHING_SEEN) for operation, arguments in calls]
    return [one for call in planned for one in definitions(call)]
