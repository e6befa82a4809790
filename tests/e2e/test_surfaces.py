"""Which tools a server lists, as it is started, and that the list is one and the same."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.schemas.published import published
from tests.e2e.wire import Wire, environment, meta, wired
from tests.preloaded import PRELOADED

pytestmark = pytest.mark.anyio

#: What reads parts of answers, and what takes calls back.
BESIDE = ["descope_read", "descope_undo"]


async def _listed(wire: Wire, *, modern: bool) -> list[dict[str, Any]]:
    params = {"_meta": meta()} if modern else {}
    answer = await wire.request("tools/list", params)
    assert "nextCursor" not in answer["result"]
    return answer["result"]["tools"]  # type: ignore[no-any-return]


@pytest.fixture(scope="module", params=[True, False], ids=["modern", "legacy"])
async def everything(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Wire, bool]]:
    async with wired("--sandbox", "--toolsets", "all") as wire:
        if not request.param:
            await wire.initialize()
        yield wire, request.param


async def test_all_lists_every_operation_but_the_blocked_one(
    everything: tuple[Wire, bool], catalog: Catalog
) -> None:
    wire, modern = everything
    tools = await _listed(wire, modern=modern)
    names = [t["name"] for t in tools]
    wanted = [*(n for n in catalog if n != "NoPublishRotate"), *catalog.reports]
    assert names == [*wanted, *BESIDE]
    for tool in tools[: -len(BESIDE)]:
        operation = catalog[tool["name"]]
        assert tool["inputSchema"] == published(operation.input_schema)
        told, effect = tool["annotations"], operation.worst_effect
        assert tool["title"] == told["title"] == operation.title
        assert told["readOnlyHint"] is (effect == "read")
        assert told["destructiveHint"] is (effect == "destructive")


async def test_the_list_does_not_change_with_what_is_called(
    everything: tuple[Wire, bool],
) -> None:
    wire, modern = everything
    before = await _listed(wire, modern=modern)
    call = {"name": "LoadAllTenants", "arguments": {}, **({"_meta": meta()} if modern else {})}
    assert not (await wire.request("tools/call", call))["result"]["isError"]
    hidden = {**call, "name": "descope_search", "arguments": {"query": "users"}}
    assert not (await wire.request("tools/call", hidden))["result"]["isError"]
    assert await _listed(wire, modern=modern) == before


async def test_a_toolset_lists_its_operations(catalog: Catalog) -> None:
    async with wired("--sandbox", "--toolsets", "users,tenants") as wire:
        await wire.initialize()
        names = [tool["name"] for tool in await _listed(wire, modern=False)]
    both = (*catalog.values(), *(catalog[name] for name in catalog.reports))
    wanted = [one.name for one in both if one.toolset in ("users", "tenants")]
    assert names == [*wanted, *BESIDE]


async def test_read_only_lists_and_runs_nothing_but_reads(catalog: Catalog) -> None:
    async with wired("--sandbox", "--read-only", "--toolsets", "all") as wire:
        tools = await _listed(wire, modern=True)
        assert tools.pop()["name"] == "descope_read"
        for tool in tools:
            assert tool["annotations"]["readOnlyHint"] or catalog[tool["name"]].effect == "read"
        changes = [
            ("CreateTenant", {"name": "New"}),
            ("UpdateProjectName", {"name": "New"}),
            ("DeleteUser", {"loginId": "ada.okafor@acme.example"}),
        ]
        for name, arguments in changes:
            answer = await wire.call(name, arguments, capabilities={"elicitation": {}})
            assert answer["result"]["structuredContent"]["rule"] == "read-only"
        read = await wire.call("LoadAllTenants", {})
        assert len(read["result"]["structuredContent"]["answer"]["tenants"]) == 4


async def test_a_read_only_hub_has_no_tools_that_change() -> None:
    async with wired("--sandbox", "--read-only") as wire:
        names = [tool["name"] for tool in await _listed(wire, modern=True)]
        assert names == ["descope_search", "descope_describe", "descope_read", "descope_status"]
        for tool in ("descope_write", "descope_destructive"):
            answer = await wire.call(tool, {"operation": "CreateTenant", "arguments": {}})
            assert answer["error"]["code"] == -32602
        through = {"operation": "PatchUser", "arguments": {"loginId": "ada", "name": "Ada"}}
        answer = await wire.call("descope_read", through)
        told = answer["result"]["structuredContent"]
        assert told["rule"] == "read-only"
        assert "descope_write" not in json.dumps(told)


async def test_a_server_s_caller_is_matched_by_rules_and_journalled(tmp_path: Path) -> None:
    rules = """
[[rule]]
operation = "CreateTenant"
caller = "nightly-*"
decision = "deny"
reason = "Nobody makes tenants at night."

[[rule]]
operation = "DeleteTenant"
caller = "weekly"
decision = "deny"
"""
    (tmp_path / "rules.toml").write_text(rules)
    create = "CreateTenant", {"name": "New"}
    for caller, denied in (("nightly-1", True), ("daily", False)):
        state = {
            "DESCOPE_MCP_STATE": str(tmp_path / caller),
            "DESCOPE_MCP_KEY_FILE": str(tmp_path / f"{caller}-config" / "key"),
        }
        env = environment(DESCOPE_MCP_CALLER=caller, **state)
        policy = ("--policy", str(tmp_path / "rules.toml"))
        async with wired("--sandbox", "--toolsets", "tenants", *policy, env=env) as wire:
            answer = await wire.call(*create)
            told = answer["result"]["structuredContent"]
            assert ("at night" in json.dumps(told)) is denied
            said = wire.errors.decode()
        assert f"nobody here is called weekly, only {caller} and terminal" in said
        assert ("nobody here is called nightly-*" in said) is not denied
        shown = await anyio.run_process([PRELOADED, "journal", "list", "--json"], env=env)
        assert (caller in shown.stdout.decode()) is not denied


@pytest.mark.parametrize("name", ["terminal", "a b", "-x", "x" * 65])
async def test_a_caller_is_a_name_and_nobody_else_s(name: str) -> None:
    result = await anyio.run_process(
        [PRELOADED, "serve", "--sandbox"], env=environment(DESCOPE_MCP_CALLER=name), check=False
    )
    assert result.returncode == 2
    assert b"DESCOPE_MCP_CALLER" in result.stderr


async def test_a_toolset_that_does_not_exist_stops_the_start() -> None:
    result = await anyio.run_process(
        [PRELOADED, "serve", "--sandbox", "--toolsets", "userz"], env=environment(), check=False
    )
    assert result.returncode == 2
    assert result.stdout == b""
    assert b"there is no toolset userz" in result.stderr


async def test_both_eras_are_listed_the_same_tools() -> None:
    lists = []
    for modern in (True, False):
        async with wired("--sandbox") as wire:
            if not modern:
                await wire.initialize()
            lists.append(await _listed(wire, modern=modern))
    assert lists[0] == lists[1]
