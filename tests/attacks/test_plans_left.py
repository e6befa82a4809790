"""Plans that were left or taken back: what going on with them, or taking them back, may do."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from functools import partial
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
from descope_mcp.store import processes
from descope_mcp.store.consent import grants
from descope_mcp.store.errors import StoreError
from descope_mcp.store.journal import unfinished_plans, write_ahead
from descope_mcp.store.journal.entry import Intent
from descope_mcp.store.store import Store
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
    ran = [e for e in here.journal() if e.plan == first.id]
    await here.undo(ran[0].call)
    rest = await here.undo(first.id)
    assert isinstance(rest, PlanEnded)
    assert became(rest) == ["done"]
    assert (await here.user(ADA))["status"] == (await here.user(BEN))["status"] == "enabled"
    again = await here.undo(ran[1].call)
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


@pytest.mark.parametrize(
    "named",
    [f"{os.getpid()}", re.sub(r"@.*", "@1", processes.own())],
    ids=["earlier", "another"],
)
async def test_who_has_the_number_of_a_killed_process_is_not_taken_for_it(
    here: World, named: str
) -> None:
    """In a container that is started again the server has the number that it had before."""
    first = await here.ran([FAILING, *disable(ADA)])
    directory = here.services.store.directory
    (directory / "plans" / first.id).write_text(named)
    assert unfinished_plans.left(directory) == [first.id]
    await here.call("DeleteUser", {"loginId": BEN})
    assert became(await here.ran([], resume=first.id)) == ["done", "done"]


async def test_a_plan_whose_end_could_not_be_written_is_not_at_work(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(write_ahead, "settle", partial(unable, write_ahead.settle))
        first = await here.ran([FAILING, *rename(ADA)])
    await here.call("DeleteUser", {"loginId": BEN})
    assert became(await here.ran([], resume=first.id)) == ["done", "done"]


async def test_nothing_is_taken_back_while_the_plan_goes_on(here: World) -> None:
    refused: list[PlanOutcome] = []

    async def meddle(message: str) -> None:
        if message.startswith("3 of 3"):
            (running,) = [entry for entry in here.journal() if entry.operation == "plan"]
            refused.append(await here.undo(running.call))

    ended = await plan(
        PlanRequest(rename(ADA, BEN, DANIEL), CALLER, progress=meddle), here.services
    )
    assert isinstance(ended, PlanEnded), ended
    assert became(ended) == ["done"] * 3
    assert [one.rule for one in refused if isinstance(one, Refused)] == ["running"]
    back = await here.undo(ended.id)
    assert isinstance(back, PlanEnded), back
    assert became(back) == ["done"] * 3


@pytest.mark.parametrize("end", ["revoked", "narrowed", "over"])
async def test_a_grant_that_has_ended_lets_no_further_call_of_a_plan_through(
    here: World, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, fits = here.services.store, {"loginId": "*@acme.example", "status": "disabled"}
    grant = grants.create(
        store,
        project=here.services.project,
        operation="UpdateUserStatus",
        arguments=fits,
        items=10,
        seconds=60,
    )

    async def meddle(message: str) -> None:
        if not message.startswith("2 of 3"):
            return
        if end == "revoked":
            assert grants.revoke(store, grant.id)
        elif end == "narrowed":
            only = {**fits, "loginId": ADA}
            assert grants.narrow(
                store, grant.id, left=grant.left, expires=grant.expires, arguments=only
            )
        else:
            monkeypatch.setattr(grants.time, "time", lambda: grant.expires)

    request = PlanRequest(disable(ADA, BEN, DANIEL), CALLER, progress=meddle)
    ended = await plan(request, here.services)
    assert isinstance(ended, PlanEnded), ended
    assert became(ended) == ["done", "not run", "not run"]
    assert ended.calls[1].why.startswith(f"Grant {grant.id} was")
    assert (await here.user(BEN))["status"] == "enabled"


def rename(*logins: str) -> list[dict[str, Any]]:
    """A plan that nobody is asked about."""
    return [call("PatchUser", loginId=one, name="Zed") for one in logins]


def unable(settle: Callable[..., None], store: Store, intent: Intent, *rest: Any) -> None:
    """In place of what writes outcomes down: that of a plan cannot be."""
    if not intent.plan:
        raise StoreError("the disk is full")
    settle(store, intent, *rest)


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
