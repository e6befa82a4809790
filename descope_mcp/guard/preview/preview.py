"""What a call would hit: the before-state and how much hangs on it, read before anybody is asked.

Only reads, and only such whose purpose is not a secret. A step that fails refuses the call: a
preview that cannot be shown never turns into a yes. An optional step may find nothing, and may be
left out where the server has no credential for it.

Steps and counts run side by side; one that refers to what another has found waits for that one.
What comes of it is put together in the order of the record, whichever answer came first.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import anyio

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.operation_record.recipe import Count, Read
from descope_mcp.guard.preview import impact, preview_step
from descope_mcp.guard.preview.failures import TargetMissing
from descope_mcp.guard.preview.former_names import FormerName
from descope_mcp.guard.preview.impact import Tally
from descope_mcp.guard.preview.ordered_gather import gather
from descope_mcp.guard.preview.read_budget import MOST_READS, MOST_READS_IN_ALL, Reader
from descope_mcp.guard.preview.recipe_reads import NOTHING, most_reads, needs
from descope_mcp.guard.preview.recipe_values import ABSENT, Scope, resolve
from descope_mcp.guard.preview.rights.permission_change import NO_RIGHTS, Rights
from descope_mcp.guard.preview.standing import UNMARKED, Standing


@dataclass(frozen=True, slots=True)
class Preview:
    """The target's before-state; empty where no recipe exists.

    ``found`` holds what each step found, the target first, with the secrets of each read sealed.
    ``missing`` are names and ids in the call that the first step found nothing for,
    ``incomplete`` the reads that had more than was read. ``counts`` is None where nobody counted.
    ``rights`` says what the roles in the call bring, by their permissions, ``standing`` what marks
    those whom it hits, ``former`` what they were called before; ``remembered`` is whether all was
    looked through that is known of that.
    """

    scope: Scope
    found: tuple[Any, ...] = ()
    missing: tuple[str, ...] = ()
    incomplete: tuple[str, ...] = ()
    counts: tuple[Tally, ...] | None = None
    rights: Rights = NO_RIGHTS
    standing: Standing = UNMARKED
    former: tuple[FormerName, ...] = ()
    remembered: bool = True

    @property
    def target(self) -> Any:
        """The before-state of the target itself, None where it was not read."""
        return self.found[0] if self.found else None


#: So many names are told that nothing was found for.
_MOST_NAMED = 5
#: The preview of a call whose before-state could not be read, and did not have to be.
NOTHING_SEEN = Preview(Scope({}))


async def look(
    catalog: Catalog,
    operation: Operation,
    arguments: dict[str, Any],
    project: str,
    read: Reader,
    *,
    counting: bool = False,
) -> Preview:
    """Run the preview recipes of `operation`.

    Args:
        catalog: where the reads are described.
        operation: what would run.
        arguments: of the call, checked.
        project: what ``$project`` stands for.
        read: runs one read, within a budget (`thrifty`).
        counting: count as well what hangs on the target, for a person who will be asked.

    Raises:
        TargetMissing: the target does not exist.
        SomeMissing: an update names several, of which some do not exist.
        Ambiguous: two different things go by the name in the call.
        PreviewFailed: a step that is needed could not be read.
    """
    steps = operation.preview
    start = Scope(arguments, None, project)
    seen = [NOTHING] * len(steps)
    ready = [anyio.Event() for _ in steps]

    async def scope(recipe: Read | Count, earlier: Sequence[Read]) -> Scope:
        """What a recipe can refer to, when it is there."""
        needed = needs(recipe, earlier)
        for number in needed:
            await ready[number].wait()
        return _scope(start, operation, {number: seen[number].value for number in needed})

    async def take(number: int) -> None:
        step = steps[number]
        here = await scope(step, steps[:number])
        seen[number] = await preview_step.find(catalog, step, here, read)
        ready[number].set()

    async def count(recipe: Count) -> Tally | None:
        return await impact.count(catalog, recipe, await scope(recipe, steps), read)

    counts = operation.impact if counting else ()
    # A count may not take a read that a step, or a count before it, would need.
    beside = not counts or most_reads(catalog, (*steps, *counts), start) <= MOST_READS_IN_ALL
    jobs: list[Callable[[], Awaitable[Tally | None]]]
    jobs = [partial(take, number) for number in range(len(steps))]
    if beside:
        jobs += [partial(count, recipe) for recipe in counts]
    tallies = (await gather(jobs))[len(steps) :]
    if not beside:
        tallies = [await count(recipe) for recipe in counts]

    found = tuple(one.value for one in seen)
    missing = preview_step.unfound(steps[0], found[0], start) if steps else []
    preview = Preview(
        _scope(start, operation, dict(enumerate(found))),
        found,
        tuple(missing),
        tuple(step.operation for step, one in zip(steps, seen, strict=True) if not one.whole),
        tuple(filter(None, tallies)) if counting else None,
    )
    if missing and operation.update:
        # What is not shown must not be changed; nor could it be changed back.
        raise SomeMissing(_unfound(steps[0], missing, whole=seen[0].whole), preview)
    return preview


class SomeMissing(TargetMissing):
    """Of several targets some are not there; ``rest`` is what was found of the others."""

    def __init__(self, message: str, rest: Preview) -> None:
        super().__init__(message)
        self.rest = rest


def _unfound(step: Read, missing: Sequence[str], *, whole: bool) -> str:
    """What a step looked for in vain, by the names in the call."""
    names = ", ".join(json.dumps(name) for name in missing[:_MOST_NAMED])
    more = len(missing) - _MOST_NAMED
    also = f" and {more} more" if more > 0 else ""
    bound = "" if whole else f" It reads {MOST_READS} times at most; name fewer in one call."
    return f"{step.operation} does not find {names}{also}.{bound}"


async def counted(
    catalog: Catalog, operation: Operation, preview: Preview, read: Reader
) -> tuple[Tally, ...]:
    """The counts of a preview; made now, if nobody expected that a person would be asked.

    A count that cannot be made is left out.
    """
    if preview.counts is not None:
        return preview.counts
    tallies = [await impact.count(catalog, c, preview.scope, read) for c in operation.impact]
    return tuple(filter(None, tallies))


def _scope(start: Scope, operation: Operation, found: Mapping[int, Any]) -> Scope:
    """`start` with what the steps of a preview found, by their numbers."""
    names = {operation.preview[number].operation: found[number] for number in sorted(found)}
    return replace(start, before=found.get(0), found=names)


def by_read(operation: Operation, found: Iterable[Any]) -> dict[str, Any]:
    """What the steps of a preview found, by the names of their reads, as ``$found`` has it."""
    return {step.operation: seen for step, seen in zip(operation.preview, found, strict=False)}


def target_value(operation: Operation, preview: Preview) -> Any:
    """What names the target: a text, or a list where there are several; "" if nothing does."""
    name = resolve(operation.target, preview.scope) if operation.target else ABSENT
    return "" if name is ABSENT or isinstance(name, (dict, bool)) else name


def target_name(operation: Operation, preview: Preview) -> str:
    """What names the target for a person: the record's `target`, "" where it cannot be told."""
    name = target_value(operation, preview)
    return ", ".join(map(str, name)) if isinstance(name, list) else str(name)
