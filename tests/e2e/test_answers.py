"""Long answers through a real server process: bounded, in parts, and in nobody's way."""

from __future__ import annotations

import gc
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx
import jsonschema_rs
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from starlette.responses import Response

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.sandbox.http.serve import Sandbox, running
from descope_mcp.sandbox.seeds import organisations
from descope_mcp.server.answers.output_schema import ANSWER, FAILURE
from descope_mcp.server.app import alone, build
from tests.e2e.agent import Agent, Person
from tests.e2e.wire import environment, pointed_at
from tests.preloaded import PRELOADED
from tests.recorder import Recorded, Recorder, recording

pytestmark = pytest.mark.anyio

#: What a client is sent at most, in characters: the structured answer and what goes with it.
LARGEST = 45_000
USERS = 2_000


@pytest.fixture(scope="module")
async def project(catalog: Catalog) -> AsyncIterator[Sandbox]:
    """A project with many users, and as many audit records."""
    async with running(catalog.values(), organisations.acme()) as sandbox:
        key = {"Authorization": f"Bearer {sandbox.project_id}:{sandbox.management_key}"}
        async with httpx.AsyncClient(base_url=sandbox.url, headers=key) as http:
            for batch in range(0, USERS, 500):
                users = [{"loginId": f"p{batch + n}@many.example"} for n in range(500)]
                created = await http.post(catalog["CreateUsers"].path, json={"users": users})
                assert created.status_code == 200
        yield sandbox


@asynccontextmanager
async def _process(project: Sandbox, mode: str, *arguments: str) -> AsyncIterator[Agent]:
    """An agent of one era on a server process of its own."""
    settings = environment(
        DESCOPE_BASE_URL=project.url,
        DESCOPE_PROJECT_ID=project.project_id,
        DESCOPE_MANAGEMENT_KEY=project.management_key,
    )
    server = StdioServerParameters(command=PRELOADED, args=["serve", *arguments], env=settings)
    async with Client(stdio_client(server), mode=mode) as client:
        yield Agent(client, Person(), mode)


@pytest.fixture(scope="module", params=["auto", "legacy"])
async def agent(request: pytest.FixtureRequest, project: Sandbox) -> AsyncIterator[Agent]:
    """An agent of one era, on the project with many users."""
    async with _process(project, request.param) as agent:
        yield agent


async def _read(agent: Agent, call: dict[str, Any]) -> list[dict[str, Any]]:
    """A read and everything that its ``part.next`` leads to."""
    parts: list[dict[str, Any]] = []
    then: dict[str, Any] | None = call
    while then:
        result = await agent.call("descope_read", then)
        part = result.structured_content
        assert part is not None
        assert jsonschema_rs.is_valid(ANSWER, part), part
        assert len(json.dumps(part, ensure_ascii=False)) <= LARGEST
        assert len(result.content[0].text) <= LARGEST
        parts.append(part)
        then = part["part"].get("next")
        assert len(parts) < 200
    return parts


async def test_two_thousand_users_are_read_to_the_last(agent: Agent) -> None:
    parts = await _read(agent, {"operation": "SearchUsers", "arguments": {}})
    found = [user["userId"] for part in parts for user in part["answer"]["users"]]
    total = parts[0]["part"]["total"]
    assert total >= USERS
    assert len(found) == len(set(found)) == total
    places = [part["part"]["from"] for part in parts]
    assert places == [sum(p["part"]["shown"] for p in parts[:n]) for n in range(len(parts))]


async def test_fields_make_two_thousand_users_few_parts(agent: Agent) -> None:
    call = {
        "operation": "SearchUsers",
        "fields": "users[].{id: userId, login: loginIds[0]}",
        "limit": 50,
    }
    parts = await _read(agent, call)
    logins = [user["login"] for part in parts for user in part["answer"]]
    assert {f"p{n}@many.example" for n in range(USERS)} <= set(logins)
    assert len(logins) == parts[0]["part"]["total"]
    assert all(part["part"]["shown"] <= 80 for part in parts)
    assert len(json.dumps(parts[0]["answer"])) < 6_000


async def _in_its_own_process(project: Sandbox, call: dict[str, Any]) -> dict[str, Any]:
    async with _process(project, "auto") as agent:
        part = (await agent.call("descope_read", call)).structured_content
    assert part is not None
    assert jsonschema_rs.is_valid(ANSWER, part), part
    return part


