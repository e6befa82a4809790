"""Plans through the protocol, in both of its eras: with a client that can ask, and without."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.processes import run, run_in_terminal
from tests.e2e.agent import AT_ONCE, YES, Agent, Person, connected, store_of_its_own
from tests.e2e.wire import environment

pytestmark = pytest.mark.anyio

BEN = "ben.carter@acme.example"
FIND = {"id": "find", "operation": "SearchUsers", "arguments": {"tenantIds": ["globex"]}}
BLOCK = {
    "id": "off",
    "operation": "UpdateUserStatus",
    "for_each": {"$from": "find", "path": "users[?status=='enabled'].loginIds[0]"},
    "arguments": {"loginId": "$each", "status": "disabled"},
}
STEPS = [FIND, BLOCK]


@pytest.fixture(params=["auto", "legacy"])
async def agent(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Agent]:
    person = Person(lambda _: YES)
    with store_of_its_own(tmp_path):
        async with connected(request.param, elicitation_callback=person) as client:
            yield Agent(client, person, request.param)


@pytest.fixture(params=["auto", "legacy"])
async def mute(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Agent]:
    with store_of_its_own(tmp_path):
        async with connected(request.param) as client:
            yield Agent(client, Person(), request.param)


async def plan(agent: Agent, **arguments: Any) -> dict[str, Any]:
    result = await agent.call("descope_plan", arguments)
    return dict(result.structured_content or {})


async def test_one_question_one_run_one_undo(agent: Agent) -> None:
    checked = await plan(agent, steps=STEPS, check=True)
    assert checked["answer"]["asks"] == 5
    assert agent.person.asked == []
    done = await plan(agent, steps=json.dumps(STEPS), title="Close Globex")
    (asked,) = agent.person.asked
    assert "5 times: Block the user" in asked.message
    (row,) = done["answer"]["steps"]
    (changed,) = row.pop("change")["changed"]
    assert row == {"step": "off", "operation": "UpdateUserStatus", "done": 5}
    assert len(changed.pop("of")) == 5
    assert changed == {"field": "status", "from": "enabled", "to": "disabled"}
    assert done["undo"] == {"call": done["callId"], "covers": "whole"}
    undone = await agent.call("descope_undo", {"call": done["callId"]})
    assert undone.structured_content["answer"]["done"] == 5
    found = await agent.run("read", "SearchUsers", {**FIND["arguments"], "statuses": ["enabled"]})  # type: ignore[dict-item]
    assert len(found["answer"]["users"]) == 5


async def test_steps_that_do_the_same_are_told_together(agent: Agent) -> None:
    def make(name: str) -> dict[str, Any]:
        return {"operation": "CreateRole", "arguments": {"name": name, "permissionNames": []}}

    key = {"operation": "CreateAccessKey", "arguments": {"name": "Nightly", "expireTime": 0}}
    done = await plan(agent, steps=[make("a"), make("b"), key, make("c")])
    both, opened, last = done["answer"]["steps"]
    assert (both["step"], both["upTo"], both["done"], last["step"]) == ("1", "2", 2, "4")
    assert [one["name"] for one in both["change"]["made"]] == ["a", "b"]
    assert opened["answer"]["cleartext"].startswith("[sealed:")
    done = await plan(agent, steps=[{"operation": "LogoutAllUserDevices",
                                     "for_each": ["ada.okafor@acme.example", BEN],
                                     "arguments": {"loginId": "$each"}}])  # fmt: skip
    (row,) = done["answer"]["steps"]
    assert row["change"] == {"targets": ["ada.okafor@acme.example", BEN]}


async def test_a_no_ends_it(agent: Agent) -> None:
    agent.person.answer = Person().answer
    assert (await plan(agent, steps=STEPS))["rule"] in AT_ONCE
    listed = run("journal", "list", "--json", env=environment())
    assert '"plan"' not in {json.loads(line)["operation"] for line in listed.stdout.splitlines()}


async def test_without_a_form_a_person_approves_it_by_number(mute: Agent) -> None:
    refused = await plan(mute, steps=STEPS)
    assert refused["rule"] == "approval"
    shown = run("approvals", "show", "1", env=environment())
    assert "5 times: Block the user" in shown.stdout
    assert (await plan(mute, steps=STEPS))["rule"] == "approval"
    word = ("approvals", "approve", "1")
    approved, screen = run_in_terminal(*word, typed=b"yes\n", env=environment())
    assert approved.returncode == 0, approved.stderr
    assert "5 times: Block the user" in screen
    done = await plan(mute, steps=STEPS)
    assert [row["done"] for row in done["answer"]["steps"]] == [5]
    listed = run("journal", "list", "--json", "--operation", "plan", env=environment())
    ran, _ = map(
        json.loads, sorted(listed.stdout.splitlines(), key=lambda line: '"approved"' in line)
    )
    assert (ran["result"], ran["consent"]) == ("done", "approval 1")


async def test_what_a_read_kept_is_taken_by_a_single_call(agent: Agent) -> None:
    read = await agent.call("descope_read", {"operation": "LoadAllRoles", "limit": 1})
    kept = (read.structured_content or {})["part"]["next"]["operation"]
    user = "daniel.weiss@acme.example"
    given = {"loginId": user, "givenName": {"$from": kept, "path": "roles[1].name"}}
    changed = await agent.run("write", "PatchUser", given)
    assert "error" not in changed
    found = await agent.run("read", "LoadUser", {"loginId": user})
    assert found["answer"]["user"]["givenName"] not in ("", "Daniel")
    gone = await agent.run("write", "PatchUser", {"loginId": user, "name": {"$from": "answers/x"}})
    assert gone["error"] == "invalid_arguments"


async def test_faults_are_told_and_nothing_runs(agent: Agent) -> None:
    wrong = await plan(agent, steps=[{"operation": "LoadUser", "arguments": {"login": "x"}}, {}])
    assert wrong["error"] == "invalid_arguments"
    assert "step 2" in wrong["message"]
    assert agent.person.asked == []
