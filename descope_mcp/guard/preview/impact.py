"""How much hangs on the target of a call: counts, for the person who is asked about it."""

from __future__ import annotations

from typing import NamedTuple

from descope_mcp.api.errors import ApiFailure
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.errors import InvalidArguments
from descope_mcp.catalog.operation_record.recipe import Count
from descope_mcp.guard.preview.failures import TooMuchToRead
from descope_mcp.guard.preview.read_budget import Reader
from descope_mcp.guard.preview.recipe_reads import run
from descope_mcp.guard.preview.recipe_values import Scope, matching, resolvable


class Tally(NamedTuple):
    """How much of something hangs on the target; with ``at_least`` there may be more.

    ``key`` is what the words of the consequence call it.
    """

    label: str
    number: int
    at_least: bool = False
    key: str = ""


async def count(catalog: Catalog, recipe: Count, scope: Scope, read: Reader) -> Tally | None:
    """One count, None where it cannot be made: the question says nothing about it then."""
    if not (resolvable(recipe.arguments, scope) and resolvable(recipe.match, scope)):
        return None
    try:
        arguments = {**recipe.arguments, **recipe.narrow}
        seen = await run(catalog, recipe.operation, arguments, recipe.count, scope, read)
    except (ApiFailure, InvalidArguments, TooMuchToRead):
        return None
    value, more = seen.value, not seen.whole
    if isinstance(value, list):
        kept = value
        if recipe.match:
            kept = matching(value, recipe.match, scope, either=recipe.either)
        value = len(kept)
    try:
        number = int(value) if isinstance(value, (int, str)) else None
    except ValueError:
        return None
    return None if number is None else Tally(recipe.label, number, more, recipe.key)
