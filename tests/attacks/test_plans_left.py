"""Plans that were left or taken back: what going on with them, or taking them back, may do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest

from descope_mcp.call.outcome import Failed, NeedsConfirmation, Refused, Undo
from descope_mcp.call.plan.outcome import PlanEnded, PlanOutcome, PlanRequest
from descope_mcp.call.plan.plan import plan
from descope_mcp.call.undo.undo import undo
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.consent.confirmation import accept
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.guard.policy.rule import PolicyRule
from descope_mcp.store.journal import unfinished_plans
from tests.call.plan.world import ADA, BEN, CALLER, DANIEL, World, became, disable, world

pytestmark = pytest.mark.anyio


@pytest.fixture
async def here(catalog: Catalog, tmp_path: Path) -> AsyncIterator[World]:
    async with world(catalog, tmp_path) as made:
        yield made


def call(operation: str, **arguments: Any) -> dict[str, Any]:
    return {"operation": operation, "arguments": arguments}


#: Fails where everybody is there.
FAILING = call("CreateUser", loginId=BEN)


async def test_what_an_answer_held_stays_data_when_somebody_goes_on(here: World) -> None:
    await here.call("PatchUser", {"loginId": ADA, "name": "$each"})
    who = {"id": "who", **call("LoadUser", loginId=ADA)}
    copy = call("PatchUser", loginId=DANIEL, name={"$from": "who", "path": "user.name"})
    first = await here.ran([who, FAILING, copy])
    assert became(first) == ["failed", "not run"]
    await here.call("DeleteUser", {"loginId": BEN})
    again = await here.ran([], resume=first.id)
    assert became(again) == ["done", "done"]
    assert (await here.user(DANIEL))["name"] == "$each"


async def test_a_secret_of_a_plan_is_not_replaced_by_its_mask(here: World) -> None:
    secret = call("SetUserActivePassword", loginId=ADA, password="Correct-Horse-9-Battery")
    first = await here.ran([FAILING, secret])
    assert became(first) == ["failed", "not run"]
    await here.call("DeleteUser", {"loginId": BEN})
    again = await here.plan([], resume=first.id)
    assert isinstance(again, Failed), again
    assert "password" in again.message


async def test_the_policy_of_now_decides_on_what_is_left(here: World) -> None:
    first = await here.ran([FAILING, *disable(ADA)])
    rule = PolicyRule("test:1", "deny", "", frozenset({"UpdateUserStatus"}))
    object.__setattr__(here.services, "policy", Policy(rules=(rule,)))
    again = await here.plan([], resume=first.id)
    assert isinstance(again, Refused)
    assert again.rule == "test:1"


async def test_a_plan_that_was_taken_back_is_not_gone_on_with(here: World) -> None:
    first = await here.ran([*disable(ADA), FAILING, *disable(DANIEL)])
    assert became(await here.undo(first.id)) == ["done"]
    again = await here.plan([], resume=first.id)
    assert isinstance(again, Refused), again
    assert again.rule == "undone"


async def test_a_plan_of_which_a_call_was_taken_back_is_taken_back_for_the_rest(
    here: World,
) -> None:
    first = await here.ran(disable(ADA, BEN))
    entries = [e for e in here.journal() if e.plan == first.id]
    await here.undo(entries[0].call)
    rest = await here.undo(first.id)
    assert isinstance(rest, PlanEnded)
    assert became(rest) == ["done"]
    assert (await here.user(ADA))["status"] == (await here.user(BEN))["status"] == "enabled"
    again = await here.undo(entries[1].call)
    assert isinstance(again, Refused), again


async def test_an_undo_that_was_left_is_gone_on_with_as_an_undo(here: World) -> None:
    """Nobody knows how the undo ended, as after a kill; the calls left still take back others."""
    first = await here.ran(disable(ADA, BEN))
    asked = await undo(Undo(first.id, CALLER), here.services)
    assert isinstance(asked, NeedsConfirmation)

    async def leave(message: str) -> None:
        if message.startswith("2 of 2"):
            raise RuntimeError("killed")

    request = Undo(first.id, CALLER, approval=accept(asked.question), progress=leave)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("descope_mcp.call.plan.record.ended", kept_open)
        with pytest.raises(ExceptionGroup):
            await undo(request, here.services)
    left = next(entry for entry in here.journal() if entry.undoes == first.id)
    unfinished_plans.end(here.services.store.directory, left.call)
    refused = await here.undo(first.id)
    assert isinstance(refused, Refused)
    assert refused.rule == "undone"
    assert became(await here.ran([], resume=left.call)) == ["done"]
    ran = [entry for entry in here.journal() if entry.plan == first.id]
    assert all(entry.undone_by for entry in ran)
    assert isinstance(await here.undo(ran[0].call), Refused)


async def kept_open(*_: Any) -> None:
    """In place of what ends a plan in the journal."""


async def test_of_two_plans_at_once_neither_hits_what_the_other_changed(here: World) -> None:
    people = [ADA, BEN, DANIEL]
    plans = [disable(*people), [call("DeleteUser", loginId=one) for one in reversed(people)]]
    requests = [PlanRequest(steps, CALLER) for steps in plans]
    ended: list[PlanEnded] = []
    asked = [await plan(request, here.services) for request in requests]

    async def run(request: PlanRequest, question: PlanOutcome) -> None:
        assert isinstance(question, NeedsConfirmation)
        word = accept(question.question)
        outcome = await plan(replace(request, approval=word), here.services)
        assert isinstance(outcome, PlanEnded)
        ended.append(outcome)

    async with anyio.create_task_group() as tasks:
        for request, question in zip(requests, asked, strict=True):
            tasks.start_soon(run, request, question)
    hit = [call.target for outcome in ended for call in outcome.calls if call.became == "done"]
    assert len(hit) == len(set(hit)) == len(people)


async def test_what_calls_have_answered_is_known_to_whoever_goes_on(here: World) -> None:
    made = {"$from": "tenant", "path": "id"}
    steps = [
        {"id": "tenant", **call("CreateTenant", name="Northwind")},
        FAILING,
        call("UpdateTenant", id=made, name="Northwind Traders"),
    ]
    first = await here.ran(steps)
    assert became(first) == ["done", "failed", "not run"]
    await here.call("DeleteUser", {"loginId": BEN})
    again = await here.ran([], resume=first.id)
    assert became(again) == ["done", "done"], again
