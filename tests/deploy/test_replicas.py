"""Two replicas behind the proxy are one server, in both eras, also when one of them is killed."""

from __future__ import annotations

from typing import Any

import anyio
import mcp_types as types
import pytest
from mcp import Client

from tests.deploy.conftest import Proxied

pytestmark = pytest.mark.anyio


async def _yes(context: Any, params: Any) -> types.ElicitResult:
    return types.ElicitResult(action="accept", content={"confirm": True})


async def _call(client: Client, tool: str, operation: str, **arguments: Any) -> bool:
    given = {"operation": operation, "arguments": arguments}
    return not (await client.call_tool(tool, given)).is_error


def _since(proxied: Proxied, before: list[int]) -> list[int]:
    """How many calls each replica has run since then."""
    return [now - then for now, then in zip(proxied.calls, before, strict=True)]


async def test_a_question_of_one_is_answered_at_the_other(proxied: Proxied) -> None:
    before = proxied.calls
    async with Client(f"{proxied.url}/mcp", mode="auto", elicitation_callback=_yes) as client:
        for number in range(6):
            name = f"person{number}@acme.example"
            assert await _call(client, "descope_write", "CreateUser", loginId=name)
            assert await _call(client, "descope_destructive", "DeleteUser", loginId=name)
            assert not await _call(client, "descope_read", "LoadUser", loginId=name)
    ran = _since(proxied, before)
    assert all(ran)
    assert sum(ran) == 12


async def test_an_older_client_stays_with_its_replica(proxied: Proxied) -> None:
    before = proxied.calls
    async with Client(f"{proxied.url}/mcp", mode="legacy", elicitation_callback=_yes) as client:
        name = "older@acme.example"
        assert await _call(client, "descope_write", "CreateUser", loginId=name)
        for _ in range(6):
            assert await _call(client, "descope_read", "LoadUser", loginId=name)
        assert await _call(client, "descope_destructive", "DeleteUser", loginId=name)
    assert sorted(_since(proxied, before)) == [0, 8]


async def test_what_is_not_for_the_public_is_not_there(proxied: Proxied) -> None:
    for path, status in (("/healthz", 200), ("/readyz", 404), ("/metrics", 404)):
        assert await anyio.to_thread.run_sync(proxied.status, path) == status, path


async def test_one_that_is_killed_is_left_out(proxied: Proxied) -> None:
    proxied.replicas[0].process.kill()
    proxied.replicas[0].process.wait()
    before = proxied.calls
    async with Client(f"{proxied.url}/mcp") as client:
        for _ in range(6):
            assert await _call(client, "descope_read", "LoadAllTenants")
    assert _since(proxied, before) == [0, 6]
