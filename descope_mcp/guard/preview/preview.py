"""What a call would hit: the before-state and how much hangs on it, read before anybody is asked.

Only reads, and only such whose purpose is not a secret. A step that fails refuses the call: a
preview that cannot be shown never turns into a yes. An optional step may find nothing, and may be
left out where the server has no credential for it.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from descope_mcp.api.errors import ApiError, ApiFailure, MissingCredential
from descope_mcp.catalog.arguments import check
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.errors import InvalidArguments
from descope_mcp.catalog.json_path import is_empty, values_at
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.operation_record import Count, Read
from descope_mcp.guard.preview.recipe_values import (
    ABSENT,
    Scope,
    agrees,
    matching,
    resolvable,
    resolve,
)
from descope_mcp.guard.secrets.redaction import seal

#: How often one step may read, where the call names several things or the answer has pages.
MOST_READS = 10
#: How often all steps and counts together may read.
MOST_READS_IN_ALL = 20

#: Runs one read through the API core: ``(operation, arguments) -> data of the answer``.
Reader = Callable[[Operation, dict[str, Any]], Awaitable[dict[str, Any]]]


class PreviewFailed(Exception):
    """The before-state could not be read; the message says why, for a refusal."""


class TargetMissing(PreviewFailed):
    """The read worked, and what the call names is not there."""


class Ambiguous(PreviewFailed):
    """What the call names stands for two different things."""


class TooMuchToRead(PreviewFailed):
    """It would take more reads than a preview may make."""


class Tally(NamedTuple):
    """How much of something hangs on the target; with ``at_least`` there may be more."""

    label: str
    number: int
    at_least: bool = False


@dataclass(frozen=True, slots=True)
class Preview:
    """The target's before-state; empty where no recipe exists.

    ``found`` holds what each step found, the target first, with the secrets of each read sealed.
    ``missing`` are names and ids in the call that the first step found nothing for,
    ``incomplete`` the reads that had more than was read.
    """

    scope: Scope
    found: tuple[Any, ...] = ()
    missing: tuple[str, ...] = ()
    incomplete: tuple[str, ...] = ()

    @property
    def target(self) -> Any:
        """The before-state of the target itself, None where it was not read."""
        return self.found[0] if self.found else None


#: The preview of a call whose before-state could not be read, and did not have to be.
NOTHING_SEEN = Preview(Scope({}))


class _Seen(NamedTuple):
    """What a read holds at a path, and whether that is all of it."""

    value: Any = None
    whole: bool = True


_NOTHING = _Seen()


async def look(
    catalog: Catalog,
    operation: Operation,
    arguments: dict[str, Any],
    project: str,
    read: Reader,
) -> Preview:
    """Run the preview recipes of `operation`.

    Args:
        catalog: where the reads are described.
        operation: what would run.
        arguments: of the call, checked.
        project: what ``$project`` stands for.
        read: runs one read.

    Raises:
        TargetMissing: the target does not exist, or an update names some that do not.
        Ambiguous: two different things go by the name in the call.
        PreviewFailed: a step that is needed could not be read.
    """
    scope = Scope(arguments, None, project)
    found: list[Any] = []
    missing: list[str] = []
    incomplete: list[str] = []
    for step in operation.preview:
        seen = await _step(catalog, step, scope, read)
        if not found:
            scope = Scope(arguments, seen.value, project)
            missing = _unfound(step, seen.value, scope)
        if not seen.whole:
            incomplete.append(step.operation)
        found.append(seen.value)
        scope = Scope(arguments, scope.before, project, by_read(operation, found))
    if missing and operation.update:
        # What is not shown must not be changed; nor could it be changed back.
        raise TargetMissing(f"{operation.preview[0].operation} does not find all that it names.")
    return Preview(scope, tuple(found), tuple(missing), tuple(incomplete))


async def tally(
    catalog: Catalog, operation: Operation, preview: Preview, read: Reader
) -> tuple[Tally, ...]:
    """How much hangs on the target, by the impact recipes: for a person who is about to be asked.

    A count that cannot be made is left out.
    """
    scope = preview.scope
    counts = [await _count(catalog, step, scope, read) for step in operation.impact]
    return tuple(count for count in counts if count)


def by_read(operation: Operation, found: Iterable[Any]) -> dict[str, Any]:
    """What the steps of a preview found, by the names of their reads, as ``$found`` has it."""
    return {step.operation: seen for step, seen in zip(operation.preview, found, strict=False)}


def target_name(operation: Operation, preview: Preview) -> str:
    """What names the target for a person: the record's `target`, "" where it cannot be told."""
    name = resolve(operation.target, preview.scope) if operation.target else ABSENT
    if name is ABSENT or isinstance(name, (dict, bool)):
        return ""
    return ", ".join(map(str, name)) if isinstance(name, list) else str(name)


def thrifty(read: Reader) -> Reader:
    """A reader that asks no question twice, and not more than MOST_READS_IN_ALL of them."""
    known: dict[str, dict[str, Any]] = {}
    reads = 0

    async def thrifty(operation: Operation, arguments: dict[str, Any]) -> dict[str, Any]:
        nonlocal reads
        key = json.dumps([operation.name, arguments], sort_keys=True)
        if key not in known:
            if reads == MOST_READS_IN_ALL:
                raise TooMuchToRead(f"It takes more than {MOST_READS_IN_ALL} reads.")
            reads += 1
            known[key] = await read(operation, arguments)
        return known[key]

    return thrifty


