"""Management keys, which open the sandbox itself, and the people of the console."""

from __future__ import annotations

from typing import Any

import pytest

from descope_mcp.sandbox.keys.management_keys import MANAGEMENT_KEYS
from tests.sandbox.conftest import Client

pytestmark = pytest.mark.anyio


async def list_with(client: Client, key: str) -> int:
    """The status of a management call that is made with `key`."""
    headers = {"Authorization": f"Bearer {client.sandbox.project_id}:{key}"}
    return (await client.send("LoadAllTenants", headers)).status_code


def for_projects(*ids: str) -> dict[str, Any]:
    return {"projectRoles": [{"projectIds": list(ids), "roles": ["user-management"]}]}


async def test_a_new_key_opens_the_service_until_it_is_deleted(client: Client) -> None:
    created = await client.call(
        "CreateManagementKey", name="ci", reBac=for_projects(client.sandbox.project_id)
    )
    key, cleartext = created["key"], created["cleartext"]
    assert cleartext.startswith("K")
    assert len(cleartext) > 200
    assert cleartext not in str(await client.call("SearchManagementKeys"))
    assert await list_with(client, cleartext) == 200
    same = {"id": key["id"], "name": "ci"}
    await client.call("UpdateManagementKey", **same, status="inactive")
    assert await list_with(client, cleartext) == 401
    await client.call("UpdateManagementKey", **same, permittedIps=["198.51.100.0/24"])
    assert await list_with(client, cleartext) == 403
    shown = (await client.call("UpdateManagementKey", **same, description="x"))["key"]
    assert (shown["permittedIps"], shown["status"], shown["version"]) == ([], "active", 4)
    assert await list_with(client, cleartext) == 200
    assert await client.call("DeleteManagementKeys", ids=[key["id"]]) == {"total": 1}
    assert await list_with(client, cleartext) == 401


async def test_a_key_for_others_or_one_that_expired_is_refused(client: Client) -> None:
    other = await client.call("CreateManagementKey", name="o", reBac=for_projects("P2other"))
    assert await list_with(client, other["cleartext"]) == 403
    rights = {"companyRoles": ["company-full-access"]}
    short = await client.call("CreateManagementKey", name="s", reBac=rights, expiresIn="60")
    assert await list_with(client, short["cleartext"]) == 200
    now = client.state.clock()
    client.state.clock = lambda: now + 61
    assert await list_with(client, short["cleartext"]) == 401
    assert await client.error("CreateManagementKey", 400, name="none") == "E011003"


async def test_a_key_for_projects_opens_nothing_of_the_company(client: Client) -> None:
    made = await client.call(
        "CreateManagementKey", name="p", reBac=for_projects(client.sandbox.project_id)
    )
    headers = {"Authorization": f"Bearer {client.sandbox.project_id}:{made['cleartext']}"}
    another = {"name": "more", "reBac": {"companyRoles": ["company-full-access"]}}
    for name, arguments in (
        ("CreateManagementKey", another),
        ("SearchManagementKeys", {}),
        ("ListDescopers", {}),
        ("CloneProject", {"name": "copy"}),
    ):
        answer = await client.send(name, headers, **arguments)
        assert (answer.status_code, answer.json()["errorCode"]) == (403, "E011006"), name
    assert (await client.send("ListProject", headers)).status_code == 200
    assert [key["name"] for key in client.state.all(MANAGEMENT_KEYS)][-1] == "p"


async def test_whoever_deletes_the_own_key_is_locked_out(client: Client) -> None:
    await client.call("DeleteManagementKeys", ids=[client.state.management_key_id])
    await client.call("LoadAllTenants", 401)


async def test_a_call_is_recorded_as_made_by_its_key(client: Client) -> None:
    rights = {"companyRoles": ["company-full-access"]}
    created = await client.call("CreateManagementKey", name="other", reBac=rights)
    headers = {"Authorization": f"Bearer {client.sandbox.project_id}:{created['cleartext']}"}
    await client.send("CreateTenant", headers, name="New")
    events = await client.call("SearchAudit", actions=["TenantCreated"], size=1)
    assert events["audits"][0]["actorId"] == created["key"]["id"]


async def test_descopers(client: Client) -> None:
    new = {
        "loginId": "eve@acme.example",
        "attributes": {"displayName": "Eve"},
        "sendInvite": True,
        "rbac": {"projects": [{"projectIds": ["P1"], "role": "auditor"}]},
    }
    answer = await client.call("CreateDescopers", descopers=[new])
    (eve,) = answer["descopers"]
    assert eve["attributes"] == {"displayName": "Eve", "email": "eve@acme.example", "phone": ""}
    await client.call("UpdateDescoper", id=eve["id"], attributes={"phone": "+15550100"})
    loaded = (await client.call("GetDescoper", id=eve["id"]))["descoper"]
    assert loaded["attributes"]["displayName"] == "Eve", "what is left out stays"
    assert loaded["rbac"]["projects"][0]["role"] == "auditor"
    await client.call("UpdateDescoper", id=eve["id"], rbac={"isCompanyAdmin": True})
    loaded = (await client.call("GetDescoper", id=eve["id"]))["descoper"]
    assert loaded["rbac"] == {"isCompanyAdmin": True, "tags": [], "projects": []}
    assert await client.error("CreateDescopers", 400, descopers=[new]) == "E115003"
    assert (await client.call("ListDescopers"))["total"] == 4
    await client.call("DeleteDescoper", id=eve["id"])
    assert await client.error("GetDescoper", 404, id=eve["id"]) == "E115002"
