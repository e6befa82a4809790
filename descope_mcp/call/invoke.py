"""The path of a call: catalog, guard, journal, api, shape. There is no second way to Descope.

`invoke` can be entered again: nothing is held in memory while a person thinks. When it answers
`NeedsConfirmation`, the caller asks in whatever way it can and calls again with the approval.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from anyio.to_thread import run_sync

from descope_mcp.api import large_work
from descope_mcp.api.request import Flight
from descope_mcp.call import call_log
from descope_mcp.call.assessment import foreseen_reads, large_arguments
from descope_mcp.call.assessment.disclosure import disclosed, must_type
from descope_mcp.call.assessment.examine import Denied, examine
from descope_mcp.call.assessment.foreseen_reads import Noted
from descope_mcp.call.assessment.judge import see
from descope_mcp.call.assessment.nothing_to_do import has_nothing_to_do, so_already
from descope_mcp.call.call_log import Entry
from descope_mcp.call.checked import Checked
from descope_mcp.call.evidence.observed import observed
from descope_mcp.call.outcome import (
    Call,
    Completed,
    Failed,
    Instead,
    NeedsConfirmation,
    Outcome,
    Refused,
    Rehearsed,
)
from descope_mcp.call.send import send, with_handles
from descope_mcp.call.services import Services
from descope_mcp.call.store_warnings import reported, unusable
from descope_mcp.call.target_lock import turn
from descope_mcp.catalog.reports.report import Report
from descope_mcp.guard.consent import confirmation, said_no
from descope_mcp.guard.consent.confirmation import Approval
from descope_mcp.guard.policy.decision import SO_ALREADY, items, rests_on_names
from descope_mcp.guard.preview.preview import Preview, counted
from descope_mcp.guard.preview.target_identity import identities
from descope_mcp.guard.question.renderers import mcp_form
from descope_mcp.store.errors import StoreError
from descope_mcp.telemetry.stages import stage


async def invoke(call: Call, services: Services) -> Outcome:
    """Run one call, or say why not, or what a person has to be asked first.

    Never raises for anything that a caller can send or Descope can answer.
    """
    with call_log.entry(call, services) as entry:
        outcome = reported(await _run(call, services, entry), services.store)
        entry.ended(outcome)
    return outcome


async def _run(call: Call, services: Services, entry: Entry) -> Outcome:
    try:
        size = large_arguments.bounded(call.arguments)
        with stage("examine"):
            examined = await large_work.run(size, examine, call, services, size)
        entry.judged(examined)
        checked = await with_handles(call, examined, services)
        if _is_free_read(checked, services):
            await _shadowed(call, checked, services)
            await _count(call, checked, services)
            return await _sent(call, checked, services)
        if call.approval:
            await _use_up(call.approval, services)
        return await _change(call, checked, services, entry)
    except Denied as denied:
        entry.judged(denied.checked)
        await _shadowed(call, denied.checked, services)
        return denied.outcome
    except Instead as instead:
        return instead.outcome
    except StoreError as error:
        return unusable(error, services.store)


def _is_free_read(checked: Checked, services: Services) -> bool:
    """Whether nobody has to be asked about a read, whatever its target is called besides."""
    free = checked.effect == "read" and checked.decision.action == "allow"
    return free and not rests_on_names(checked.operation, services.policy)


async def _sent(
    call: Call, checked: Checked, services: Services, flight: Flight | None = None
) -> Completed | Failed:
    """Send the request of a call; those of a report are calls of their own."""
    if not isinstance(checked.operation, Report):
        return await send(call, checked, services, flight)
    # Not every server makes reports, and no other call has to wait for SQLite to be loaded.
    from descope_mcp.call.reports.report_answer import made

    async def run(operation: str, arguments: Mapping[str, Any]) -> Outcome:
        part = Call(operation, arguments, call.caller, through="read", progress=call.progress)
        return await invoke(part, services)

    return await made(checked.operation, checked, services, run)


async def _shadowed(call: Call, checked: Checked, services: Services) -> None:
    if services.shadow is not None:
        from descope_mcp.call import shadow_policy

        await shadow_policy.note(call, checked, services)


async def _change(call: Call, first: Checked, services: Services, entry: Entry) -> Outcome:
    """Look, judge, ask or send, in the call's turn at its targets.

    What was read before another call changed a target is read again, and judged anew.
    """
    # The store's library takes a third of a second to load, which no read has to pay for.
    from descope_mcp.call.audit_record import recorded
    from descope_mcp.store.target_leases import Held

    seen = await see(call, first, services)
    said, said_of = "", None
    for _ in range(_MOST_TURNS):
        targets = identities(first.operation, seen.preview)
        async with turn(services, first.id, targets, seen.since) as mine:
            while not await mine.still():
                seen = await see(call, first, services)
                mine.since = seen.since
            if identities(first.operation, seen.preview) != targets:
                continue
            checked, preview = seen.checked, seen.preview
            entry.judged(checked)
            if has_nothing_to_do(call, checked, preview):
                return so_already(call, checked, preview, services)
            counted = bool(said)
            if not counted:
                await _shadowed(call, checked, services)
                # Nobody is asked, and no word is used up, for what a cap refuses anyway.
                await _count(call, checked, services, ahead=True)
            if said in ("", _POLICY):
                said = await _consent(call, checked, preview, services, seen.read)
            elif said_of != (checked.arguments, preview.found, preview.rights):
                raise Instead(Refused("changed", _CHANGED, _AGAIN))
            said_of = (checked.arguments, preview.found, preview.rights)
            if not counted:
                await _count(call, checked, services)
            sending = partial(_sent, call, checked, services)
            try:
                outcome = await recorded(call, checked, preview, said, services, sending, mine)
            except Held:
                continue
            with stage("observe"):
                return await observed(outcome, call, seen, said, services)
    raise Instead(Refused("busy", "Others keep changing the same target.", _LATER))


async def rehearse(call: Call, services: Services) -> Rehearsed | Failed | Refused:
    """What a call would do: its whole way but for a person's word and the call itself.

    Only the reads of its preview are sent. Never raises, like `invoke`.
    """
    try:
        size = large_arguments.bounded(call.arguments)
        checked = await with_handles(call, examine(call, services, size), services)
        said = None
        if not _is_free_read(checked, services):
            seen = await see(call, checked, services)
            checked = seen.checked
            if has_nothing_to_do(call, checked, seen.preview):
                checked = replace(checked, decision=SO_ALREADY)
            said = await disclosed(call, checked, seen.preview, services, seen.read)
        await _count(call, checked, services, ahead=True)
    except Instead as instead:
        if isinstance(instead.outcome, (Failed, Refused)):
            return instead.outcome
        raise  # nobody is asked on this way
    except StoreError as error:
        return unusable(error, services.store, "The call would be refused")
    decision, risk = checked.decision, checked.risk
    return Rehearsed(
        checked.operation, decision.action, decision.rule, checked.effect, risk.hazards, said
    )


async def _use_up(approval: Approval, services: Services) -> None:
    from descope_mcp.guard.consent import given_word

    try:
        await run_sync(given_word.use_up, services.store, approval)
    except given_word.NotGiven as error:
        raise Instead(Refused(error.rule, str(error), _AGAIN)) from None


async def _count(call: Call, checked: Checked, services: Services, *, ahead: bool = False) -> None:
    """Count the call towards the cap of its rule, if it has one; `ahead` only looks for room.

    It counts before it is sent, so that of many at once no more than the cap are.
    """
    cap = checked.decision.cap
    if cap is None or (call.part and call.part.cap == cap.rule):
        return
    from descope_mcp.store.consent import caps

    asked: dict[str, Any] = {
        "project": services.project,
        "rule": cap.rule,
        "items": items(checked.operation, checked.arguments),
        "seconds": cap.seconds,
        "most_calls": cap.calls,
        "most_items": cap.items,
    }
    if not await run_sync(partial(caps.take, services.store, **asked, count=not ahead)):
        message = f"The cap of rule {checked.decision.rule} is reached."
        wait = await run_sync(partial(caps.wait, services.store, **asked))
        when = f"There is room again in {wait:.0f} seconds." if wait else _NEVER_ROOM
        raise Instead(Refused("cap", message, f"Nothing was sent. {when}", wait))


async def _consent(
    call: Call, checked: Checked, preview: Preview, services: Services, read: Noted
) -> str:
    """What allows the call, for the journal; ends it if a person has to be asked first."""
    operation, decision = checked.operation, checked.decision
    if call.part and (what := call.part.differs(checked, preview)):
        raise Instead(Refused("changed", f"{_CHANGED} {what}", _AGAIN))
    if call.consent:
        return call.consent
    if decision.action == "allow":
        return _POLICY
    from descope_mcp.guard.consent import given_word

    project, store = services.project, services.store
    typed = must_type(checked, preview, project)
    name, caller = operation.name, call.caller
    preview = replace(preview, counts=await counted(services.catalog, operation, preview, read))
    hashed = partial(large_work.run, checked.size)
    change = (services.catalog, operation, checked.given, preview)
    same = await hashed(said_no.same_change, *change, project, caller)
    all_of_it = await hashed(
        confirmation.binding, name, checked.arguments, project, caller, preview
    )
    bound = confirmation.of_call(same, all_of_it, decision.quorum)
    if call.approval:
        try:
            judging = (store, call.approval, bound, typed, decision.quorum)
            return await run_sync(given_word.judge, *judging)
        except given_word.NotGiven as error:
            raise Instead(Refused(error.rule, str(error), _AGAIN)) from None
    ahead = partial(
        given_word.given_ahead,
        store,
        bound=bound,
        project=project,
        caller=call.caller,
        operation=operation.name,
        arguments=checked.given,
        items=items(operation, checked.arguments),
        names=checked.names,
        grantable=not (decision.typed or decision.quorum.is_of_others),
    )
    if allowed := await run_sync(ahead):
        return allowed
    foreseen_reads.keep(call, checked.size, services, tuple(read.asked))
    said = await disclosed(call, checked, preview, services, read, typed)
    code = await run_sync(given_word.needs_code, store)
    form = mcp_form.message(said, services.policy.long_documents)
    asked = confirmation.ask(form, mcp_form.label(said), typed, bound, code=code, same=same)
    raise Instead(NeedsConfirmation(asked, said))


#: So often a call queues up anew because its target has become another one.
_MOST_TURNS = 5
_POLICY = "policy"
_CHANGED = "What the call hits has changed since a person's word."
_LATER = "Nothing was sent. Call again later."
_NEVER_ROOM = "It affects more than the cap ever allows at once; make smaller calls."
_AGAIN = "Nothing was sent. Call again; a person is then asked again."
