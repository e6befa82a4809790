"""Promises about what a policy decides, tried with every worked example of every operation."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from descope_mcp.call.outcome import SO_ALREADY, Completed, Failed, NeedsConfirmation, Refused
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.operation_record.effect import Hazard
from descope_mcp.cli.policy_trials.verification.proof import Proof, Tried, became, spelled
from descope_mcp.cli.policy_trials.verification.stage import Stage
from descope_mcp.guard.policy.decision import EVERY, Decision, Policy
from descope_mcp.guard.policy.risk import Risk, assess
from descope_mcp.guard.policy.rule import Cap
from descope_mcp.store.consent import caps

#: A policy of no rules: what the default policy has to say.
_DEFAULT = Policy()


def examples(stage: Stage) -> Iterator[tuple[Operation, dict[str, Any], Risk]]:
    """Every worked example with its risk at worst."""
    for operation in stage.services.catalog.values():
        for example in operation.examples:
            risk = assess(operation, example.arguments, stage.services.trusted_hosts)
            yield operation, example.arguments, risk


async def nothing_unasked(
    stage: Stage, promise: str, concerned: Callable[[Operation, Risk], bool]
) -> Proof:
    """That no example which is concerned runs without a word, whatever it is called with."""
    proof = Proof(promise)
    for operation, arguments, risk in examples(stage):
        if not concerned(operation, risk):
            continue
        await _unasked(stage, proof, operation.name, arguments)
    return proof


async def _unasked(
    stage: Stage, proof: Proof, name: str, arguments: dict[str, Any], *, bounds: bool = True
) -> None:
    """Make a call that nobody said yes to; the rule that lets it through is at fault.

    With `bounds`, a rule may let it through that says how often, or for which arguments.
    """
    call = spelled(name, arguments)
    decision = stage.decision(name, arguments, stage.policy)
    if decision.action == "allow":
        if not _asks(stage, name, arguments):
            # Nobody promises a question here.
            return
        allowing = stage.rule(decision.rule)
        if bounds and allowing and (allowing.cap or allowing.arguments or allowing.meanings):
            proof.calls += 1
            proof.exceptions.append(f"{call}: allowed within bounds by {decision.rule}")
        else:
            proof.broken(call, "allowed", decision.rule)
        return
    # A call can be of several promises; it is made once.
    tried = stage.tried.get(call) or await _try(stage, name, arguments, decision.rule)
    stage.tried[call] = tried
    if tried.fault:
        proof.broken(call, tried.said, tried.fault)
    else:
        proof.tried(call, tried.said, telling=tried.telling)


async def _try(stage: Stage, name: str, arguments: dict[str, Any], rule: str) -> Tried:
    """Make a call that a policy asks about or denies, without a word."""
    before, outcome = stage.written, await stage.run(name, arguments)
    if isinstance(outcome, Completed) and outcome.became == SO_ALREADY:
        sent = stage.written > before
        return Tried("so already, and not sent", "call.send" if sent else "", telling=False)
    if isinstance(outcome, Completed):
        # It may have run if what it changed turned out to be less than it could have been.
        again = stage.judged_again(outcome.call_id)
        at_fault = again.differences[0].other_rule if again.differences else "call.audit_record"
        kept = again.judged == 1 and not again.differences
        return Tried("ran, for what it changed needs no word", "" if kept else at_fault)
    if stage.written > before:
        return Tried(f"{became(outcome)}, and changed something", "the path of a call")
    # One whose target the sandbox does not have shows less than one that is asked about.
    return Tried(f"{became(outcome)}, by {rule}", telling=not isinstance(outcome, Failed))


def _asks(stage: Stage, name: str, arguments: dict[str, Any]) -> bool:
    return stage.decision(name, arguments, _DEFAULT).action != "allow"


def hazardous(*hazards: Hazard) -> Callable[[Operation, Risk], bool]:
    """Which examples have one of these hazards and are the default policy's to ask about."""

    def concerned(operation: Operation, risk: Risk) -> bool:
        return not set(hazards).isdisjoint(risk.hazards)

    return concerned


