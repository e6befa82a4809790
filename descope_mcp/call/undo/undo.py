"""Taking a journalled call back, by the plan that was made when it ran.

The calls of the plan go through `invoke`: they are checked, journalled and denied like any other.
If a person has to be asked about one of several, they are asked once, about all.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import astuple, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from anyio.to_thread import run_sync

from descope_mcp.api.errors import ApiFailure
from descope_mcp.call.assessment import project_facts
from descope_mcp.call.assessment.examine import examine
from descope_mcp.call.checked import Checked
from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import (
    Call,
    Completed,
    Failed,
    Instead,
    NeedsConfirmation,
    Outcome,
    Refused,
    Undo,
)
from descope_mcp.call.plan.outcome import NAME as PLAN
from descope_mcp.call.plan.outcome import PlanOutcome
from descope_mcp.call.services import Services
from descope_mcp.call.store_warnings import unusable
from descope_mcp.call.undo import steps as undo_steps
from descope_mcp.call.undo.drift import ANYWAY, reader, unchanged
from descope_mcp.call.undo.steps import Plan
from descope_mcp.guard.consent import confirmation, given_word, said_no
from descope_mcp.guard.consent.confirmation import shown_counts
from descope_mcp.guard.policy.quorum import strictest
from descope_mcp.guard.preview.failures import PreviewFailed, TargetMissing
from descope_mcp.guard.preview.ordered_gather import gather
from descope_mcp.guard.preview.preview import Preview, look
from descope_mcp.guard.preview.recipe_values import Scope
from descope_mcp.guard.preview.rights.named_roles import PlannedCall
from descope_mcp.guard.preview.rights.permission_change import Rights
from descope_mcp.guard.preview.rights.role_permissions import rights
from descope_mcp.guard.question.affected_targets import called
from descope_mcp.guard.question.compose.undo import Undone, UndoStep, as_undo, undo_disclosure
from descope_mcp.guard.question.quoting import NotShown, quoted
from descope_mcp.guard.question.renderers import mcp_form
from descope_mcp.guard.question.shown_rights import shown_rights
from descope_mcp.store.errors import StoreError
from descope_mcp.store.journal import entries as journal
from descope_mcp.store.journal.entry import Entry


async def undo(request: Undo, services: Services) -> PlanOutcome:
    """Take a call or a plan back, or say why not, or what a person has to be asked first.

    Never raises for anything that a caller can send or Descope can answer.
    """
    try:
        entry = await run_sync(_entry, request, services)
        if entry.operation == PLAN:
            from descope_mcp.call.plan.take_back import take_back

            return await take_back(request, entry, services)
        plan = await _planned(entry, request, services)
        if len(plan.left) == 1:
            return await _single(request, plan, services)
        checked = [examine(plan.steps[number], services) for number in plan.left]
        said = await _consent(request, plan, checked, services)
        return await undo_steps.run(plan, said, services)
    except Instead as instead:
        return instead.outcome
    except StoreError as error:
        return unusable(error, services.store)


async def _single(request: Undo, plan: Plan, services: Services) -> Outcome:
    """Run the one step of an undo; a person who has to be asked is asked about the undo."""
    (number,) = plan.left
    outcome = await invoke(replace(plan.steps[number], approval=request.approval), services)
    if isinstance(outcome, NeedsConfirmation):
        said = as_undo(outcome.disclosure, _undone(request, plan))
        text = mcp_form.message(said, services.policy.long_documents)
        question = replace(outcome.question, text=text, label=mcp_form.label(said))
        return NeedsConfirmation(question, said)
    if not isinstance(outcome, Completed):
        return outcome
    return undo_steps.done(plan, {number: outcome})


async def _planned(entry: Entry, request: Undo, services: Services) -> Plan:
    """The plan of the entry, if it can be taken back at all."""
    details, kept = await run_sync(journal.detail, services.store, entry.call)
    operation = services.catalog.find(entry.operation)
    if operation is None or kept is None:
        raise Instead(Refused("no-plan", _NOT_KEPT, _BY_HAND))
    steps = tuple(
        Call(
            step["operation"],
            step["arguments"],
            request.caller,
            progress=request.progress,
            undoes=entry.call,
            back=(number, len(kept["steps"])),
            # Of two at once one runs.
            alone=not request.anyway,
        )
        for number, step in enumerate(kept["steps"], 1)
    )
    if not steps:
        lost = "; ".join(kept["missing"]) or operation.lost or "it has no operation that undoes it"
        raise Instead(Refused("no-undo", f"{operation.name} cannot be undone: {lost}.", _BY_HAND))
    if not request.anyway:
        sent = details.get("arguments", {})
        await unchanged(operation, sent, kept["steps"], services, reader(services))
    gone = [*kept["missing"], *([operation.lost] if operation.lost else [])]
    # What was recorded without an order runs in that of the plan.
    after = tuple(
        tuple(step.get("after", range(number))) for number, step in enumerate(kept["steps"])
    )
    before = tuple(details.get("before") or ())
    left = tuple(n for n in range(len(steps)) if n + 1 not in entry.undone_steps)
    return Plan(entry, operation, steps, after, left, tuple(gone), called(before), before)


def _entry(request: Undo, services: Services) -> Entry:
    """The one entry that is meant, if its call took effect and still stands."""
    found = []
    if len(request.call) >= _SHORTEST:
        found = journal.entries(
            services.store,
            project=services.project,
            caller=services.own_calls,
            call=request.call,
            limit=2,
        )
    if len(found) != 1:
        problem = "More than one call begins" if found else "No call in the journal begins"
        message = f"{problem} with {quoted(request.call)}."
        raise Instead(Failed("unknown_call", message, "See `descope-mcp journal list`."))
    (entry,) = found
    if entry.undone_by and not request.anyway:
        message = f"It was undone already, or may have been, by call {entry.undone_by}."
        raise Instead(Refused("undone", message, ANYWAY))
    if entry.operation == PLAN:
        # What became of a plan says nothing of its calls.
        return entry
    if entry.result in ("failed", "not_sent"):
        message = f"There is nothing to undo: the call was {_DID_NOT[entry.result]}."
        raise Instead(Refused("nothing-done", message, "Nothing was sent."))
    if entry.result == "unknown" and not request.anyway:
        message = "Nobody knows whether the call took effect."
        raise Instead(Refused("unknown", message, f"Read the target first. {ANYWAY}"))
    return entry


async def _seen(step: Checked, services: Services) -> UndoStep:
    """What a step of the undo hits now. One may build on another, and so find nothing yet."""
    operation, arguments = step.operation, step.given
    scope = Scope(arguments, None, services.project)
    shown = UndoStep(operation, arguments, step.risk, step.decision, Preview(scope))
    if step.risk.effect != "destructive":
        return shown
    catalog, read = services.catalog, reader(services)
    try:
        preview = await look(catalog, operation, arguments, services.project, read, counting=True)
    except TargetMissing:
        return shown
    except (PreviewFailed, ApiFailure) as error:
        message = f"Nobody can be shown what {operation.name} would hit. {error}"
        raise Instead(Refused("preview", message, _BY_HAND)) from None
    return replace(shown, preview=preview, counts=preview.counts or ())


async def _rights(steps: Sequence[Checked], services: Services) -> Rights:
    """What the roles in the steps of an undo bring, whatever those who get them have by now."""
    planned = [
        PlannedCall(s.operation, s.given, Preview(Scope(s.given, None, services.project)))
        for s in steps
    ]
    try:
        return await rights(services.catalog, planned, reader(services), asked=True)
    except PreviewFailed as error:
        raise Instead(Refused("preview", f"The undo: {error}", _BY_HAND)) from None


async def _consent(
    request: Undo, plan: Plan, checked: Sequence[Checked], services: Services
) -> str:
    """What a person said to the undo; "" if nobody has to be asked."""
    asking = [step for step in checked if step.decision.action == "confirm"]
    if not asking:
        return ""
    typed = services.project if any(step.decision.typed for step in asking) else ""
    store = services.store
    project, caller = services.project, request.caller
    same = said_no.same_call("undo", {"call": plan.entry.call}, project, caller)
    try:
        if request.approval:
            await run_sync(given_word.use_up, store, request.approval)
        seeing: list[Callable[[], Awaitable[Any]]]
        seeing = [partial(_seen, step, services) for step in checked]
        seeing.append(partial(_rights, checked, services))
        seen = await gather(seeing)
        steps: list[UndoStep] = seen[:-1]
        resolved: Rights = seen[-1]
        quorum = strictest(step.decision.quorum for step in asking)
        binding = _binding(request, plan, steps, resolved, services)
        bound = confirmation.of_call(same, binding, quorum)
        if request.approval:
            judging = (store, request.approval, bound, typed, quorum)
            return await run_sync(given_word.judge, *judging)
    except given_word.NotGiven as error:
        message = f"{error} Nothing was sent."
        raise Instead(
            Refused(error.rule, message, "Undo again; a person is then asked again.")
        ) from None
    ahead = partial(
        given_word.given_ahead,
        store,
        bound=bound,
        project=services.project,
        caller=request.caller,
        operation=plan.operation.name,
        arguments={},
        items=1,
        grantable=False,
    )
    if allowed := await run_sync(ahead):
        return allowed
    await project_facts.learn(services)
    try:
        said = undo_disclosure(
            _undone(request, plan),
            steps,
            project_facts.shown(project, services),
            caller,
            typed,
            shown_rights(resolved),
        )
    except NotShown as error:
        raise Instead(Refused("not-shown", f"The undo: {error}", _BY_HAND)) from None
    code = await run_sync(given_word.needs_code, store)
    form, label = mcp_form.message(said), mcp_form.label(said)
    changes = (
        said_no.same_change(services.catalog, s.operation, s.arguments, s.preview, project, caller)
        for s in steps
        if s.decision.action == "confirm"
    )
    parts = tuple(changes)
    asked = confirmation.ask(form, label, typed, bound, code=code, same=same, parts=parts)
    raise Instead(NeedsConfirmation(asked, said))


def _undone(request: Undo, plan: Plan) -> Undone:
    return Undone(
        plan.operation,
        plan.entry.target,
        _time(plan.entry.at),
        plan.missing,
        request.anyway,
        plan.names,
    )


def _binding(
    request: Undo, plan: Plan, steps: Sequence[UndoStep], resolved: Rights, services: Services
) -> str:
    """A digest of everything that a yes to the undo covers."""
    calls = [
        [s.operation.name, s.arguments, s.preview.found or None, shown_counts(s.counts)]
        for s in steps
    ]
    covered = ["undo", plan.entry.call, services.project, request.caller, request.anyway, calls]
    covered.append(astuple(resolved))
    return hashlib.sha256(json.dumps(covered, sort_keys=True, default=str).encode()).hexdigest()


def _time(at: float) -> str:
    """A time as a person reads it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


#: So much of a call's id has to be given.
_SHORTEST = 4
_NOT_KEPT = "What would undo this call was not recorded, or is no longer kept."
_BY_HAND = "Nothing was sent. `descope-mcp journal show` tells what is known of the call."
_DID_NOT = {"failed": "refused by Descope", "not_sent": "never sent"}
