"""What the calls of a plan do to those that come after them, as far as it can be foreseen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from descope_mcp.call.checked import Checked
from descope_mcp.catalog.json_path import values_in
from descope_mcp.catalog.operation import Operation
from descope_mcp.guard.preview.preview import NOTHING_SEEN
from descope_mcp.guard.preview.recipe_reads import sought
from descope_mcp.guard.preview.rights.named_roles import Definition, PlannedCall, definitions


def names(operation: Operation, arguments: Mapping[str, Any]) -> frozenset[str]:
    """The values by which a call names its target, as the read of its preview takes them."""
    return frozenset(str(value) for _, value in sought(operation, arguments)) - {""}


class Earlier:
    """What the calls before another one make, and which roles they create or change."""

    def __init__(self, examined: Mapping[int, Checked]) -> None:
        """The calls of a plan, by their numbers."""
        made = ((n, made_by(c.operation, c.arguments)) for n, c in examined.items())
        self._made = [(number, values) for number, values in made if values]
        self._defining = {n: c for n, c in examined.items() if c.operation.defines}
        self._waiting = {n for n, c in self._defining.items() if changes_roles(c.operation)}

    def looked_at(self, number: int, checked: Checked) -> None:
        """From now on it is known what a call sends, with what it leaves out."""
        if number in self._waiting:
            self._waiting.remove(number)
            self._defining[number] = checked

    def makers(self, named: frozenset[str], number: int) -> tuple[int, ...]:
        """The calls before this one that create something of which one of the names is a part."""
        return tuple(n for n, values in self._made if n < number and not values.isdisjoint(named))

    def roles(self, number: int) -> list[Definition]:
        """The roles of the calls before this one. A change counts once its role has been read."""
        known = (c for n, c in self._defining.items() if n < number and n not in self._waiting)
        planned = (PlannedCall(c.operation, c.arguments, NOTHING_SEEN) for c in known)
        return [one for call in planned for one in definitions(call)]


def made_by(operation: Operation, arguments: Mapping[str, Any]) -> frozenset[str]:
    """What may be a name of something that a call creates; nothing of one that creates nothing."""
    return frozenset(values_in(arguments)) if operation.existing else frozenset()


def changes_roles(operation: Operation) -> bool:
    """Whether a call changes roles: what they come to is known when these have been read."""
    return bool(operation.defines and operation.update)
