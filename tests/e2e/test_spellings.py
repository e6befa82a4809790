"""Arguments as clients spell them, through a real server: floats, digits in quotes, moments."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from mcp import types

from tests.e2e.agent import Agent, Person, connected

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module", params=["auto", "legacy"])
async def agent(request: pytest.FixtureRequest) -> AsyncIterator[Agent]:
    person = Person()
    async with connected(request.param, elicitation_callback=person) as client:
        yield Agent(client, person, request.param)


@pytest.mark.parametrize("two", [2, 2.0, "2"])
async def test_a_limit_in_any_spelling(agent: Agent, two: Any) -> None:
    read = {"operation": "SearchUsers", "limit": two}
    shown = (await agent.call("descope_read", read)).structured_content
    assert shown["part"]["shown"] == 2
    # What goes on is asked for by number, whatever the page was spelled like.
    assert shown["part"]["next"]["arguments"] == {"limit": 2, "page": 1}
    again = {"operation": "SearchUsers", "arguments": {"limit": two, "page": "1"}}
    shown = (await agent.call("descope_read", again)).structured_content
    assert (shown["part"]["from"], shown["part"]["next"]["arguments"]["page"]) == (2, 2)
    found = await agent.call("descope_search", {"query": "delete a user", "limit": two})
    assert len(found.structured_content["operations"]) == 2


@pytest.mark.parametrize("start", [1, 1.0, "1"])
async def test_the_place_in_a_kept_answer_in_any_spelling(agent: Agent, start: Any) -> None:
    read = {"operation": "LoadAllRoles", "limit": 1}
    shown = (await agent.call("descope_read", read)).structured_content
    onward = shown["part"]["next"]
    onward["arguments"]["from"] = start
    shown = (await agent.call("descope_read", onward)).structured_content
    assert shown["part"]["from"] == 1


async def test_a_truth_in_quotes(agent: Agent) -> None:
    given = {"names": ["LoadUser"], "schema": "true"}
    described = (await agent.call("descope_describe", given)).structured_content
    assert "inputSchema" in described["pages"][0]
    given = {"operation": "SearchUsers", "arguments": {"testUsersOnly": "true"}}
    assert not (await agent.call("descope_read", given)).is_error
    given = {"names": ["LoadUser"], "schema": "yes"}
    refused = await agent.call("descope_describe", given)
    assert "schema: expected boolean, got string; write true or false" in text(refused)


def text(result: types.CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, types.TextContent)
    return content.text


async def test_a_number_where_the_service_wants_a_text(agent: Agent) -> None:
    given = {"operation": "SearchAudit", "arguments": {"from": int(time.time() - 3600) * 1000}}
    assert not (await agent.call("descope_read", given)).is_error


async def test_an_expiry_in_the_wrong_unit_is_refused_and_a_date_is_taken(agent: Agent) -> None:
    tomorrow = int(time.time()) + 86400
    refused = await agent.run(
        "write", "CreateAccessKey", {"name": "k", "expireTime": tomorrow * 1000}
    )
    assert refused["error"] == "invalid_arguments"
    assert f"looks like milliseconds; {iso(tomorrow)} is {tomorrow}" in refused["message"]
    assert not agent.person.asked
    await agent.run("write", "CreateAccessKey", {"name": "k", "expireTime": iso(tomorrow)})
    (question,) = agent.person.asked
    agent.person.asked.clear()
    assert f"expire time: {iso(tomorrow)}" in question.message
    assert str(tomorrow) not in question.message


def iso(moment: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))
