"""Sending a change between the two words of the journal: what was intended, what became of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import anyio
from anyio.to_thread import run_sync

from descope_mcp.api import large_work
from descope_mcp.api.request import Flight
from descope_mcp.call.checked import Checked
from descope_mcp.call.outcome import Call, Completed, Failed, Instead, Refused
from descope_mcp.call.services import Services
from descope_mcp.call.target_lock import Turn
from descope_mcp.guard.preview.preview import Preview, target_name
from descope_mcp.guard.question.quoting import quoted
from descope_mcp.guard.restore import restore_steps
from descope_mcp.guard.restore.way_back import Undoable, by_plan, messages_sent
from descope_mcp.guard.secrets.redaction import masked
from descope_mcp.store.errors import StoreError
from descope_mcp.store.journal import late_outcomes, write_ahead
from descope_mcp.store.journal.entry import Intent, RanBefore, Result, UndoneBefore
from descope_mcp.store.store import Store
from descope_mcp.telemetry.stages import stage

Send = Callable[[Flight], Awaitable[Completed | Failed]]


async def recorded(
    call: Call,
    checked: Checked,
    preview: Preview,
    consent: str,
    services: Services,
    send: Send,
    turn: Turn,
) -> Completed | Failed:
    """Send a call and keep a record of it.

    Args:
        call: as it came in.
        checked: with the arguments to send.
        preview: what was there before.
        consent: what allowed it.
        services: with the store of the journal.
        send: sends it, once.
        turn: the call's turn at its targets.

    Raises:
        Held: others have changed a target since it was looked at; nothing was sent.
        Instead: it is to take back alone what another call takes back; nothing was sent.
        StoreError: the intent could not be recorded, so nothing was sent.
    """
    operation, store, flight = checked.operation, services.store, Flight()
    arguments = await large_work.run(checked.size, masked, operation, checked.arguments)
    intent = Intent(
        call=checked.id,
        project=services.project,
        caller=call.caller,
        operation=operation.name,
        effect=checked.effect,
        rule=checked.decision.rule,
        consent=consent,
        target=quoted(target_name(operation, preview)),
        details={"arguments": arguments, "before": preview.found},
        undoes=call.undoes,
        back=call.back,
        alone=call.alone,
        plan=call.part.plan if call.part else "",
        number=call.part.number if call.part else 0,
    )
    try:
        with stage("record"):
            await run_sync(write_ahead.intend, store, intent, turn.section, turn.since)
    except UndoneBefore as error:
        message = f"It was undone already, or is just being undone, by call {error.by}."
        raise Instead(Refused("undone", message, "Nothing was sent.")) from None
    except RanBefore as error:
        message = f"This call of the plan was sent already, or may have been: call {error.by}."
        raise Instead(Refused("ran-before", message, "Nothing was sent.")) from None
    outcome: Completed | Failed | None = None
    try:
        outcome = await send(flight)
    finally:
        # Also when the caller goes away, or something here fails: the call may have run.
        result, reason = _became(outcome, flight)
        with anyio.CancelScope(shield=True):
            undo = None
            if result in ("done", "unknown"):
                plan = partial(_undo, checked, arguments, preview, outcome, services)
                undo = await large_work.run(checked.size, plan)
                if call.part and isinstance(outcome, Completed):
                    undo |= {"taken": call.part.taken(outcome.data)}
            with stage("record"):
                written = await run_sync(_settled, store, intent, result, reason, undo, turn)
    if not written:
        return _noted(outcome)
    if isinstance(outcome, Completed) and undo and checked.effect != "read":
        return replace(outcome, undo=by_plan(operation, undo["steps"], undo["missing"]))
    return outcome


def _undo(
    checked: Checked,
    arguments: Any,
    preview: Preview,
    outcome: Completed | Failed | None,
    services: Services,
) -> dict[str, Any]:
    """The plan that takes the call back, as far as it is known what it did."""
    operation = checked.operation
    answer = outcome.data if isinstance(outcome, Completed) else None
    found, project = preview.found, services.project
    try:
        plan = restore_steps.plan(services.catalog, operation, arguments, found, answer, project)
        stays = messages_sent(operation, checked.risk.hazards) if plan.steps else ()
        plan = replace(plan, missing=(*plan.missing, *stays))
    except Exception:  # noqa: BLE001 - the call may have run, whatever is wrong with its way back
        plan = restore_steps.Plan(missing=("the way back could not be worked out",))
    return asdict(plan)


def _settled(
    store: Store,
    intent: Intent,
    result: Result,
    reason: str,
    undo: dict[str, Any] | None,
    turn: Turn,
) -> bool:
    """Write the outcome; False if it has to wait, which cannot make the call undone."""
    try:
        write_ahead.settle(store, intent, result, reason, undo, turn.section)
    except StoreError:
        store.late.append(late_outcomes.Outcome(intent, result, reason, undo, turn.section))
        return False
    return True


def _noted(outcome: Completed | Failed) -> Completed | Failed:
    """The outcome of a call that the journal could not be told about."""
    said = "The journal could not be told what became of this call; it shows it as unknown."
    if isinstance(outcome, Completed):
        undo = Undoable("no", ("The journal holds no way back.",))
        return replace(outcome, notes=(*outcome.notes, said), undo=undo)
    return replace(outcome, message=f"{outcome.message} {said}")


def _became(outcome: Completed | Failed | None, flight: Flight) -> tuple[Result, str]:
    """How a call ended, and why, in words without anything personal."""
    match outcome:
        case None:
            return ("unknown" if flight.on_its_way else "not_sent"), "it was ended from outside"
        case Completed():
            return "done", f"{outcome.partial} item(s) failed" if outcome.partial else ""
        case Failed(kind="outcome_unknown"):
            return "unknown", "the connection or the service failed before it answered"
        case Failed(kind="api_error"):
            return "failed", f"{outcome.status} {outcome.code}".strip()
    return "not_sent", outcome.kind