async def _step(catalog: Catalog, step: Read, scope: Scope, read: Reader) -> _Seen:
    """What one step of a preview finds; nothing for an optional one that finds nothing."""
    ways = [way for way in (step.arguments, *step.otherwise) if resolvable(way, scope)]
    if step.optional and not (ways and resolvable(step.match, scope)):
        return _NOTHING
    if not resolvable(step.match, scope):
        # Nothing to tell the elements apart by: all of them would pass for the target.
        raise TargetMissing("the call does not say which one it means.")
    seen = _NOTHING
    for way in ways or [step.arguments]:
        one = await _find(catalog, step, way, scope, read)
        if seen.value is not None and one.value not in (None, seen.value):
            # A stranger can choose a login id that is somebody else's user id.
            raise Ambiguous(f"{step.operation} finds two different things by the same name.")
        seen = seen if one.value is None else one
    if seen.value is None and not step.optional:
        raise TargetMissing(f"{step.operation} finds nothing that the call names.")
    return seen


async def _find(
    catalog: Catalog, step: Read, arguments: dict[str, Any], scope: Scope, read: Reader
) -> _Seen:
    """What a step finds with these arguments."""
    try:
        recipe = {**arguments, **step.narrow}
        seen = await _run(catalog, step.operation, recipe, step.find, scope, read)
    except (MissingCredential, InvalidArguments) as error:
        if step.optional:
            return _NOTHING
        raise PreviewFailed(f"{step.operation} failed: {_text(error)}") from None
    except ApiFailure as error:
        status = error.status if isinstance(error, ApiError) else 0
        # A name of the one form may not pass for one of the other.
        if status == 404 or (status == 400 and (step.optional or step.otherwise)):
            return _NOTHING
        raise PreviewFailed(f"{step.operation} failed: {_text(error)}") from None
    value = seen.value
    if isinstance(value, list) and step.match:
        value = matching(value, step.match, scope, step.bare, step.either)
        if len(value) == 1:
            value = value[0]
    return _NOTHING if is_empty(value) else _Seen(value, seen.whole)


def _unfound(step: Read, seen: Any, scope: Scope) -> list[str]:
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


async def _count(catalog: Catalog, step: Count, scope: Scope, read: Reader) -> Tally | None:
    """One count, None where it cannot be made: the question says nothing about it then."""
    if not (resolvable(step.arguments, scope) and resolvable(step.match, scope)):
        return None
    try:
        recipe = {**step.arguments, **step.narrow}
        seen = await _run(catalog, step.operation, recipe, step.count, scope, read)
    except (ApiFailure, InvalidArguments, TooMuchToRead):
        return None
    value, more = seen.value, not seen.whole
    if isinstance(value, list):
        kept = matching(value, step.match, scope, either=step.either) if step.match else value
        value = len(kept)
    try:
        return Tally(step.label, int(value), more) if isinstance(value, (int, str)) else None
    except ValueError:
        return None


async def _run(
    catalog: Catalog, name: str, recipe: dict[str, Any], path: str, scope: Scope, read: Reader
) -> _Seen:
    """What one read holds at `path`, with secrets sealed.

    Where the call names several and the read takes one, it runs for each; where the answer has
    pages, for each page. The lists are joined, up to MOST_READS.
    """
    operation = catalog[name]
    if operation.worst_effect != "read" or "reveals_secret" in operation.worst_hazards:
        raise PreviewFailed(f"{name} is no read; a preview may not run it.")
    resolved = resolve(recipe, scope)
    waiting = list(_one_by_one(operation, {} if resolved is ABSENT else resolved))
    several = len(waiting) > 1
    places: list[Any] = []
    reads = 0
    while waiting and reads < MOST_READS:
        arguments = waiting.pop(0)
        reads += 1
        data = await read(operation, check(operation, arguments))
        here = values_at(seal(operation, data), path)
        places += here
        if here and isinstance(here[0], list) and _has_more(operation, arguments, data, here[0]):
            waiting.insert(0, {**arguments, "page": arguments.get("page", 0) + 1})
    return _Seen(_together(places, several), not waiting)


def _together(places: list[Any], several: bool) -> Any:
    """What several reads hold: one list of all elements, a sum, or a list of what each holds."""
    if len(places) > 1 and all(isinstance(place, list) for place in places):
        return [item for place in places for item in place]
    if several and places and all(isinstance(place, int) for place in places):
        return sum(places)
    return places if several else places[0] if places else None


def _has_more(
    operation: Operation, arguments: dict[str, Any], data: dict[str, Any], page: list[Any]
) -> bool:
    """Whether an answer is one page and not the last."""
    if "page" not in operation.input_schema["properties"] or not page:
        return False
    limit, before = arguments.get("limit", len(page)), arguments.get("page", 0)
    total = data.get("total")
    if isinstance(total, int):
        return bool(before * limit + len(page) < total)
    return "limit" in arguments and len(page) >= limit


def _one_by_one(operation: Operation, arguments: dict[str, Any]) -> list[dict[str, Any]]:
    """The arguments of each read: one, or one per element where a single value is taken."""
    properties = operation.input_schema["properties"]
    for name, value in arguments.items():
        if isinstance(value, list) and properties.get(name, {}).get("type") == "string":
            return [{**arguments, name: item} for item in dict.fromkeys(value)]
    return [arguments]


def _text(error: ApiFailure | InvalidArguments) -> str:
    return error.message if isinstance(error, ApiFailure) else str(error)
