"""A client that cannot show a form: nothing that needs a person's word runs."""

from __future__ import annotations

from collections.abc import AsyncIterator

import jsonschema_rs
import pytest

from descope_mcp.server.answers.output_schema import WAITING
from tests.e2e.agent import Agent, Person, connected

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module", params=["auto", "legacy"])
async def mute(request: pytest.FixtureRequest) -> AsyncIterator[Agent]:
    async with connected(request.param) as client:
        yield Agent(client, Person(), request.param)


async def test_status_says_so(mute: Agent) -> None:
    assert (await mute.call("descope_status")).structured_content["canAskPerson"] is False


async def test_it_is_refused_however_often_it_tries(mute: Agent) -> None:
    target = {"loginId": "daniel.weiss@acme.example"}
    for _ in range(3):
        waiting = await mute.call(
            "descope_destructive", {"operation": "DeleteUser", "arguments": target}
        )
        assert not waiting.is_error
        assert jsonschema_rs.is_valid(WAITING, waiting.structured_content)
        assert waiting.structured_content["rule"] == "approval"
        by_name = await mute.call("DeleteUser", target)
        assert by_name.structured_content["rule"] == "approval"
    assert "user" in (await mute.run("read", "LoadUser", target))["answer"]


async def test_what_needs_nobody_runs(mute: Agent) -> None:
    created = await mute.run("write", "CreateTenant", {"name": "New"})
    tenant = {"id": created["answer"]["id"]}
    assert (await mute.run("read", "LoadTenant", tenant))["answer"]["tenant"]["name"] == "New"