def destructive(operation: Operation, risk: Risk) -> bool:
    """Which examples delete, overwrite, revoke or cut off."""
    return risk.effect == "destructive"


def credentials(operation: Operation, risk: Risk) -> bool:
    """Which examples create a credential in the APIs that administer."""
    return "mints_secret" in risk.hazards and operation.plane in ("management", "scim")


#: How an administrator's role can be given, in the shapes that calls have.
_ADMIN, _WHO = "Tenant Admin", "wei.zhang@contractor.example"
_IN_TENANT = [{"tenantId": "globex", "roleNames": [_ADMIN]}]
ROLES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("PatchUser", {"loginId": _WHO, "roleNames": ["Owner"]}),
    ("PatchUser", {"loginId": _WHO, "userTenants": _IN_TENANT}),
    ("UpdateUserAddRoles", {"loginId": _WHO, "roleNames": ["Owner", "Viewer"]}),
    ("UpdateUserSetRoles", {"loginId": _WHO, "roleNames": ["Owner"]}),
    ("UpdateUserAddTenant", {"loginId": _WHO, "tenantId": "globex"}),
    ("CreateUser", {"loginId": "new@acme.example", "roleNames": ["Owner"]}),
    ("CreateUser", {"loginId": "new@acme.example", "userTenants": _IN_TENANT}),
    ("CreateTestUser", {"loginId": "probe@acme.example", "roleNames": ["Owner"]}),
    ("CreateUsers", {"users": [{"loginId": "new@acme.example", "roleNames": ["Owner"]}]}),
    ("CreateAccessKey", {"name": "probe", "roleNames": ["Owner"]}),
    ("CreateAccessKey", {"name": "probe", "keyTenants": _IN_TENANT}),
    ("UpdateTenantDefaultRoles", {"id": "globex", "defaultRoles": [_ADMIN]}),
    ("PatchUserBatch", {"users": [{"loginId": _WHO, "roleNames": ["Owner"]}]}),
    ("PatchUserBatch", {"users": [{"loginId": _WHO, "userTenants": _IN_TENANT}]}),
    ("CreateDescopers", {"descopers": [{"loginId": _WHO, "rbac": {"isCompanyAdmin": True}}]}),
    ("CreateManagementKey", {"name": "probe", "reBac": {"companyRoles": ["company-full-access"]}}),
)


async def no_role_unasked(stage: Stage) -> Proof:
    """That nobody gets an administrator's rights without a question, in any shape of a call."""
    proof = Proof("nobody gets an administrator's role without a question")
    for name, arguments in ROLES:
        await _unasked(stage, proof, name, arguments, bounds=False)
    return proof


async def project_by_name(stage: Stage) -> Proof:
    """That what affects the whole project is denied, or wants its name typed."""
    proof = Proof("what affects the whole project wants the target's name typed, or is denied")
    for operation, arguments, risk in examples(stage):
        if "project_wide" in risk.hazards:
            decision = stage.decision(operation.name, arguments, stage.policy)
            kept = decision.action == "deny" or decision.typed
            proof.expect(kept, spelled(operation.name, arguments), _said(decision), decision.rule)
    return proof


async def unknown_is_denied(stage: Stage) -> Proof:
    """That what is no operation, or is not known well enough, is not sent."""
    proof = Proof("unknown and blocked operations are denied")
    blocked = [o.name for o in stage.services.catalog.values() if "blocked" in o.worst_hazards]
    for name in ("DropEverything", "deleteuser; DeleteUser", "", *blocked):
        before, outcome = stage.written, await stage.run(name, {})
        kept = isinstance(outcome, (Refused, Failed)) and stage.written == before
        proof.expect(kept, spelled(name, {}), became(outcome), "call.assessment.examine")
    return proof