async def test_a_list_is_read_on_in_other_processes(project: Sandbox) -> None:
    """Some frameworks start one for every call; the read is made again, and tells of changes."""
    fields = "users[].{login: loginIds[0]}"
    call = {"operation": "SearchUsers", "fields": fields, "arguments": {"limit": 100}, "limit": 40}
    parts = [await _in_its_own_process(project, call)]
    for _ in range(2):
        parts.append(await _in_its_own_process(project, parts[-1]["part"]["next"]))
    async with _process(project, "auto") as agent:
        whole = await agent.call("descope_read", {**call, "limit": 100})
        assert whole.structured_content
        logins = [user["login"] for part in parts for user in part["answer"]]
        assert logins == [user["login"] for user in whole.structured_content["answer"]]
        assert not any("changedSince" in part for part in parts)
    then = parts[0]["part"]["next"]
    # As if there were fewer of them now.
    then["arguments"]["of"]["arguments"]["text"] = "p19"
    again = await _in_its_own_process(project, then)
    assert again["changedSince"]
    assert again["answer"] != parts[1]["answer"]


async def test_a_report_is_read_on_in_other_processes(project: Sandbox) -> None:
    async with _process(project, "auto", "--toolsets", "roles") as agent:
        first = await agent.call("FindRoleHolders", {"role": "Viewer"})
        assert first.structured_content
        assert first.structured_content["answer"]["total"]["people"]
        call = {"operation": "FindRoleHolders", "arguments": {"role": "Viewer"}, "limit": 3}
        part = (await agent.call("descope_read", call)).structured_content
    assert part
    assert part["answer"]["rows"] == first.structured_content["answer"]["rows"][:3]
    rest = await _in_its_own_process(project, part["part"]["next"])
    assert rest["answer"]["rows"] == first.structured_content["answer"]["rows"][3:6]
    assert rest["answer"]["columns"] == part["answer"]["columns"]


async def test_what_is_read_again_is_a_read_like_any(project: Sandbox) -> None:
    """It goes by the whole path of a call: what asks or changes does not pass as a part."""
    user = {"loginId": "p1@many.example"}
    for operation in ("DeleteUser", "UpdateUserStatus", "answers/0123456789ab"):
        of = {"operation": operation, "arguments": user}
        part = {"operation": "answers/0123456789ab", "arguments": {"from": 3, "of": of}}
        async with _process(project, "auto") as agent:
            assert (await agent.call("descope_read", part)).is_error
            loaded = await agent.run("read", "LoadUser", user)
        assert loaded["answer"]["user"]


async def test_a_thousand_audit_records_are_read_in_parts(agent: Agent) -> None:
    first = await agent.run("read", "SearchAudit", {"size": 1_000})
    parts = [first]
    while parts[-1]["part"]["next"]["operation"] != "SearchAudit":
        result = await agent.call("descope_read", parts[-1]["part"]["next"])
        parts.append(result.structured_content)
    records = [record for part in parts for record in part["answer"]["audits"]]
    assert len(records) == len({record["ID"] for record in records}) == 1_000
    assert records[0]["occurred (UTC)"].startswith("20")
    assert parts[-1]["part"]["next"]["arguments"] == {"size": 1_000, "page": 1}


async def test_kept_answers_are_resources_too(agent: Agent) -> None:
    first = await agent.run("read", "SearchAudit", {"size": 300})
    uri: str = first["whole"]["uri"]
    records = []
    while uri:
        (contents,) = (await agent.client.read_resource(uri)).contents
        part = json.loads(contents.text)
        assert len(contents.text) <= LARGEST
        assert part["untrusted"] == ["answer"]
        records += part["answer"]["audits"]
        uri = part["part"]["next"].get("uri", "")
    assert len({record["ID"] for record in records}) == 300
    # Past its end the resource says how to read on.
    assert part["part"]["next"]["operation"] == "SearchAudit"


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        (
            {"operation": "SearchUsers", "fields": "users[].}"},
            "invalid_arguments",
            "at character 9",
        ),
        ({"operation": "SearchUsers", "fields": "sum(users)"}, "invalid_arguments", "sum()"),
        ({"operation": "SearchUsers", "limit": 0}, "invalid_arguments", "limit"),
        ({"operation": "answers/0123456789ab"}, "answer_gone", "Call its operation again"),
        ({"operation": "answers/x", "arguments": {"from": -1}}, "invalid_arguments", "from"),
        ({"operation": "answers/x", "arguments": {"page": 1}}, "invalid_arguments", "from"),
    ],
)
async def test_what_cannot_be_shown_says_why(
    agent: Agent, given: dict[str, Any], error: str, said: str
) -> None:
    result = await agent.call("descope_read", given)
    assert result.is_error
    assert result.structured_content
    assert result.structured_content["error"] == error
    assert said in result.content[0].text
    assert jsonschema_rs.is_valid(FAILURE, result.structured_content)


