"""Promises about a person's word: what counts as one, for what, and how often."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing, suppress
from dataclasses import replace

from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Completed, NeedsConfirmation, Undo
from descope_mcp.call.plan.outcome import PlanOutcome
from descope_mcp.call.services import Services
from descope_mcp.call.undo.undo import undo
from descope_mcp.cli.policy_trials.verification.proof import Proof, became, spelled
from descope_mcp.cli.policy_trials.verification.stage import CALLER, DATABASE, OTHER, VICTIM, Stage
from descope_mcp.guard.consent import said_no
from descope_mcp.guard.consent.confirmation import Approval, Question, accept
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.sandbox.engine.errors import DescopeError
from descope_mcp.sandbox.seeds.new_project import call as change
from descope_mcp.store.consent import approvals, grants
from descope_mcp.store.consent.request import Request


async def counts_once(stage: Stage) -> Proof:
    """That a yes which has been used is worth nothing."""
    proof = Proof("a used confirmation counts once")
    # What can be done twice: only that the word is used up keeps it from running again.
    name = "LogoutAllUserDevices"
    services, note = stage.asking(name)
    asked = await stage.run(name, VICTIM, services)
    if not isinstance(asked, NeedsConfirmation):
        return proof
    word = accept(asked.question, asked.question.typed)
    call = Call(name, dict(VICTIM), CALLER, approval=word)
    first, second = await invoke(call, services), await invoke(call, services)
    kept = isinstance(first, Completed) and not isinstance(second, Completed)
    said = f"{note}first {became(first)}, then {became(second)}"
    proof.expect(kept, spelled(name, VICTIM), said, "guard.consent.given_word")
    return proof


async def for_its_call_alone(stage: Stage) -> Proof:
    """That an answer counts for the call that was asked about, as things were, until it ends."""
    proof = Proof("an answer to another call, or to what has changed since, does not count")
    services, note = stage.asking()
    question = await _question(stage, OTHER)
    if question is None:
        return proof
    word = accept(question, question.typed)
    renamed = {**OTHER, "name": "Somebody Else"}
    late = replace(word, nonce="late", expires=time.time() - 1)
    forged = replace(word, nonce="forged", binding="0" * 64)
    tries: tuple[tuple[str, dict[str, str], str, Approval], ...] = (
        ("another user", {"loginId": "pablo.ruiz@initech.example"}, CALLER, word),
        ("another caller", OTHER, "somebody", replace(word, nonce="caller")),
        ("an expired answer", OTHER, CALLER, late),
        ("a made-up answer", OTHER, CALLER, forged),
    )
    for what, arguments, caller, approval in tries:
        before = stage.written
        outcome = await invoke(
            Call("DeleteUser", dict(arguments), caller, approval=approval), services
        )
        kept = not isinstance(outcome, Completed) and stage.written == before
        shown = f"{note}{what}: {became(outcome)}"
        proof.expect(kept, spelled("DeleteUser", arguments), shown, "guard.consent.confirmation")
    with suppress(DescopeError), stage.state.calling(stage.state.caller):
        change(stage.state, "PatchUser", **renamed)
    before = stage.written
    changed = replace(word, nonce="changed")
    outcome = await invoke(Call("DeleteUser", dict(OTHER), CALLER, approval=changed), services)
    kept = not isinstance(outcome, Completed) and stage.written == before
    shown = f"{note}renamed since the question: {became(outcome)}"
    proof.expect(kept, spelled("DeleteUser", OTHER), shown, "guard.consent.confirmation")
    return proof


async def name_is_typed(stage: Stage) -> Proof:
    """That a wrong name, or a plain yes, is not enough where the name is wanted."""
    proof = Proof("where a name is wanted, another one and a plain yes do not count")
    arguments = {"id": "umbra", "cascade": True}
    services = stage.under(Policy())
    for typed in ("", "yes", "umbra", "umbra labs", "Umbra"):
        before, outcome = stage.written, await stage.run("DeleteTenant", arguments, services)
        if not isinstance(outcome, NeedsConfirmation):
            break
        word = accept(outcome.question, typed)
        call = Call("DeleteTenant", dict(arguments), CALLER, approval=word)
        outcome = await invoke(call, services)
        kept = not isinstance(outcome, Completed) and stage.written == before
        shown = f"{typed!r} typed: {became(outcome)}"
        proof.expect(kept, spelled("DeleteTenant", arguments), shown, "guard.consent.given_word")
    return proof


async def grant_covers_itself(stage: Stage) -> Proof:
    """That a grant lets through what it names, as often as it says, and nothing else."""
    proof = Proof("a grant covers nothing but what it names")
    services, note = stage.asking()
    grants.create(
        services.store,
        project=services.project,
        operation="DeleteUser",
        arguments={"loginId": "rania.*@initech.example"},
        items=1,
        seconds=600,
    )
    fits = {"loginId": "rania.saleh@initech.example"}
    tries: tuple[tuple[str, dict[str, object]], ...] = (
        ("DeleteUser", {"loginId": "olga.petrova@initech.example"}),
        ("DeleteUser", {"loginId": "rania.saleh@initech.example,olga.petrova@initech.example"}),
        ("DeleteUser", {**fits, "userId": "U1"}),
        ("LogoutAllUserDevices", dict(fits)),
        ("UpdateUserStatus", {**fits, "status": "disabled"}),
    )
    for name, arguments in tries:
        before, outcome = stage.written, await stage.run(name, arguments, services)
        # What the policy allows anyway shows nothing about the grant.
        if isinstance(outcome, Completed) and services.policy.rules:
            continue
        kept = not isinstance(outcome, Completed) and stage.written == before
        said = f"{note}{became(outcome)}"
        proof.expect(kept, spelled(name, arguments), said, "guard.consent.given_word")
    first, second = [await stage.run("DeleteUser", fits, services) for _ in range(2)]
    kept = isinstance(first, Completed) and not isinstance(second, Completed)
    said = f"{note}first {became(first)}, then {became(second)}"
    proof.expect(kept, spelled("DeleteUser", fits), said, "store.consent.grants")
    return proof


async def no_is_kept(stage: Stage) -> Proof:
    """That a no stands for a while, so that nobody is worn down."""
    proof = Proof("a no stands for a minute: nobody is asked about the same call again and again")
    question = await _question(stage, {"loginId": "hugo.silva@globex.example"})
    if question is None:
        return proof
    said_no.keep(stage.services.store, question, time.time())
    again = await _question(stage, {"loginId": "hugo.silva@globex.example"})
    kept = bool(again) and said_no.stands(stage.services.store, again)  # type: ignore[arg-type]
    shown = "not asked again" if kept else "asked again"
    call = spelled("DeleteUser", {"loginId": "hugo.silva@globex.example"})
    proof.expect(kept, call, shown, "guard.consent.said_no")
    return proof


async def a_denial_is_none(stage: Stage) -> Proof:
    """That only an approved request counts: not one that waits, and not one that was denied."""
    proof = Proof("a request that waits, or was denied, allows nothing")
    services, note = stage.asking()
    arguments = {"loginId": "ines.costa@globex.example"}
    question = await _question(stage, arguments)
    if question is None:
        return proof
    request = _filed(services, question)
    for what in ("waits", "is denied"):
        before, outcome = stage.written, await stage.run("DeleteUser", arguments, services)
        kept = not isinstance(outcome, Completed) and stage.written == before
        shown = f"{note}its request {what}: {became(outcome)}"
        proof.expect(kept, spelled("DeleteUser", arguments), shown, "store.consent.approvals")
        if request:
            approvals.answer(services.store, request.number, approved=False)
    return proof


async def forged_is_none(stage: Stage) -> Proof:
    """That whoever can write the database, and has not the key, cannot approve anything."""
    proof = Proof("a row that was written into the store without its key allows nothing")
    services, note = stage.asking()
    arguments = {"loginId": "grace.kim@globex.example"}
    question = await _question(stage, arguments)
    if question is None:
        return proof
    _filed(services, question)
    with closing(sqlite3.connect(services.store.directory / DATABASE)) as connection:
        connection.execute("UPDATE approvals SET status = 'approved', expires = expires + 9999")
        connection.commit()
    before, outcome = stage.written, await stage.run("DeleteUser", arguments, services)
    kept = not isinstance(outcome, Completed) and stage.written == before
    shown = f"{note}its request was set to approved: {became(outcome)}"
    proof.expect(kept, spelled("DeleteUser", arguments), shown, "store.integrity.signed_rows")
    return proof


async def undo_asks(stage: Stage) -> Proof:
    """That taking a call back asks like any call that does the same."""
    proof = Proof("undo asks too")
    for services, note in (
        (stage.services, ""),
        (stage.under(Policy()), "under the default policy: "),
    ):
        made = await stage.confirmed("CreateRole", {"name": f"Probe{len(note)}"}, services)
        if not isinstance(made, Completed):
            continue
        before = stage.written
        outcome: PlanOutcome = await undo(Undo(made.call_id, CALLER), services)
        kept = not isinstance(outcome, Completed) and stage.written == before
        rule = stage.decision("DeleteRole", {"name": "Probe"}, services.policy).rule
        proof.expect(kept, "descope_undo of CreateRole", f"{note}{became(outcome)}", rule)
    return proof


async def _question(stage: Stage, arguments: dict[str, str]) -> Question | None:
    """What a person is asked about a deletion, None if the user is not there."""
    services, _ = stage.asking()
    outcome = await stage.run("DeleteUser", arguments, services)
    return outcome.question if isinstance(outcome, NeedsConfirmation) else None


def _filed(services: Services, question: Question) -> Request | None:
    """The request that waits for a person's word on a question about a deletion."""
    return approvals.file(
        services.store,
        project=services.project,
        caller=CALLER,
        operation="DeleteUser",
        binding=question.binding,
        question=question.text,
        typed=question.typed,
    )