async def undeclared_is_refused(stage: Stage) -> Proof:
    """That an argument which nobody would be shown is not sent."""
    proof = Proof("an argument that the operation does not have is refused, not dropped")
    for more in ({"confirm": True}, {"approved": "yes"}, {"force": 1}):
        before, arguments = stage.written, {"loginId": _WHO, **more}
        outcome = await stage.run("DeleteUser", arguments)
        kept = isinstance(outcome, Failed) and stage.written == before
        proof.expect(kept, spelled("DeleteUser", arguments), became(outcome), "catalog.arguments")
    return proof


async def read_only_denies(stage: Stage) -> Proof:
    """That a server started read-only changes nothing, whatever the policy allows."""
    proof = Proof("read-only denies every change")
    services = stage.under(replace(stage.policy, read_only=True))
    for operation, arguments, risk in examples(stage):
        if risk.effect == "read":
            continue
        before = stage.written
        outcome = await stage.confirmed(operation.name, arguments, services)
        kept = not isinstance(outcome, (Completed, NeedsConfirmation)) and stage.written == before
        call = spelled(operation.name, arguments)
        proof.expect(kept, call, became(outcome), "guard.policy.decision")
    return proof


async def production_denies(stage: Stage) -> Proof:
    """That nothing affects the whole of a project that is marked as production."""
    proof = Proof("in a project marked as production nothing affects the whole project")
    policy = replace(stage.policy, production=frozenset({EVERY}))
    for operation, arguments, risk in examples(stage):
        if "project_wide" in risk.hazards:
            decision = stage.decision(operation.name, arguments, policy)
            kept = decision.action == "deny"
            proof.expect(kept, spelled(operation.name, arguments), _said(decision), decision.rule)
    return proof


async def caps_hold(stage: Stage) -> Proof:
    """That of fifty calls at once no more are counted than a cap says: those of the policy too."""
    proof = Proof("caps hold under fifty calls at once")
    for rule in stage.policy.rules:
        if rule.cap:
            took, room = await _crowded(stage, rule.cap)
            counted = f"{took} of {_AT_ONCE} at once counted where there was room for {room}"
            proof.expect(took == room, f"the cap of {rule.place}", counted, rule.place)
    policy = Policy(rules=(_five(stage),))
    services, name = stage.under(policy), {"loginId": _WHO, "givenName": "Wei"}
    outcomes = await asyncio.gather(
        *(stage.run("PatchUser", name, services) for _ in range(_AT_ONCE))
    )
    done = sum(isinstance(outcome, Completed) for outcome in outcomes)
    said = f"{done} of {_AT_ONCE} at once ran under a cap of {_FEW}"
    proof.expect(done == _FEW, spelled("PatchUser", name), said, "store.consent.caps")
    return proof


async def _crowded(stage: Stage, cap: Cap) -> tuple[int, int]:
    """How many of fifty calls at once a cap counts when it is nearly reached, and its room."""
    most = min(n for n in (cap.calls, cap.items) if n is not None)
    room = min(most, _AT_ONCE // 2)
    take = partial(
        caps.take,
        stage.services.store,
        project="verify",
        rule=cap.rule,
        seconds=cap.seconds,
        most_calls=cap.calls,
        most_items=cap.items,
    )
    if cap.calls is not None and most == cap.calls:
        for _ in range(most - room):
            await asyncio.to_thread(take, items=0)
    elif most > room:
        await asyncio.to_thread(take, items=most - room)
    took = await asyncio.gather(*(asyncio.to_thread(take, items=1) for _ in range(_AT_ONCE)))
    return sum(took), room


_AT_ONCE, _FEW = 50, 5


def _five(stage: Stage) -> Any:
    """A rule that allows five changes of a user in an hour."""
    from descope_mcp.guard.policy.file import parse

    text = f'[[rule]]\noperation = "PatchUser"\ndecision = "allow"\ncalls = {_FEW}\nper = "1h"\n'
    (rule,), _ = parse("five.toml", text, stage.services.catalog)
    return rule


def _said(decision: Decision) -> str:
    typed = ", with the target's name typed" if decision.typed else ""
    return f"{decision.action}{typed}, by {decision.rule}"
