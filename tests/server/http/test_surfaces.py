"""A path is a list of its own, of every revision."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.server.surface.resources import LASTING
from tests.attacks.directory import changes
from tests.recorder import Recorder, recording
from tests.server.http.served import Served, headers, message, served
from tests.server.http.test_callers import SEARCH, Many

pytestmark = pytest.mark.anyio


@pytest.fixture
async def recorder() -> AsyncIterator[Recorder]:
    async with recording() as one:
        yield one


@pytest.fixture
async def server(recorder: Recorder, catalog: Catalog) -> AsyncIterator[Served]:
    async with served(recorder.services(catalog)) as one:
        yield one


@pytest.mark.parametrize("era", ["auto", "legacy"])
async def test_each_path_has_its_own_list(server: Served, catalog: Catalog, era: str) -> None:
    lists: dict[str, set[str]] = {}
    # Twice, since what is remembered for one must not be told to another.
    for path in 2 * ["/mcp", "/mcp/readonly", "/mcp/t/users,roles", "/mcp/t/roles,users/"]:
        async with server.client("ada", era, path) as client:
            tools = (await client.list_tools()).tools
        names = {tool.name for tool in tools}
        assert lists.setdefault(path, names) == names
        if path == "/mcp/readonly":
            assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools)
    assert {"descope_write", "descope_plan"} <= lists["/mcp"] - lists["/mcp/readonly"]
    assert lists["/mcp/t/users,roles"] == lists["/mcp/t/roles,users/"]
    operations = {name for name in lists["/mcp/t/users,roles"] if name in catalog}
    assert {catalog[name].toolset for name in operations} == {"users", "roles"}


async def test_what_no_process_changes_stays_fresh_for_a_while(catalog: Catalog) -> None:
    async with (
        recording(Many().answer) as recorder,
        served(recorder.services(catalog)) as one,
        one.client() as client,
    ):
        listed = [
            await client.list_tools(),
            await client.list_resources(),
            await client.list_resource_templates(),
            await client.list_prompts(),
            await client.read_resource("descope://operations/LoadUser"),
        ]
        part: Any = (await client.call_tool("descope_read", SEARCH)).structured_content
        name = part["part"]["next"]["operation"].rpartition("/")[2]
        kept = await client.read_resource(f"descope://answers/{name}/1")
    assert {(found.ttl_ms, found.cache_scope) for found in listed} == {(LASTING, "private")}
    assert kept.ttl_ms == 0


async def test_what_is_read_only_by_its_path_changes_nothing(
    server: Served, recorder: Recorder
) -> None:
    async with server.client("ada", path="/mcp/readonly") as client:
        done = await client.call_tool("CreateTenant", {"name": "New"})
        assert done.structured_content["rule"] == "read-only"
    assert changes(recorder) == []
    async with server.client("ada") as client:
        assert not (await client.call_tool("CreateTenant", {"name": "New"})).is_error


@pytest.mark.parametrize("path", ["/mcp/t/usres", "/mcp/t/", "/mcp/t/users/x", "/mcp/x", "/"])
async def test_what_is_no_path_is_not_found(server: Served, path: str) -> None:
    async with server.http() as http:
        answer = await http.post(path, json=message("tools/list"), headers=headers("tools/list"))
        assert answer.status_code == 404
        assert "there are" in answer.json()["error"]["message"].lower()
