"""One step of a preview: what a read finds of that which the call names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from descope_mcp.api.errors import ApiError, ApiFailure, MissingCredential
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.errors import InvalidArguments
from descope_mcp.catalog.json_path import is_empty
from descope_mcp.catalog.operation_record.recipe import Read
from descope_mcp.guard.preview.failures import Ambiguous, PreviewFailed, TargetMissing
from descope_mcp.guard.preview.ordered_gather import gather
from descope_mcp.guard.preview.read_budget import Reader
from descope_mcp.guard.preview.recipe_reads import NOTHING, Seen, run, ways
from descope_mcp.guard.preview.recipe_values import (
    Scope,
    agrees,
    as_list,
    matching,
    resolvable,
    resolve,
)


async def find(catalog: Catalog, step: Read, scope: Scope, read: Reader) -> Seen:
    """What one step of a preview finds; nothing for an optional one that finds nothing.

    Raises:
        TargetMissing: it finds nothing, or the call does not say what to look for.
        Ambiguous: two ways to the target lead to two things.
        PreviewFailed: it could not be read.
    """
    if step.each:
        return await _for_each(catalog, step, scope, read)
    told = [way for way in ways(step) if resolvable(way, scope)]
    if step.optional and not (told and resolvable(step.match, scope)):
        return NOTHING
    if not resolvable(step.match, scope):
        # Nothing to tell the elements apart by: all of them would pass for the target.
        raise TargetMissing("The call does not say which one it means.")
    jobs = [partial(_found, catalog, step, way, scope, read) for way in told or [step.arguments]]
    seen = NOTHING
    for one in await gather(jobs):
        if seen.value is not None and one.value not in (None, seen.value):
            # A stranger can choose a login id that is somebody else's user id.
            raise Ambiguous(f"{step.operation} finds two different things by the same name.")
        seen = seen if one.value is None else one
    if seen.value is None and not step.optional:
        raise TargetMissing(f"{step.operation} finds nothing that the call names.")
    return seen


async def _for_each(catalog: Catalog, step: Read, scope: Scope, read: Reader) -> Seen:
    """What a step finds for all elements of a list together."""
    one = step.model_copy(update={"each": ""})
    elements = [replace(scope, element=e) for e in as_list(resolve(step.each, scope))]
    if not all(resolvable(step.arguments, here) for here in elements):
        raise PreviewFailed(f"{step.operation} has nothing to look for in a part of the call.")
    seen = await gather([partial(find, catalog, one, here, read) for here in elements])
    items = [item for found in seen for item in as_list(found.value)]
    distinct = {json.dumps(item, sort_keys=True, default=str): item for item in items}
    return Seen(list(distinct.values()) or None, all(found.whole for found in seen))


async def _found(
    catalog: Catalog, step: Read, arguments: Mapping[str, Any], scope: Scope, read: Reader
) -> Seen:
    """What a step finds with these arguments."""
    try:
        recipe = {**arguments, **step.narrow}
        seen = await run(catalog, step.operation, recipe, step.find, scope, read)
    except (MissingCredential, InvalidArguments) as error:
        if step.optional:
            return NOTHING
        raise PreviewFailed(f"{step.operation} failed: {_text(error)}") from None
    except ApiFailure as error:
        status = error.status if isinstance(error, ApiError) else 0
        # A name of the one form may not pass for one of the other.
        if status == 404 or (status == 400 and (step.optional or step.otherwise)):
            return NOTHING
        raise PreviewFailed(f"{step.operation} failed: {_text(error)}") from None
    value = seen.value
    if isinstance(value, list) and step.match:
        value = matching(value, step.match, scope, step.bare, step.either)
        if len(value) == 1:
            value = value[0]
    return NOTHING if is_empty(value) else Seen(value, seen.whole)


def unfound(step: Read, seen: Any, scope: Scope) -> list[str]:
    """The values in the call that a step looked for in vain, where it looked for several."""
    wanted = resolve(step.match, scope)
    if step.optional or seen is None or not isinstance(wanted, dict):
        return []
    items = seen if isinstance(seen, list) else [seen]
    return [
        str(value)
        for field, values in wanted.items()
        if isinstance(values, list)
        for value in dict.fromkeys(map(str, values))
        if not any(agrees(item, field, value) for item in items)
    ]


def _text(error: ApiFailure | InvalidArguments) -> str:
    return error.message if isinstance(error, ApiFailure) else str(error)
