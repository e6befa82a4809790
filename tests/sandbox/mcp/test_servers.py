"""MCP servers and their clients."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.conftest import Client

pytestmark = pytest.mark.anyio


async def server(client: Client) -> dict[str, str]:
    return {"mcpServerId": (await client.call("LoadAllMcpServers"))["servers"][0]["id"]}


async def agent(client: Client, name: str = "Triage agent") -> Any:
    found = await client.call("SearchMcpServerClients", **await server(client), name=name)
    return found["clients"][0]


def named(agent: Any) -> dict[str, str]:
    return {"id": agent["id"], "mcpServerId": agent["mcpServerId"]}


async def test_an_update_replaces_and_keeps_the_secret(client: Client) -> None:
    before = await agent(client)
    which = named(before)
    secret = await client.call("GetMcpServerClientSecret", **which)
    given = {**which, "name": "Triage", "allowedTenants": ["globex"], "tags": ["a"]}
    after = (await client.call("UpdateMcpServerClient", **given))["client"]
    cleared: dict[str, list[str]] = {"scopes": [], "approvedCallbackUrls": []}
    assert after == {**before, **given, **cleared}
    assert await client.call("GetMcpServerClientSecret", **which) == secret
    rotated = await client.call("RotateMcpServerClientSecret", **which)
    assert rotated != secret
    assert await client.call("GetMcpServerClientSecret", **which) == rotated
    assert rotated["cleartext"] not in str(await client.call("LoadMcpServerClient", **which))
    await client.call("DeleteTenant", id="globex")
    assert (await client.call("LoadMcpServerClient", **which))["client"]["allowedTenants"] == []


async def test_clients_are_searched(client: Client) -> None:
    which = await server(client)

    async def found(**filters: Any) -> list[str]:
        answer = await client.call("SearchMcpServerClients", **which, **filters)
        return [c["name"] for c in answer["clients"]]

    made = await client.call("CreateMcpServerClient", **which, name="Third", tags=["x"])
    assert await found(tag="x") == await found(clientId=made["clientId"]) == ["Third"]
    assert await found(text="AGENT", sort=[{"field": "name"}]) == ["Summary agent", "Triage agent"]
    assert await found(registrationMethod="dcr") == []
    assert len(await found(page=1, limit=2)) == 1


async def test_a_client_belongs_to_one_server(client: Client) -> None:
    other = (await client.call("CreateMcpServer", name="Other"))["server"]["id"]
    elsewhere = {**named(await agent(client)), "mcpServerId": other}
    for operation in ("LoadMcpServerClient", "GetMcpServerClientSecret", "DeleteMcpServerClient"):
        assert await client.error(operation, 404, **elsewhere) == "E112734"
    nowhere = {"mcpServerId": "unknown"}
    assert await client.error("CreateMcpServerClient", 404, **nowhere) == "E112732"


async def test_clients_go_all_or_none(client: Client) -> None:
    which, triage = await server(client), await agent(client)
    unknown = {**which, "ids": [triage["id"], "unknown"]}
    assert await client.error("DeleteMcpServerClients", 404, **unknown) == "E112734"
    assert (await client.call("LoadMcpServerClient", **named(triage)))["client"] == triage
    summary = await agent(client, "Summary agent")
    await client.call("DeleteMcpServerClients", **which, ids=[triage["id"], summary["id"]])
    assert (await client.call("SearchMcpServerClients", **which))["total"] == 0


async def test_a_server_takes_its_clients_and_their_consents(client: Client) -> None:
    which, triage = await server(client), await agent(client)
    granted = {"appId": triage["id"]}
    assert (await client.call("SearchThirdPartyApplicationConsents", **granted))["total"] == 1
    await client.call("DeleteMcpServers", ids=[which["mcpServerId"]])
    assert await client.error("SearchMcpServerClients", 404, **which) == "E112732"
    assert not client.state.rows["mcp_clients"].records
    assert (await client.call("SearchThirdPartyApplicationConsents", **granted))["total"] == 0
    assert (await client.call("LoadAllMcpServers")) == {"servers": [], "total": 0}
