"""Both eras of the protocol over HTTP, in each of the modes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from descope_mcp.catalog.catalog import Catalog
from tests.attacks.directory import Directory
from tests.e2e.agent import YES, Agent, Person
from tests.recorder import recording
from tests.server.http.served import Served, served

pytestmark = pytest.mark.anyio

DELETE = "/v1/mgmt/user/delete"
ADA = {"operation": "DeleteUser", "arguments": {"loginId": "ada"}}
MODES: list[dict[str, Any]] = [{}, {"json": True}, {"stateless": True}]


@pytest.fixture(params=MODES, ids=["sse", "json", "stateless"])
async def world(
    request: pytest.FixtureRequest, catalog: Catalog
) -> AsyncIterator[tuple[Served, Directory, Any]]:
    directory = Directory()
    async with (
        recording(directory.answer) as recorder,
        served(recorder.services(catalog), **request.param) as server,
    ):
        yield server, recorder, request.param


@pytest.mark.parametrize("era", ["auto", "legacy"])
async def test_tools_are_listed_called_and_asked_about(world: Any, era: str) -> None:
    server, recorder, mode = world
    person = Person(lambda params: YES)
    async with server.client(mode=era, elicitation_callback=person) as client:
        agent = Agent(client, person, era)
        listed = await client.list_tools()
        assert "descope_read" in {tool.name for tool in listed.tools}
        assert "user" in (await agent.run("read", "LoadUser", {"loginId": "ada"}))["answer"]
        done = (await agent.call("descope_destructive", ADA)).structured_content
        sent = [one for one in recorder.requests if one.path == DELETE]
        # A client of an older revision is asked while its call is open, for which it needs a
        # session and a stream.
        if era == "legacy" and mode:
            assert (person.asked, sent) == ([], [])
            assert done["rule"] == "approval"
            assert f"--{next(iter(mode))}" in done["message"]
        else:
            assert len(person.asked) == len(sent) == 1
            assert done["change"]
