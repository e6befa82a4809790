"""The audit trail."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from descope_mcp.sandbox.engine.state import AUDITS
from tests.sandbox.conftest import Client

pytestmark = pytest.mark.anyio

GRACE = "grace.kim@globex.example"


async def test_a_change_leaves_one_event_with_actor_and_request_id(client: Client) -> None:
    start = str(int(time.time() * 1000))
    headers = {"x-external-rid": "call-42"}
    await client.send("UpdateUserStatus", headers, loginId=GRACE, status="disabled")
    await client.send("LoadUser", headers, loginId=GRACE)
    await client.send("UpdateUserStatus", headers, loginId=GRACE, status="no such status")
    found = await client.call("SearchAudit", **{"from": start})
    (event,) = found["audits"]
    assert (found["total"], event["action"]) == (1, "UserModified")
    assert event["actorId"] == client.state.management_key_id
    assert (event["externalIds"], event["tenants"]) == ([GRACE], ["globex"])
    assert event["data"]["x-external-rid"] == "call-42"


async def test_audit_search_filters_and_pages(client: Client) -> None:
    failed = await client.call("SearchAudit", actions=["LoginFailed"])
    assert failed["total"] == 6
    assert {a["action"] for a in failed["audits"]} == {"LoginFailed"}
    page = await client.call("SearchAudit", actions=["LoginFailed"], size=4, page=1)
    assert page["audits"] == failed["audits"][4:]
    capped = await client.call("SearchAudit", size=5000, page=1)
    assert (capped["audits"], capped["total"] > 0) == ([], True)
    oldest = await client.call("SearchAudit", actions=["LoginFailed"], oldestFirst=True)
    assert oldest["audits"] == failed["audits"][::-1]
    mine = await client.call("SearchAudit", externalIds=[GRACE])
    assert [a["action"] for a in mine["audits"]] == ["LoginSucceed"]
    assert (await client.call("SearchAudit", to="1000"))["total"] == 0
    old = [a for a in client.state.all(AUDITS) if a["action"] == "TenantCreated"]
    assert old
    assert (await client.call("SearchAudit", actions=["TenantCreated"]))["total"] == 0


async def test_a_written_event_says_what_its_writer_wants(client: Client) -> None:
    event = {"action": "Imported", "type": "warn", "actorId": "robot", "tenantId": "umbra"}
    await client.call("CreateAuditEvent", **event, data={"rows": 3})
    (found,) = (await client.call("SearchAudit", actions=["Imported"]))["audits"]
    assert (found["type"], found["actorId"], found["tenants"]) == ("warn", "robot", ["umbra"])
    assert found["data"] == {"rows": 3}


async def test_analytics_count_by_what_is_asked(client: Client) -> None:
    answer = await client.call("SearchAnalytics", groupByAction=True, actions=["LoginSucceed"])
    (row,) = answer["analytics"]
    assert (row["action"], row["cnt"], row["device"]) == ("LoginSucceed", "18", "")


async def test_analytics_are_counted_by_the_beginning_of_a_period(client: Client) -> None:
    (event, *_) = client.state.all(AUDITS, action="LoginSucceed")
    moment = str(int(datetime(2026, 5, 14, 15, 30, tzinfo=UTC).timestamp() * 1000))
    client.state.change(AUDITS, event, {"occurred": moment})
    client.state.clock = lambda: datetime(2026, 6, 1, tzinfo=UTC).timestamp()
    days = {"h": "05-14T15", "d": "05-14T00", "w": "05-11T00", "m": "05-01T00", "q": "04-01T00"}
    for period, begins in days.items():
        answer = await client.call(
            "SearchAnalytics", groupByCreated=period, actions=["LoginSucceed"]
        )
        assert [row["created"] for row in answer["analytics"]] == [f"2026-{begins}:00:00Z"]


async def test_events_of_no_tenant_come_beside_those_of_the_tenants_asked_for(
    client: Client,
) -> None:
    event = {"action": "Imported", "type": "info", "actorId": "robot"}
    for tenant in ({}, {"tenantId": "umbra"}, {"tenantId": "globex"}):
        await client.call("CreateAuditEvent", **event, **tenant)

    async def tenants(**filters: object) -> list[list[str]]:
        found = await client.call("SearchAudit", actions=["Imported"], oldestFirst=True, **filters)
        return [a["tenants"] for a in found["audits"]]

    assert await tenants() == [[], ["umbra"], ["globex"]]
    assert await tenants(tenants=["umbra"]) == [["umbra"]]
    assert await tenants(tenants=["umbra"], noTenants=True) == [[], ["umbra"]]
    assert await tenants(noTenants=True) == await tenants()


async def test_the_events_of_a_user_are_not_narrowed_by_those_of_no_tenant(client: Client) -> None:
    grace = (await client.user(GRACE))["userId"]
    await client.call("UpdateUserStatus", loginId=GRACE, status="disabled")
    alone = await client.call("SearchAudit", userIds=[grace])
    assert any(event["tenants"] for event in alone["audits"])
    assert await client.call("SearchAudit", userIds=[grace], noTenants=True) == alone
