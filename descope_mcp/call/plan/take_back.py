"""Taking a plan back: what its calls have done, in reverse, as one plan with one question."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from anyio.to_thread import run_sync

from descope_mcp.call.outcome import Instead, Refused, Undo
from descope_mcp.call.plan import consent, record
from descope_mcp.call.plan.expansion import Planned
from descope_mcp.call.plan.outcome import PlanOutcome, PlanRequest
from descope_mcp.call.plan.plan import carried_out
from descope_mcp.call.plan.shared_reads import SharedReads
from descope_mcp.call.plan.steps import Step
from descope_mcp.call.services import Services
from descope_mcp.call.undo.drift import ANYWAY, unchanged
from descope_mcp.guard.preview.ordered_gather import gather
from descope_mcp.guard.preview.preview import Preview
from descope_mcp.guard.preview.recipe_values import Scope
from descope_mcp.guard.preview.target_identity import identities
from descope_mcp.guard.question.question_data import Disclosure
from descope_mcp.store.journal import entries as journal
from descope_mcp.store.journal.entry import Entry


async def take_back(request: Undo, entry: Entry, services: Services) -> PlanOutcome:
    """Take back what the calls of a plan have done; ``entry`` is that of the plan.

    Raises:
        Instead: nothing can be taken back, or a person has to be asked.
        StoreError: the store cannot be used, and no call was sent.
    """
    await consent.use_up(request.approval, services)
    look = partial(record.found, services.store, services.project, entry.call)
    entry, _, calls = await run_sync(look)
    if await run_sync(record.at_work, services.store, entry, calls):
        message = "The plan still runs: what is taken back now, it would go on without."
        raise Instead(Refused("running", message, "Nothing was sent. Wait until it has ended."))
    done = [c for c in calls if c.result in ("done", "unknown") and not c.undone_by]
    unknown = [c.call[:8] for c in done if c.result == "unknown"]
    if unknown and not request.anyway:
        message = f"Nobody knows whether all calls took effect: {', '.join(unknown[:5])}."
        raise Instead(Refused("unknown", message, f"Read their targets first. {ANYWAY}"))
    planned, missing = await _reversed(done, request, services)
    if not planned:
        message = "Nothing of the plan can be undone."
        lost = f" {'; '.join(missing)}." if missing else ""
        raise Instead(Refused("no-undo", message + lost, "Nothing was sent."))
    asked = PlanRequest(
        {"plan": entry.call, "anyway": request.anyway},
        request.caller,
        undoes=entry.call,
        approval=request.approval,
        progress=request.progress,
    )
    return await carried_out(planned, asked, services, told=partial(_told, entry, missing))


async def _reversed(
    done: Sequence[Entry], request: Undo, services: Services
) -> tuple[list[Planned], list[str]]:
    """The calls that take back what was done, the last first, and what does not come back.

    Raises:
        Instead: an object has changed since.
    """
    planned: list[Planned] = []
    missing: dict[str, None] = {}
    changed_later: set[str] = set()
    shared = SharedReads(services)
    to_compare: list[Callable[[], Awaitable[None]]] = []
    for entry in reversed(done):
        details, kept = await run_sync(journal.detail, services.store, entry.call)
        operation = services.catalog.find(entry.operation)
        if operation is None or kept is None:
            missing[f"{entry.operation}: what would undo it is not kept"] = None
            continue
        missing |= dict.fromkeys(f"{operation.title}: {one}" for one in kept["missing"])
        if operation.lost:
            missing[f"{operation.title}: {operation.lost}"] = None
        sent, found = details.get("arguments", {}), tuple(details.get("before") or ())
        targets = identities(operation, Preview(Scope(sent), found))
        # What the plan itself changed once more is not as this call left it.
        if not (request.anyway or targets & changed_later):
            steps, read = kept["steps"], shared.of_one()
            to_compare.append(partial(unchanged, operation, sent, steps, services, read))
        changed_later |= targets
        for number, step in enumerate(kept["steps"], 1):
            if number in entry.undone_steps:
                continue
            restoring = services.catalog[step["operation"]]
            own = Step(f"undo-{entry.number}-{number}", restoring, step["arguments"])
            planned.append(
                Planned(
                    len(planned) + 1,
                    own,
                    step["arguments"],
                    entry.call,
                    (number, len(kept["steps"])),
                    alone=not request.anyway,
                )
            )
    await gather(to_compare)
    return planned, list(missing)


def _told(entry: Entry, missing: Sequence[str], said: Disclosure) -> Disclosure:
    """The question to a plan as one to its undo."""
    _, _, what = said.consequence.partition(": ")
    of = f" {entry.target}" if entry.target else ""
    sure: Any = "part" if missing else said.undo
    return replace(
        said,
        title="Undo a plan",
        consequence=f"Undo the plan{of} in {_many(said)}: {what}",
        undo=sure,
        lost=" ".join(f"{one}." if one[-1] not in ".!?" else one for one in missing),
    )


def _many(said: Disclosure) -> str:
    return said.consequence.removeprefix("Run a plan of ").partition(":")[0]
