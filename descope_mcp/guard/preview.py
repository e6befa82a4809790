"""What a call would hit: the before-state and how much hangs on it, read before anybody is asked.

Only reads, and only such whose purpose is not a secret. A step that fails refuses the call: a
preview that cannot be shown never turns into a yes. An optional step may find nothing, and may be
left out where the server has no credential for it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from descope_mcp.api.errors import ApiError, ApiFailure, MissingCredential
from descope_mcp.catalog.arguments import check
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.errors import InvalidArguments
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.path import is_empty, values_at
from descope_mcp.catalog.record import Count, Read
from descope_mcp.guard.recipe import ABSENT, Scope, matching, resolvable, resolve
from descope_mcp.guard.secrets import seal

#: How often one step may read, where the call names several things.
MOST_READS = 10

#: Runs one read through the API core: ``(operation, arguments) -> data of the answer``.
Reader = Callable[[Operation, dict[str, Any]], Awaitable[dict[str, Any]]]


class PreviewFailed(Exception):
    """The before-state could not be read; the message says why, for a refusal."""


class TargetMissing(PreviewFailed):
    """The read worked, and what the call names is not there."""


@dataclass(frozen=True, slots=True)
class Preview:
    """The target's before-state and the counts; both are empty where no recipe exists.

    ``found`` holds what each step found, the target first, with the secrets of each read sealed.
    ``counts`` are pairs of a label and a number.
    """

    scope: Scope
    found: tuple[Any, ...] = ()
    counts: tuple[tuple[str, int], ...] = ()

    @property
    def target(self) -> Any:
        """The before-state of the target itself, None where it was not read."""
        return self.found[0] if self.found else None


async def look(
    catalog: Catalog,
    operation: Operation,
    arguments: dict[str, Any],
    project: str,
    read: Reader,
    *,
    counting: bool = True,
) -> Preview:
    """Run the preview and impact recipes of `operation`.

    Args:
        catalog: where the reads are described.
        operation: what would run.
        arguments: of the call, checked.
        project: what ``$project`` stands for.
        read: runs one read.
        counting: False leaves the impact out, when nobody is asked and the call is about to run.

    Raises:
        TargetMissing: the target does not exist.
        PreviewFailed: a step that is needed could not be read.
    """
    scope = Scope(arguments, None, project)
    found: list[Any] = []
    for step in operation.preview:
        seen = await _step(catalog, step, scope, read)
        if not found:
            scope = Scope(arguments, seen, project)
        found.append(seen)
    steps = operation.impact if counting else ()
    counts = [c for step in steps if (c := await _count(catalog, step, scope, read))]
    return Preview(scope, tuple(found), tuple(counts))


def target_name(operation: Operation, preview: Preview) -> str:
    """What names the target for a person: the record's `target`, "" where it cannot be told."""
    name = resolve(operation.target, preview.scope) if operation.target else ABSENT
    if name is ABSENT or isinstance(name, (dict, bool)):
        return ""
    return ", ".join(map(str, name)) if isinstance(name, list) else str(name)


async def _step(catalog: Catalog, step: Read, scope: Scope, read: Reader) -> Any:
    """What one step of a preview finds; None for an optional one that finds nothing."""
    if step.optional and not (resolvable(step.arguments, scope) and resolvable(step.match, scope)):
        return None
    if not resolvable(step.match, scope):
        # Nothing to tell the elements apart by: all of them would pass for the target.
        raise TargetMissing("the call does not say which one it means.")
    seen = await _find(catalog, step, step.arguments, scope, read)
    if seen is None and step.otherwise:
        seen = await _find(catalog, step, step.otherwise, scope, read)
    if seen is None and not step.optional:
        raise TargetMissing(f"{step.operation} finds nothing that the call names.")
    return seen


async def _find(
    catalog: Catalog, step: Read, arguments: dict[str, Any], scope: Scope, read: Reader
) -> Any:
    """What a step finds with these arguments, None if nothing is there."""
    try:
        seen = await _run(catalog, step.operation, arguments, step.find, scope, read)
    except (MissingCredential, InvalidArguments) as error:
        if step.optional:
            return None
        raise PreviewFailed(f"{step.operation} failed: {_text(error)}") from None
    except ApiFailure as error:
        status = error.status if isinstance(error, ApiError) else 0
        if status == 404 or (status == 400 and step.optional):
            return None
        raise PreviewFailed(f"{step.operation} failed: {_text(error)}") from None
    if isinstance(seen, list) and step.match:
        seen = matching(seen, step.match, scope, step.bare)
        if len(seen) == 1:
            seen = seen[0]
    return None if is_empty(seen) else seen


async def _count(
    catalog: Catalog, step: Count, scope: Scope, read: Reader
) -> tuple[str, int] | None:
    """One count, None where it cannot be made: the question says nothing about it then."""
    if not (resolvable(step.arguments, scope) and resolvable(step.match, scope)):
        return None
    try:
        value = await _run(catalog, step.operation, step.arguments, step.count, scope, read)
    except (ApiFailure, InvalidArguments):
        return None
    if isinstance(value, list):
        value = len(matching(value, step.match, scope) if step.match else value)
    try:
        return (step.label, int(value)) if isinstance(value, (int, str)) else None
    except ValueError:
        return None


async def _run(
    catalog: Catalog, name: str, recipe: dict[str, Any], path: str, scope: Scope, read: Reader
) -> Any:
    """What one read holds at `path`, with secrets sealed; None if nothing.

    Where the call names several and the read takes one, it runs for each and the lists are
    joined, up to MOST_READS.
    """
    operation = catalog[name]
    if operation.worst_effect != "read" or "reveals_secret" in operation.worst_hazards:
        raise PreviewFailed(f"{name} is no read; a preview may not run it.")
    resolved = resolve(recipe, scope)
    places: list[Any] = []
    for arguments in _one_by_one(operation, {} if resolved is ABSENT else resolved):
        data = await read(operation, check(operation, arguments))
        places += values_at(seal(operation, data), path)
    if len(places) > 1 and all(isinstance(place, list) for place in places):
        return [item for place in places for item in place]
    return places[0] if places else None


def _one_by_one(operation: Operation, arguments: dict[str, Any]) -> list[dict[str, Any]]:
    """The arguments of each read: one, or one per element where a single value is taken."""
    properties = operation.input_schema["properties"]
    for name, value in arguments.items():
        if isinstance(value, list) and properties.get(name, {}).get("type") == "string":
            return [{**arguments, name: item} for item in dict.fromkeys(value[:MOST_READS])]
    return [arguments]


def _text(error: ApiFailure | InvalidArguments) -> str:
    return error.message if isinstance(error, ApiFailure) else str(error)
