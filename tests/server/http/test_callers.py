"""Callers share nothing: answers that are kept, questions, states, sessions."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import mcp_types as types
import pytest
from mcp.shared.exceptions import MCPError
from starlette.responses import JSONResponse, Response

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.store.consent import approvals
from descope_mcp.store.store import Store
from tests.attacks.directory import Directory, changes
from tests.e2e.agent import Agent, Person
from tests.recorder import Recorded, Recorder, recording
from tests.server.http.served import Served, headers, message, served

pytestmark = pytest.mark.anyio

DELETE: dict[str, Any] = {"operation": "DeleteUser", "arguments": {"loginId": "ada"}}
SEARCH: dict[str, Any] = {"operation": "SearchUsers"}
ASKABLE = {"elicitation": {}}
ACCEPTED = {"confirm": {"action": "accept", "content": {"confirm": True}}}


class Many(Directory):
    """A directory with more users than an answer shows."""

    def answer(self, request: Recorded) -> Response:
        if request.path.startswith("/v2/mgmt/user/search"):
            users = [{"userId": f"U{n}", "name": "n" * 300} for n in range(200)]
            return JSONResponse({"users": users, "total": 200})
        return super().answer(request)


@pytest.fixture
async def recorder() -> AsyncIterator[Recorder]:
    async with recording(Many().answer) as one:
        yield one


@pytest.fixture
async def server(recorder: Recorder, catalog: Catalog) -> AsyncIterator[Served]:
    async with served(recorder.services(catalog)) as one:
        yield one


async def test_nobody_is_served_who_is_not_named(server: Served) -> None:
    async with server.http(None) as http:
        for path in ("/mcp", "/mcp/readonly", "/mcp/t/users"):
            assert (await http.post(path, json=message("tools/list"))).status_code == 401


async def _kept(agent: Agent) -> str:
    shown = (await agent.call("descope_read", SEARCH)).structured_content
    assert shown["part"]["total"] == 200, shown
    return str(shown["part"]["next"]["operation"])


@pytest.mark.parametrize("era", ["auto", "legacy"])
async def test_a_kept_answer_is_found_by_its_caller_alone(server: Served, era: str) -> None:
    async with server.client("ada", era) as ada, server.client("eve", era) as eve:
        kept = await _kept(Agent(ada, Person(), era))
        name = kept.removeprefix("answers/")
        reference = types.ResourceTemplateReference(uri="descope://answers/{name}/{from}")
        mine = await ada.complete(reference, {"name": "name", "value": ""})
        theirs = await eve.complete(reference, {"name": "name", "value": ""})
        assert name in mine.completion.values
        assert theirs.completion.values == []
        assert (await ada.read_resource(f"descope://answers/{name}/0")).contents
        with pytest.raises(MCPError, match="not found"):
            await eve.read_resource(f"descope://answers/{name}/0")
        arguments = {"operation": kept, "arguments": {"from": 0}}
        gone = await eve.call_tool("descope_read", arguments)
        assert gone.structured_content["error"] == "answer_gone"
        assert "replica" in gone.structured_content["message"]


async def test_a_question_is_answered_by_the_caller_who_was_asked(
    recorder: Recorder, catalog: Catalog
) -> None:
    async with (
        served(recorder.services(catalog), json=True) as server,
        server.http("ada") as ada,
        server.http("eve") as eve,
    ):
        sent = headers("tools/call", "descope_destructive")
        call = {"name": "descope_destructive", "arguments": DELETE}
        asked = await ada.post(
            "/mcp", json=message("tools/call", call, capabilities=ASKABLE), headers=sent
        )
        state = asked.json()["result"]["requestState"]
        answer = {**call, "requestState": state, "inputResponses": ACCEPTED}
        given = message("tools/call", answer, capabilities=ASKABLE)
        stolen = await eve.post("/mcp", json=given, headers=sent)
        assert stolen.json()["error"]["code"] == types.INVALID_PARAMS
        assert changes(recorder) == []
        done = await ada.post("/mcp", json=given, headers=sent)
        assert done.json()["result"]["isError"] is False
        again = await ada.post("/mcp", json=given, headers=sent)
        assert again.json()["result"]["isError"] is True
    assert len(changes(recorder)) == 1


async def test_a_session_is_used_by_the_caller_who_opened_it(server: Served) -> None:
    async with server.client("ada", "legacy") as ada:
        await ada.list_tools()
        (number,) = server.application._manager._server_instances
        listing = {"jsonrpc": "2.0", "id": 9, "method": "tools/list"}
        accept = {"accept": "application/json, text/event-stream", "mcp-session-id": number}
        async with server.http("eve") as eve:
            assert (await eve.post("/mcp", json=listing, headers=accept)).status_code == 404
            assert (await eve.delete("/mcp", headers=accept)).status_code == 404
        await ada.list_tools()


async def test_an_approval_counts_for_the_caller_who_asked(
    server: Served, recorder: Recorder, store: Store
) -> None:
    async with server.client("ada") as ada, server.client("eve") as eve:
        waiting = (await ada.call_tool("descope_destructive", DELETE)).structured_content
        number = int(re.search(r"approve (\d+)", waiting["remedy"])[1])  # type: ignore[index]
        assert approvals.answer(store, number, approved=True)
        refused = (await eve.call_tool("descope_destructive", DELETE)).structured_content
        assert refused["rule"] == "approval"
        assert changes(recorder) == []
        done = (await ada.call_tool("descope_destructive", DELETE)).structured_content
        assert done["change"]
    assert len(changes(recorder)) == 1
