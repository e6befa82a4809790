"""The protocol's own client against a real server process, in both eras."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import anyio
import mcp_types as types
import pytest

from tests.e2e.agent import (
    AT_ONCE,
    DECLINE,
    READING,
    YES,
    Agent,
    Person,
    connected,
    store_of_its_own,
)
from tests.e2e.wire import LEGACY, MODERN

pytestmark = pytest.mark.anyio

HUB = [
    "descope_search",
    "descope_describe",
    "descope_read",
    "descope_write",
    "descope_destructive",
    "descope_plan",
    "descope_undo",
    "descope_status",
]


@pytest.fixture(scope="module", params=["auto", "legacy"])
async def agents(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Agent]:
    person = Person()
    with store_of_its_own(tmp_path_factory.mktemp("agents")):
        async with connected(request.param, elicitation_callback=person) as client:
            yield Agent(client, person, request.param)


@pytest.fixture
def agent(agents: Agent) -> Agent:
    agents.person.asked.clear()
    agents.person.answer, agents.person.seconds = lambda _: DECLINE, 0
    return agents


async def test_the_server_introduces_itself(agent: Agent) -> None:
    assert agent.client.server_info.name == "descope"
    assert agent.client.protocol_version == (LEGACY if agent.mode == "legacy" else MODERN)
    assert "descope_search" in str(agent.client.instructions)


async def test_the_hub_is_listed_in_order_with_honest_annotations(agent: Agent) -> None:
    tools = (await agent.client.list_tools()).tools
    assert [tool.name for tool in tools] == HUB
    hints = {tool.name: tool.annotations for tool in tools}
    for name, hint in hints.items():
        assert hint is not None
        destructive = name in ("descope_destructive", "descope_plan", "descope_undo")
        assert hint.destructive_hint is destructive
        assert hint.read_only_hint is not (destructive or name == "descope_write")


async def test_search_finds_and_describe_explains(agent: Agent) -> None:
    found = await agent.call("descope_search", {"query": "delete a user"})
    assert "DeleteUser" in [row["name"] for row in found.structured_content["operations"]]
    explained = await agent.call("descope_describe", {"names": ["DeleteUser"], "schema": True})
    (page,) = explained.structured_content["pages"]
    assert page["class"] == "destructive"
    assert page["inputSchema"]["properties"].keys() == {"loginId", "userId"}
    toolsets = await agent.call("descope_describe")
    assert sum(t["operations"] for t in toolsets.structured_content["toolsets"]) == 458


async def test_status_says_where_and_that_somebody_can_be_asked(agent: Agent) -> None:
    status = (await agent.call("descope_status")).structured_content
    assert status["canAskPerson"] is True
    assert status["api"].startswith("http://127.0.0.1:")
    assert status["credentials"]["managementKey"] is True


async def test_a_read_and_a_write_ask_nobody(agent: Agent) -> None:
    created = await agent.run("write", "CreateUser", {"loginId": "new@acme.example", "name": "New"})
    assert created["change"]["made"][0]["id"] == created["answer"]["user"]["userId"]
    loaded = await agent.run("read", "LoadUser", {"loginId": "new@acme.example"})
    assert loaded["answer"]["user"]["name"] == "New"
    assert loaded["callId"] != created["callId"]
    assert agent.person.asked == []


async def test_arguments_may_come_as_text_and_operations_by_name(agent: Agent) -> None:
    arguments = {"loginId": "ben.carter@acme.example"}
    as_text = {"operation": "LoadUser", "arguments": json.dumps(arguments)}
    by_name = await agent.call("LoadUser", arguments)
    through_hub = await agent.call("descope_read", as_text)
    assert by_name.structured_content["answer"] == through_hub.structured_content["answer"]


@pytest.mark.parametrize(
    ("tool", "arguments", "error", "said"),
    [
        ("descope_write", {"operation": "DeleteUser", "arguments": {"loginId": "a"}}, "refused",
         "descope_destructive"),
        ("descope_read", {"operation": "CreateUser", "arguments": {"loginId": "a"}}, "refused",
         "descope_write"),
        ("descope_read", {"operation": "LodUser"}, "unknown_operation", "LoadUser"),
        ("LoadUser", {"loginId": "a", "verbose": True}, "invalid_arguments", "verbose"),
        ("LoadTenant", {}, "invalid_arguments", "id: required"),
        ("LoadUser", {"loginId": ["a"]}, "invalid_arguments", "expected string"),
        ("descope_read", {"operation": "Me", "verbose": True}, "invalid_arguments", "verbose"),
        ("descope_read", {}, "invalid_arguments", "operation"),
        ("descope_search", {"query": "x", "limit": 500}, "invalid_arguments", "at most 20"),
        ("LoadUser", {"loginId": "nobody@acme.example"}, "api_error", "E112102"),
        ("NoPublishRotate", {}, "refused", "not known well enough"),
    ],
)  # fmt: skip
async def test_what_cannot_be_done_says_why(
    agent: Agent, tool: str, arguments: Any, error: str, said: str
) -> None:
    result = await agent.call(tool, arguments)
    assert result.is_error
    assert result.structured_content["error"] == error
    assert said in result.content[0].text
    assert agent.person.asked == []


async def test_a_hub_tool_that_does_not_exist_is_an_error_of_the_protocol(agent: Agent) -> None:
    with pytest.raises(Exception, match="Unknown tool"):
        await agent.client.call_tool("descope_everything", {})


async def test_a_deletion_is_declined_and_then_approved(agent: Agent) -> None:
    spared = {"loginId": "ines.costa@globex.example"}
    agent.person.seconds = READING
    declined = await agent.run("destructive", "DeleteUser", spared)
    assert (declined["error"], declined["rule"]) == ("refused", "declined")
    user = (await agent.run("read", "LoadUser", spared))["answer"]["user"]

    # A no stands for a minute, by whatever name the same user is called.
    for again in (spared, {"userId": user["userId"]}):
        assert (await agent.run("destructive", "DeleteUser", again))["rule"] == "declined-before"
    target = {"loginId": "chloe.martin@acme.example"}
    agent.person.answer, agent.person.seconds = lambda _: YES, 0
    deleted = await agent.run("destructive", "DeleteUser", target)
    assert deleted["operation"] == "DeleteUser"
    assert (await agent.run("read", "LoadUser", target))["code"] == "E112102"

    assert len(agent.person.asked) == 2
    question = agent.person.asked[-1].message
    assert question.startswith('Delete the user "chloe.martin@acme.example"')
    assert 'name: "Chloe Martin"' in question
    assert "trusted device" in question
    assert "Not coming back: " in question


async def test_a_write_that_gives_access_asks(agent: Agent) -> None:
    change = {"loginId": "wei.zhang@contractor.example", "roleNames": ["Owner"]}
    assert (await agent.run("write", "PatchUser", change))["rule"] == "class"
    assert (await agent.run("destructive", "PatchUser", change))["rule"] in AT_ONCE
    renamed = {"loginId": "wei.zhang@contractor.example", "name": "Wei"}
    assert (await agent.run("write", "PatchUser", renamed))["operation"] == "PatchUser"
    assert len(agent.person.asked) == 1


async def test_a_target_that_does_not_exist_is_not_asked_about(agent: Agent) -> None:
    missing = await agent.run("destructive", "DeleteUser", {"loginId": "nobody@acme.example"})
    assert missing["error"] == "target_missing"
    assert agent.person.asked == []


async def test_a_cascade_needs_the_tenant_s_name(agent: Agent) -> None:
    umbra = {"id": "umbra", "cascade": True}

    def types_out(name: str) -> Callable[[Any], types.ElicitResult]:
        return lambda _: types.ElicitResult(action="accept", content={"name": name})

    agent.person.answer = types_out("umbra")
    assert (await agent.run("destructive", "DeleteTenant", umbra))["rule"] == "typed"
    assert "tenant" in (await agent.run("read", "LoadTenant", {"id": "umbra"}))["answer"]
    agent.person.answer = types_out("Umbra Labs")
    assert "answer" in await agent.run("destructive", "DeleteTenant", umbra)
    assert "error" in await agent.run("read", "LoadTenant", {"id": "umbra"})
    question = agent.person.asked[-1]
    assert 'Delete the tenant "Umbra Labs" and, with it, 4 users?' in question.message
    assert question.requested_schema["properties"]["name"]["title"].endswith(": Umbra Labs")
    assert question.requested_schema["required"] == ["name"]


async def test_a_preview_tells_how_far_it_is(agent: Agent) -> None:
    heard: list[tuple[float, str | None]] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        heard.append((done, message))

    agent.person.seconds = READING
    given = {"operation": "DeleteUser", "arguments": {"loginId": "sven.larsen@initech.example"}}
    await agent.call("descope_destructive", given, progress_callback=progress)
    assert len(heard) >= 3
    assert [done for done, _ in heard] == sorted({done for done, _ in heard})
    assert all(str(message).startswith("Reading what the call would hit") for _, message in heard)


async def test_many_calls_at_once_each_get_their_own_answer(agent: Agent) -> None:
    people = (await agent.run("read", "SearchUsers", {"limit": 12}))["answer"]["users"]
    results: dict[str, Any] = {}

    async def load(login: str) -> None:
        results[login] = await agent.run("read", "LoadUser", {"loginId": login})

    async def refuse(login: str) -> None:
        refused = await agent.run("destructive", "ExpireUserPassword", {"loginId": login})
        results[f"no {login}"] = refused["rule"]

    async with anyio.create_task_group() as tasks:
        for person in people:
            tasks.start_soon(load, person["loginIds"][0])
            tasks.start_soon(refuse, person["loginIds"][0])
    for person in people:
        login = person["loginIds"][0]
        assert results[login]["answer"]["user"]["userId"] == person["userId"]
        assert results[f"no {login}"] in AT_ONCE
    assert len(agent.person.asked) == len(people)
