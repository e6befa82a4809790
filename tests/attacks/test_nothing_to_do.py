"""Questions about nothing do not exist, and nobody gets a change through as one."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from starlette.responses import JSONResponse, Response

from descope_mcp.call.invoke import invoke, rehearse
from descope_mcp.call.outcome import SO_ALREADY, Call, Completed, NeedsConfirmation, Rehearsed
from descope_mcp.call.services import Services
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.guard.policy.file import parse
from tests.attacks.tally import BYPASSED, CALLS, none, tally
from tests.attacks.test_undo import call
from tests.attacks.world import World, calls
from tests.recorder import Recorded, recording

pytestmark = pytest.mark.anyio

#: Where reads of one object have it.
FOUND = ("user", "key", "tenant", "list", "app", "client")
TARA = {"loginId": "tara.singh@umbra.example"}
#: A call, and the same call of something else that it has something to do with.
PAIRS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("UpdateUserStatus", {**TARA, "status": "enabled"}, {**TARA, "status": "disabled"}),
    (
        "UpdateUserAddTenant",
        {**TARA, "tenantId": "umbra"},
        {**TARA, "tenantId": "globex"},
    ),
    (
        "UpdateUserRemoveTenant",
        {**TARA, "tenantId": "globex"},
        {**TARA, "tenantId": "umbra"},
    ),
    (
        "UpdateUserEmail",
        {**TARA, "email": TARA["loginId"], "failOnConflict": True},
        {**TARA, "email": "t@other.example", "failOnConflict": True},
    ),
    (
        "UpdateUserRemoveRoles",
        {**TARA, "roleNames": ["Billing"]},
        {**TARA, "roleNames": ["Billing"], "tenantId": "umbra"},
    ),
]


@pytest.mark.parametrize(("operation", "idle", "busy"), PAIRS, ids=[pair[0] for pair in PAIRS])
async def test_what_is_so_already_is_answered_and_not_sent(
    acme: Services, operation: str, idle: dict[str, Any], busy: dict[str, Any]
) -> None:
    if operation == "UpdateUserRemoveRoles":
        await call(acme, "UpdateUserAddRoles", **busy)
    before = await call(acme, "LoadUser", **TARA)
    outcome = await invoke(Call(operation, idle, "agent"), acme)
    assert isinstance(outcome, Completed), outcome
    assert outcome.became == SO_ALREADY
    assert outcome.data == {"user": before.data["user"]}
    planned = await rehearse(Call(operation, idle, "agent"), acme)
    assert isinstance(planned, Rehearsed)
    assert (planned.decision, planned.rule) == ("allow", "so-already")
    assert isinstance(await invoke(Call(operation, busy, "agent"), acme), NeedsConfirmation)


async def test_a_role_counts_where_it_is_held(acme: Services) -> None:
    """Held in a tenant it is not held in the project, nor the other way round."""
    await call(acme, "UpdateUserAddRoles", **TARA, roleNames=["Editor"], tenantId="umbra")
    there = {**TARA, "roleNames": ["Editor"], "tenantId": "umbra"}
    outcome = await invoke(Call("UpdateUserAddRoles", there, "agent"), acme)
    assert isinstance(outcome, Completed)
    for elsewhere in (
        {**TARA, "roleNames": ["Editor"]},
        {**TARA, "roleNames": ["Editor"], "tenantId": "globex"},
        {**TARA, "roleNames": ["Editor", "Owner"], "tenantId": "umbra"},
    ):
        outcome = await invoke(Call("UpdateUserAddRoles", elsewhere, "agent"), acme)
        assert isinstance(outcome, NeedsConfirmation), elsewhere


def echo(request: Recorded) -> Response:
    """Says of everything that it is what the request says."""
    said: dict[str, Any] = dict(request.query) | (json.loads(request.body) if request.body else {})
    return JSONResponse({**said, **dict.fromkeys(FOUND, said)})


def empty_objects(request: Recorded) -> Response:
    """Finds everything, and knows nothing of it."""
    return JSONResponse({name: {"id": "x"} for name in FOUND})


@pytest.mark.parametrize("answer", [echo, empty_objects])
async def test_an_answer_that_repeats_the_call_proves_nothing(
    catalog: Catalog, answer: Callable[[Recorded], Response]
) -> None:
    world, wrong, asked = World(catalog), [], 0
    async with recording(answer) as recorder:
        services = recorder.services(catalog)
        for operation in catalog.values():
            for kind, arguments in calls(operation) if operation.settled else ():
                recorder.requests.clear()
                tally[CALLS] += 1
                outcome = await invoke(Call(operation.name, arguments, "agent"), services)
                asked += isinstance(outcome, NeedsConfirmation)
                settled = isinstance(outcome, Completed) and outcome.became == SO_ALREADY
                named = operation.update and kind == "needed"
                if settled and not named:
                    wrong.append(f"{operation.name} ({kind}): {outcome}")
                sent = {world.name(request) for request in recorder.requests}
                if settled and operation.name in sent:
                    wrong.append(f"{operation.name} ({kind}) sent {sent}")
        await services.client.close()
    none(wrong, BYPASSED)
    assert asked > 30


async def test_whoever_says_that_all_is_so_gets_nothing_sent(catalog: Catalog) -> None:
    """In a world in which everything is as every call wants it, no call of these arrives."""
    world, wrong, settled = World(catalog), [], 0
    async with recording(world.answer) as recorder:
        services = recorder.services(catalog)
        for operation in catalog.values():
            for kind, arguments in calls(operation) if operation.settled else ():
                recorder.requests.clear()
                tally[CALLS] += 1
                outcome = await invoke(Call(operation.name, arguments, "agent"), services)
                settled += isinstance(outcome, Completed) and outcome.became == SO_ALREADY
                sent = [world.name(request) for request in recorder.requests]
                ran = isinstance(outcome, Completed) and outcome.became != SO_ALREADY
                if operation.name in sent and not ran:
                    wrong.append(f"{operation.name} ({kind}): {outcome} after {sent}")
        await services.client.close()
    none(wrong, BYPASSED)
    assert settled > 10


async def test_replace_true_asks_also_where_nothing_becomes_different(acme: Services) -> None:
    given = {**TARA, "roleNames": [], "replace": True}
    outcome = await invoke(Call("UpdateUserSetRoles", given, "agent"), acme)
    assert isinstance(outcome, NeedsConfirmation), outcome


@pytest.mark.parametrize(
    "rule",
    [
        'toolset = "users"\neffect = ["read"]\ndecision = "deny"',
        'operation = "LoadUser"\ndecision = "confirm"',
        'target = "tara.singh@*"\neffect = ["read"]\ndecision = "deny"',
        'operation = "LoadUser"\ndecision = "allow"\ncalls = 1\nper = "1h"',
    ],
)
async def test_what_may_not_be_read_is_no_answer_either(acme: Services, rule: str) -> None:
    """A change that has nothing to do would otherwise read whoever it names."""
    rules, _ = parse("p.toml", f"[[rule]]\n{rule}", acme.catalog)
    guarded = replace(acme, policy=Policy(rules=rules))
    idle = {**TARA, "status": "enabled"}
    outcome = await invoke(Call("UpdateUserStatus", idle, "agent"), guarded)
    assert isinstance(outcome, Completed), outcome
    assert outcome.became == SO_ALREADY
    assert outcome.data == {}
    assert "policy" in outcome.notes[0]
