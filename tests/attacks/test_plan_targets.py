"""A plan's calls hit what a person was shown or what the plan itself has made, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Failed, NeedsConfirmation
from descope_mcp.call.plan.outcome import PlanEnded, PlanRequest
from descope_mcp.call.plan.plan import plan
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.consent.confirmation import accept
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.guard.policy.rule import Cap, PolicyRule
from tests.call.plan.world import ADA, BEN, Steps, World, became, world

pytestmark = pytest.mark.anyio

NEW = "new@acme.example"


@pytest.fixture
async def here(catalog: Catalog, tmp_path: Path) -> AsyncIterator[World]:
    async with world(catalog, tmp_path) as made:
        yield made


def call(operation: str, **arguments: Any) -> dict[str, Any]:
    return {"operation": operation, "arguments": arguments}


def taken(path: str) -> dict[str, str]:
    """What stands for a value of the answer of step `made`."""
    return {"$from": "made", "path": path}


async def run_while(
    here: World, steps: Steps, at: str, meddle: Callable[[], Any], **more: Any
) -> PlanEnded:
    """A plan to which a person says yes; `meddle` happens when it tells of the progress `at`."""
    asked = await plan(PlanRequest(steps, "agent", **more), here.services)
    assert isinstance(asked, NeedsConfirmation), asked

    async def told(message: str) -> None:
        if message.startswith(at):
            await meddle()

    word = accept(asked.question, asked.question.typed)
    request = PlanRequest(steps, "agent", approval=word, progress=told, **more)
    outcome = await plan(request, here.services)
    assert isinstance(outcome, PlanEnded), outcome
    return outcome


async def test_names_that_change_hands_lead_to_nobody_else(here: World) -> None:
    """Ada is shown to be deleted; by then her login id is Ben's."""
    steps = [
        call("UpdateUserLoginID", loginId=ADA, newLoginId="away@acme.example"),
        call("UpdateUserLoginID", loginId=BEN, newLoginId=ADA),
        call("DeleteUser", loginId=ADA),
    ]
    outcome = await here.plan(steps)
    if isinstance(outcome, PlanEnded):
        assert became(outcome)[2] == "not run", outcome
    assert await here.user("away@acme.example" if isinstance(outcome, PlanEnded) else ADA)
    assert await here.user(ADA)


async def test_a_stranger_under_the_name_of_whom_the_plan_makes_gets_nothing(here: World) -> None:
    steps = [
        call("CreateUser", loginId=NEW),
        call("UpdateUserAddRoles", loginId=NEW, roleNames=["Tenant Admin"]),
    ]

    async def comes_first() -> None:
        await invoke(Call("CreateUser", {"loginId": NEW}, "stranger"), here.services)

    outcome = await run_while(here, steps, "1 of 2", comes_first, on_failure="continue")
    assert became(outcome) == ["failed", "not run"]
    assert not (await here.user(NEW)).get("roleNames")


@pytest.mark.parametrize("path", ["user.customAttributes.department", "user.name"])
async def test_an_answer_that_nobody_has_seen_leads_to_no_target(here: World, path: str) -> None:
    attributes = {"department": ADA}
    steps = [
        {"id": "made", **call("CreateUser", loginId=NEW, name=ADA, customAttributes=attributes)},
        call("DeleteUser", loginId=taken(path)),
    ]
    outcome = await here.plan(steps)
    assert isinstance(outcome, Failed) or became(outcome) == ["done", "not run"], outcome
    assert await here.user(ADA)


async def test_an_answer_that_nobody_has_seen_leads_into_no_tenant(here: World) -> None:
    steps = [
        {"id": "made", **call("CreateTenant", name="umbra")},
        call("UpdateUserAddTenant", loginId=BEN, tenantId=taken("name")),
    ]
    outcome = await here.plan(steps)
    assert isinstance(outcome, Failed) or became(outcome) == ["done", "not run"], outcome
    assert "umbra" not in [t["tenantId"] for t in (await here.user(BEN)).get("userTenants", [])]


async def test_who_is_there_and_who_is_made_are_not_changed_in_one_call(here: World) -> None:
    new = call("CreateUser", loginId=NEW)
    each = {"for_each": [NEW, BEN], **call("PatchUser", loginId="$each", givenName="X")}
    outcome = await here.ran([new, each])
    assert became(outcome) == ["done"] * 3
    other = call("CreateUser", loginId="other@acme.example")
    users = [{"loginId": one, "givenName": "Y"} for one in ("other@acme.example", BEN)]
    refused = await here.plan([other, call("PatchUserBatch", users=users)])
    assert isinstance(refused, Failed)
    assert "make two steps" in refused.message


async def test_a_cap_holds_for_what_shows_only_when_it_runs(here: World) -> None:
    rule = PolicyRule(
        "test:1", "confirm", "", frozenset({"UpdateUserAddTenant"}),
        arguments={"tenantId": ("T*",)}, cap=Cap("test:1", 3600, calls=1),
    )  # fmt: skip
    object.__setattr__(here.services, "policy", Policy(rules=(rule,)))
    join = {"id": "join", "for_each": [ADA, BEN],
            **call("UpdateUserAddTenant", loginId="$each", tenantId=taken("id"))}  # fmt: skip
    outcome = await here.ran([{"id": "made", **call("CreateTenant", name="Vandelay")}, join])
    assert sorted(became(outcome)) == ["done", "done", "not run"]
