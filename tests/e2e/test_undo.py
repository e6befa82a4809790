"""Deleting, finding it in the journal, and bringing it back."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cli.processes import run
from tests.e2e.agent import AT_ONCE, YES, Agent, Person, connected, store_of_its_own
from tests.e2e.wire import environment

pytestmark = pytest.mark.anyio

DANIEL = {"loginId": "daniel.weiss@acme.example"}


@pytest.fixture(params=["auto", "legacy"])
async def agent(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Agent]:
    person = Person(lambda _: YES)
    with store_of_its_own(tmp_path):
        async with connected(request.param, elicitation_callback=person) as client:
            yield Agent(client, person, request.param)


async def undo(agent: Agent, call: str, **more: object) -> dict[str, object]:
    result = await agent.call("descope_undo", {"call": call, **more})
    return dict(result.structured_content or {})


async def test_a_deleted_user_comes_back(agent: Agent) -> None:
    before = (await agent.run("read", "LoadUser", DANIEL))["answer"]["user"]
    call = (await agent.run("destructive", "DeleteUser", DANIEL))["callId"]
    agent.person.asked.clear()
    done = await undo(agent, call)
    (asked,) = agent.person.asked
    assert "create the user" in asked.message.lower()
    after = (await agent.run("read", "LoadUser", DANIEL))["answer"]["user"]
    for field in ("name", "email", "phone", "roleNames", "userTenants", "customAttributes"):
        assert after.get(field) == before.get(field), field
    assert "user id" in str(done["answer"]["notComingBack"])  # type: ignore[index]
    again = await undo(agent, call)
    assert again["rule"] == "undone"
    listed = run("journal", "list", "--json", "--operation", "DeleteUser", env=environment())
    assert json.loads(listed.stdout.splitlines()[0])["undone_by"]


async def test_a_change_is_taken_back_without_a_question_if_nothing_is_lost(agent: Agent) -> None:
    call = (await agent.run("write", "PatchUser", {**DANIEL, "givenName": "Dan"}))["callId"]
    assert "error" not in await undo(agent, call)
    after = (await agent.run("read", "LoadUser", DANIEL))["answer"]["user"]
    assert after["givenName"] == "Daniel"
    assert agent.person.asked == []


async def test_what_has_changed_since_is_not_overwritten_unless_told(agent: Agent) -> None:
    call = (await agent.run("write", "PatchUser", {**DANIEL, "givenName": "Dan"}))["callId"]
    await agent.run("write", "PatchUser", {**DANIEL, "givenName": "Danny"})
    refused = await undo(agent, call)
    assert refused["rule"] == "changed-since"
    assert "givenName" in str(refused["message"])
    assert "error" not in await undo(agent, call, anyway=True)
    after = (await agent.run("read", "LoadUser", DANIEL))["answer"]["user"]
    assert after["givenName"] == "Daniel"


async def test_what_cannot_be_undone_says_why(agent: Agent) -> None:
    call = (await agent.run("destructive", "LogoutAllUserDevices", DANIEL))["callId"]
    refused = await undo(agent, call)
    assert refused["rule"] == "no-undo"
    assert (await undo(agent, "ffff-no-such-call"))["error"] == "unknown_call"
    assert (await undo(agent, "%"))["error"] == "unknown_call"


async def test_a_person_who_says_no_keeps_it_as_it_is(agent: Agent) -> None:
    call = (await agent.run("destructive", "DeleteUser", DANIEL))["callId"]
    agent.person.answer = Person().answer
    assert (await undo(agent, call))["rule"] in AT_ONCE
    assert (await undo(agent, call))["rule"] == "declined-before"
    assert (await agent.run("read", "LoadUser", DANIEL))["error"] == "api_error"
