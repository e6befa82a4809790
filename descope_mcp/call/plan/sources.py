"""The reads that other steps take from: they run first, so that what is shown is resolved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import anyio
from anyio.to_thread import run_sync

from descope_mcp.call.assessment.examine import examine
from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Completed, Failed, Instead, Outcome
from descope_mcp.call.plan.batches import batched
from descope_mcp.call.plan.expansion import Known, Planned, expanded
from descope_mcp.call.plan.outcome import PlanRequest
from descope_mcp.call.plan.prediction import made_by, names
from descope_mcp.call.plan.references import Unresolved
from descope_mcp.call.plan.steps import Faults, Step
from descope_mcp.call.services import Services
from descope_mcp.guard.preview.ordered_gather import gather

#: So many pages of a list are read, and so many reads of one step go at once.
MOST_PAGES = 50
AT_ONCE = 8


async def calls_of(
    steps: Sequence[Step], request: PlanRequest, services: Services
) -> tuple[list[Planned], list[str]]:
    """The calls of a plan, after the reads that others take from have run.

    Returns:
        The calls that are still to be made, and a sentence for every read that others take from
        and that is not whole.

    Raises:
        Instead: with what is wrong with steps.
    """
    known, faults = Known(request.kept), Faults([])
    calls, partly = list[Planned](), list[str]()
    wanted = {one.origin for step in steps for one in step.takes_from}
    unknown, made = set[str](), set[str]()
    for step in steps:
        # What is wrong with one step is no further fault of those that take from it.
        if unknown & {one.origin for one in step.takes_from}:
            unknown.add(step.id)
            continue
        try:
            # In a thread: a path may have much to look through, and other calls wait.
            here = await run_sync(_expanded, step, known, len(calls) + 1)
            if step.id in wanted and _runs_first(here, request, services):
                await request.progress(f"Reading first: {step.operation.title}")
                known[step.id] = await _answers(step, here, request, services, partly)
            else:
                alike = step.each is not None and step.id not in wanted
                # What is there and what is yet to be made are not shown, and changed, in one call.
                apart = made and any(made & names(c.step.operation, c.arguments) for c in here)
                calls += await batched(here, services) if alike and not apart else here
                made.update(*(made_by(c.step.operation, c.arguments) for c in here))
        except Unresolved as error:
            faults.add(step.id, str(error))
            unknown.add(step.id)
        except Instead as instead:
            faults.add(step.id, instead.outcome)
            unknown.add(step.id)
    if not calls:
        faults.add(steps[0].id, "the plan comes to no call: nothing is there to do")
    faults.end()
    return [_placed(call, request) for call in calls], partly


def _placed(call: Planned, request: PlanRequest) -> Planned:
    """A call as what it was in the plan that is gone on with."""
    place = request.places.get(call.step.id)
    return replace(call, **place._asdict()) if place else call


def _expanded(step: Step, known: Known, first: int) -> list[Planned]:
    return list(expanded(step, known, first))


def _runs_first(calls: Sequence[Planned], request: PlanRequest, services: Services) -> bool:
    """Whether calls are reads that nobody is asked about, of which everything is known.

    Raises:
        Instead: one makes no sense, or is denied.
    """
    if any(call.pending or call.step.operation.effect != "read" for call in calls):
        return False
    checked = [
        examine(Call(call.step.operation.name, call.arguments, request.caller), services)
        for call in calls
    ]
    return all(c.effect == "read" and c.decision.action == "allow" for c in checked)


async def _answers(
    step: Step,
    calls: Sequence[Planned],
    request: PlanRequest,
    services: Services,
    partly: list[str],
) -> Any:
    """What a step answers: one answer, or of a step with for_each the list of them."""
    turns = anyio.CapacityLimiter(AT_ONCE)

    async def one(call: Planned) -> dict[str, Any]:
        async with turns:
            return await _whole(call, request, services, partly)

    found = await gather([partial(one, call) for call in calls])
    return found[0] if step.each is None else found


async def _whole(
    call: Planned, request: PlanRequest, services: Services, partly: list[str]
) -> dict[str, Any]:
    """The answer of a read: all pages of it, unless the call asks for one."""
    operation, given = call.step.operation, dict(call.arguments)
    paging = operation.paging
    places = (paging.page, paging.start, paging.offset, paging.size) if paging else ()
    sized = {p for p in places if p and p in given}
    if paging and paging.maximum and not sized:
        given[paging.size] = paging.maximum
    answer = await _read(given, call, request, services)
    rows = answer.get(operation.rows)
    if not paging or not isinstance(rows, list):
        return answer
    total = answer.get(paging.total)
    size, page, found = len(rows), 0, list(rows)
    while not sized and rows and _goes_on(len(found), total, len(rows), size):
        page += 1
        if page == MOST_PAGES:
            message = f"{operation.name} finds more than {len(found):,}; narrow it."
            raise Instead(Failed("too_much", message, ""))
        onward = (
            {paging.page: page}
            if paging.page
            else {paging.start: len(found) + 1}
            if paging.start
            else {paging.offset: len(found)}
        )
        rows = (await _read(given | onward, call, request, services)).get(operation.rows) or []
        found += rows
    if isinstance(total, int) and total > len(found):
        partly.append(f"Only {len(found):,} of {total:,} were read: step {call.step.id}.")
    return {**answer, operation.rows: found}


def _goes_on(found: int, total: object, last: int, size: int) -> bool:
    """Whether there may be a further page."""
    return found < total if isinstance(total, int) and total else last >= size


async def _read(
    arguments: dict[str, Any], call: Planned, request: PlanRequest, services: Services
) -> dict[str, Any]:
    name = call.step.operation.name
    outcome: Outcome = await invoke(Call(name, arguments, request.caller), services)
    if not isinstance(outcome, Completed):
        raise Instead(outcome)
    if outcome.cut:
        message = f"The answer of {name} is larger than this server reads."
        raise Instead(Failed("too_much", message, ""))
    return outcome.data
