"""The audit trail."""

from __future__ import annotations

import time

import pytest

from .conftest import Client

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
    oldest = await client.call("SearchAudit", actions=["LoginFailed"], oldestFirst=True)
    assert oldest["audits"] == failed["audits"][::-1]
    mine = await client.call("SearchAudit", externalIds=[GRACE])
    assert [a["action"] for a in mine["audits"]] == ["LoginSucceed"]
    assert (await client.call("SearchAudit", to="1000"))["total"] == 0
    old = [a for a in client.state.audits if a["action"] == "TenantCreated"]
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