async def test_a_change_says_how_to_take_it_back_and_the_same_call_does(agent: Agent) -> None:
    created = await agent.run("write", "CreateTenant", {"name": f"New {agent.mode}"})
    assert created["undo"] == {"call": created["callId"], "covers": "whole"}
    assert next(one["operation"] for one in created["nextOperations"]) == "LoadTenant"
    assert jsonschema_rs.is_valid(ANSWER, created)
    read = await agent.run("read", "LoadTenant", {"id": created["answer"]["id"]})
    assert "undo" not in read


def _flow() -> dict[str, Any]:
    """A flow of 5 MB, with some text that JSON has to spell."""
    html = '<p class="größe">Continue\n</p>' * 40
    tasks = {f"task-{n}": {"html": html, "then": [{"to": f"task-{n + 1}"}]} for n in range(3_500)}
    return {"flow": {"id": "sign-up", "dsl": {"tasks": tasks}}}


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_an_exported_flow_of_five_megabytes_is_read_whole(mode: str) -> None:
    flow = _flow()
    body = json.dumps(flow, ensure_ascii=False).encode()
    assert len(body) > 5_000_000

    def answer(request: Recorded) -> Response:
        return Response(body, media_type="application/json")

    async with recording(answer) as recorder:
        server = StdioServerParameters(
            command=PRELOADED, args=["serve"], env=pointed_at(recorder.url)
        )
        async with Client(stdio_client(server), mode=mode) as client:
            agent = Agent(client, Person(), mode)
            export = {"operation": "ExportFlow", "arguments": {"flowId": "sign-up"}}
            parts = await _read(agent, export)
            assert parts[0]["cut"]
            assert parts[0]["answer"]["flow"]["id"] == "sign-up"
            assert json.loads("".join(part["answer"] for part in parts[1:])) == flow
            # Once read, a part of it is found without asking Descope again.
            name = parts[1]["operation"]
            fields = 'flow.dsl.tasks."task-3000".then[0].to'
            one = await agent.call("descope_read", {"operation": name, "fields": fields})
            assert one.structured_content
            assert one.structured_content["answer"] == "task-3001"
            assert len(recorder.requests) == 1


@asynccontextmanager
async def _serving(recorder: Recorder, catalog: Catalog, mode: str) -> AsyncIterator[Client]:
    """A client of a server in this process."""
    server = build(catalog, alone(recorder.services(catalog)))
    async with Client(server, mode=mode) as client:
        yield client


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_large_answer_does_not_hold_up_other_calls(catalog: Catalog, mode: str) -> None:
    """While five megabytes are worked on, the event loop is never blocked for 50 ms.

    Counted is the time that this process runs, so that others on the machine do not count. The
    service runs in it too.
    """
    body = json.dumps(_flow(), ensure_ascii=False).encode()

    def answer(request: Recorded) -> Response:
        return Response(body, media_type="application/json")

    export = {"operation": "ExportFlow", "arguments": {"flowId": "a"}}
    gaps: list[float] = []

    async def tick() -> None:
        last = time.process_time()
        while True:
            await anyio.sleep(0.001)
            gaps.append(time.process_time() - last)
            last = time.process_time()

    async with (
        recording(answer) as recorder,
        _serving(recorder, catalog, mode) as client,
    ):
        await client.call_tool("descope_read", export)
        # As a server does when it starts.
        gc.collect()
        gc.freeze()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(tick)
            result = await client.call_tool("descope_read", export)
            tasks.cancel_scope.cancel()
        gc.unfreeze()
    assert not result.is_error
    assert len(gaps) > 20
    assert max(gaps) < 0.05, sorted(gaps)[-5:]
