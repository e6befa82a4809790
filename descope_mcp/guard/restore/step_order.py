"""Which calls of an undo may run at once, and which have to wait for which.

A call waits for all before it, unless its recipe says what it builds on (`Restore.after`). Even
then it waits for every call before it that changes the same object, since of two changes at once
one could be lost, and for the first: only one of two undos of the same call gets past that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.operation_record.recipe import Restore
from descope_mcp.guard.preview.recipe_reads import sought


class Made(NamedTuple):
    """A call of an undo and the recipe that it comes from, None for an update written back."""

    operation: str
    arguments: dict[str, Any]
    recipe: Restore | None


def after(
    catalog: Catalog, recipes: Sequence[Restore], made: Sequence[Made]
) -> list[tuple[int, ...]]:
    """For each call of an undo the numbers of those that have to have run before it.

    Args:
        catalog: where the restoring operations are described.
        recipes: of the operation that is undone, in their order.
        made: the calls, in theirs.
    """
    targets = [set(_targets(catalog[one.operation], one.arguments)) for one in made]
    order: list[tuple[int, ...]] = []
    for number, one in enumerate(made):
        awaited = _awaited(recipes, one.recipe) if one.recipe else None
        order.append(
            tuple(
                earlier
                for earlier in range(number)
                if not earlier
                or awaited is None
                or made[earlier].operation in awaited
                or targets[earlier] & targets[number]
            )
        )
    return order


def _awaited(recipes: Sequence[Restore], recipe: Restore) -> set[str] | None:
    """The operations that a recipe waits for, also through others; None if for all before it.

    A recipe in between may have made no call, and does not loosen the order by that.
    """
    if recipe.after is None:
        return None
    before = recipes[: recipes.index(recipe)]
    awaited = set(recipe.after)
    for place, other in enumerate(before):
        if other.operation in recipe.after:
            further = _awaited(before, other)
            awaited |= {r.operation for r in before[:place]} if further is None else further
    return awaited


def _targets(operation: Operation, arguments: Mapping[str, Any]) -> Iterator[str]:
    """What names the object that a call changes: the read that finds it, and by which values."""
    for path, value in sought(operation, arguments):
        yield f"{operation.preview[0].operation} {path} {value}"
