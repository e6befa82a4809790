"""A plan in the journal: an entry of its own, to which those of its calls belong."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from functools import partial
from typing import Any

from anyio import CancelScope
from anyio.to_thread import run_sync

from descope_mcp.call.outcome import Failed, Instead, Refused
from descope_mcp.call.plan.judgement import Judged
from descope_mcp.call.plan.outcome import NAME, PlanEnded, PlanRequest
from descope_mcp.call.plan.references import written
from descope_mcp.call.services import Services
from descope_mcp.catalog.operation_record.effect import worse
from descope_mcp.guard.question.quoting import quoted
from descope_mcp.guard.secrets.redaction import masked
from descope_mcp.store.errors import StoreError
from descope_mcp.store.journal import entries as journal
from descope_mcp.store.journal import unfinished_plans, unsettled, write_ahead
from descope_mcp.store.journal.entry import Entry, Intent, Result, UndoneBefore
from descope_mcp.store.store import Store

#: So much of a plan's id has to be given.
_SHORTEST = 4


async def begun(
    judged: Sequence[Judged], consent: str, request: PlanRequest, services: Services
) -> Intent:
    """Record that a plan is about to run, with all its calls. It is on disk when this returns.

    One that is gone on with keeps its entry. Whoever cancels it meanwhile does so afterwards.

    Raises:
        StoreError: it cannot be recorded, so the plan must not run.
    """
    rules = dict.fromkeys(one.checked.decision.rule for one in judged)
    calls = [
        {
            "number": one.number,
            "step": one.planned.step.id,
            "operation": one.checked.operation.name,
            "effect": one.checked.effect,
            "arguments": masked(one.checked.operation, _given(one)),
            **({"undoes": one.planned.undoes} if one.planned.undoes else {}),
            **({"back": one.planned.back} if one.planned.back else {}),
            **({"alone": True} if one.planned.alone else {}),
        }
        for one in judged
    ]
    intent = Intent(
        call=request.resume or str(uuid.uuid4()),
        project=services.project,
        caller=request.caller,
        operation=NAME,
        effect=worse(*(one.checked.effect for one in judged)),
        rule=", ".join(rules),
        consent=consent or "policy",
        target=quoted(request.title) if request.title else "",
        undoes=request.undoes,
        alone=bool(request.undoes),
        details={"title": request.title, "onFailure": request.on_failure, "calls": calls},
    )
    with CancelScope(shield=True):
        if not request.resume:
            try:
                await run_sync(write_ahead.intend, services.store, intent)
            except UndoneBefore as error:
                message = f"It was undone already, or is just being undone, by plan {error.by}."
                raise Instead(Refused("undone", message, "Nothing was sent.")) from None
        await run_sync(unfinished_plans.begin, services.store.directory, intent.call)
    return intent


def _given(one: Judged) -> Any:
    """The arguments as they were checked, or with references, as a caller would write them."""
    return written(one.planned.arguments if one.planned.pending else one.checked.given)


async def ended(intent: Intent, plan: PlanEnded, services: Services) -> None:
    """Record what became of a plan. If that fails, it stays one that nobody has ended."""
    done, total = plan.count("done"), len(plan.calls)
    result: Result = "done" if done == total else "unknown" if plan.count("unknown") else "failed"
    with CancelScope(shield=True):
        try:
            await run_sync(
                partial(
                    write_ahead.settle,
                    services.store,
                    intent,
                    result,
                    f"{done} of {total} calls done",
                )
            )
        except StoreError:
            unfinished_plans.leave(services.store.directory, intent.call)
            return
        await run_sync(unfinished_plans.end, services.store.directory, intent.call)


def at_work(store: Store, entry: Entry, calls: Sequence[Entry]) -> bool:
    """Whether somebody is still at a plan, on this machine or on another one.

    Args:
        store: where.
        entry: that of the plan.
        calls: those of its calls.
    """
    if unfinished_plans.runs(store.directory, entry.call):
        return True
    # On another machine the process cannot be looked for.
    return store.is_shared and not entry.settled and unsettled.at_work(entry, calls)


def found(
    store: Any, project: str, beginning: str, caller: str = ""
) -> tuple[Entry, dict[str, Any], list[Entry]]:
    """A plan of the journal, what it was to do ({} once forgotten), and the entries of its calls.

    Args:
        store: where.
        project: that it ran in, "" for any.
        beginning: of its id.
        caller: whose plan it has to be, "" for anybody's.

    Raises:
        Instead: there is no such plan, or there are several.
        StoreError: the journal cannot be read.
    """
    plans: list[Entry] = []
    if len(beginning) >= _SHORTEST:
        plans = journal.entries(
            store, project=project, caller=caller, call=beginning, operation=NAME, limit=2
        )
    if len(plans) != 1:
        problem = "More than one plan begins" if plans else "No plan in the journal begins"
        message = f"{problem} with {quoted(beginning)}."
        raise Instead(Failed("unknown_plan", message, "See `descope-mcp journal list`."))
    (entry,) = plans
    details, _ = journal.detail(store, entry.call)
    calls = journal.entries(store, project=entry.project, plan=entry.call)
    return entry, details, sorted(calls, key=lambda call: call.number)
