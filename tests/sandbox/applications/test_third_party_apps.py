"""Third-party applications: patch, secrets, consents, self-registration, what goes with them."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.sandbox.conftest import Client

pytestmark = pytest.mark.anyio

ADA = "ada.okafor@acme.example"


async def partner(client: Client, name: str = "Chart Builder") -> Any:
    apps = (await client.call("LoadAllThirdPartyApplications"))["apps"]
    return next(app for app in apps if app["name"] == name)


async def consents(client: Client, **filters: Any) -> int:
    return int((await client.call("SearchThirdPartyApplicationConsents", **filters))["total"])


async def test_a_patch_keeps_what_it_does_not_name(client: Client) -> None:
    app = await partner(client)
    scopes = [{"name": "only", "values": ["Viewer"]}]
    await client.call(
        "PatchThirdPartyApplication", id=app["id"], permissionsScopes=scopes, description=None
    )
    after = await client.call("LoadThirdPartyApplication", clientId=app["clientId"])
    changed = {"name": "only", "description": "", "optional": False, "values": ["Viewer"]}
    assert after == {**app, "permissionsScopes": [changed]}
    empty = {"id": app["id"], "name": ""}
    assert await client.error("PatchThirdPartyApplication", 400, **empty) == "E011003"


async def test_the_secret_is_kept_until_it_is_rotated(client: Client) -> None:
    made = await client.call("CreateThirdPartyApplication", name="A", clientId="a-client")
    app = {"id": made["id"]}
    assert made["clientId"] == "a-client"
    assert made["cleartext"] not in str(await client.call("LoadThirdPartyApplication", **app))
    await client.call("UpdateThirdPartyApplication", **app, name="A", clientId="changed?")
    assert (await client.call("GetThirdPartyApplicationSecret", **app)) == {
        "cleartext": made["cleartext"]
    }
    rotated = await client.call("RotateThirdPartyApplicationSecret", **app)
    assert rotated["cleartext"] != made["cleartext"]
    assert await client.call("GetThirdPartyApplicationSecret", **app) == rotated
    assert (await client.call("LoadThirdPartyApplication", **app))["clientId"] == "a-client"


async def test_a_caller_may_choose_the_secret(client: Client) -> None:
    made = await client.call("CreateThirdPartyApplication", name="A", clientSecret="chosen")
    assert made["cleartext"] == "chosen"
    public = await client.call("CreateThirdPartyApplication", name="B", nonConfidentialClient=True)
    assert public["cleartext"] == ""
    for operation in ("GetThirdPartyApplicationSecret", "RotateThirdPartyApplicationSecret"):
        assert await client.error(operation, 400, id=public["id"]) == "E011004"


async def test_names_and_client_ids_are_taken_only_once(client: Client) -> None:
    app = await partner(client)
    for own in ({"name": app["name"]}, {"name": "New", "clientId": app["clientId"]}):
        assert await client.error("CreateThirdPartyApplication", 400, **own) == "E112711"
    unknown = {"name": "New", "allowedTenants": ["nowhere"]}
    assert await client.error("CreateThirdPartyApplication", 404, **unknown) == "E111104"


async def test_applications_come_in_pages(client: Client) -> None:
    page = await client.call("LoadAllThirdPartyApplications", page=1, limit=2)
    assert (len(page["apps"]), page["total"]) == (1, 3)


async def test_deleting_takes_consents_and_policies(client: Client) -> None:
    app, total = await partner(client), await consents(client)
    own = await consents(client, appId=app["id"])
    policies = {"thirdPartyApplicationId": app["id"]}
    assert (await client.call("LoadResourcePoliciesByApp", **policies))["resourcePolicies"]
    other = await partner(client, "Old Dashboard")
    unknown = {"ids": [other["id"], "unknown"]}
    assert await client.error("DeleteThirdPartyApplications", 404, **unknown) == "E112712"
    await partner(client, "Old Dashboard")
    await client.call("DeleteThirdPartyApplications", ids=[app["id"], other["id"]])
    assert own > 0
    assert await consents(client) == total - own
    assert await client.error("LoadResourcePoliciesByApp", 404, **policies) == "E112712"


async def test_deleting_consents_narrows_with_every_filter(client: Client) -> None:
    app = (await partner(client))["id"]
    user = (await client.user(ADA))["userId"]
    total, own = await consents(client), await consents(client, userId=user)
    await client.call("DeleteThirdPartyApplicationConsents", appId=app, userIds=[user])
    assert await consents(client) == total - 1
    assert await consents(client, userId=user) == own - 1
    await client.call("DeleteThirdPartyApplicationConsents", userIds=[user])
    assert await consents(client, userId=user) == 0
    # Only appId: every user's, but not what was given for a whole tenant.
    await client.call("DeleteThirdPartyApplicationConsents", appId=app)
    (left,) = (await client.call("SearchThirdPartyApplicationConsents", appId=app))["consents"]
    assert left["tenantId"] == "globex"
    await client.call("DeleteThirdPartyApplicationTenantConsents", tenantId="umbra")
    assert await consents(client, appId=app) == 1
    await client.call("DeleteThirdPartyApplicationTenantConsents", consentIds=[left["id"]])
    assert await consents(client, appId=app) == 0
    again = {"consentIds": [left["id"]]}
    assert await client.error("DeleteThirdPartyApplicationConsents", 404, **again) == "E063302"
    assert await client.error("DeleteThirdPartyApplicationConsents", 400) == "E011003"


async def test_consents_go_with_the_user(client: Client) -> None:
    user = (await client.user(ADA))["userId"]
    assert await consents(client, userId=user) > 0
    await client.call("DeleteUser", loginId=ADA)
    assert await consents(client, userId=user) == 0


async def register(client: Client, operation: str, **arguments: Any) -> httpx.Response:
    """Call without a credential, as an agent that registers itself would."""
    project = client.sandbox.project_id
    return await client.send(operation, {"Authorization": ""}, projectId=project, **arguments)


async def test_a_client_registers_itself(client: Client) -> None:
    asked = {"client_name": "Chart Builder", "redirect_uris": ["https://agent.example/cb"]}
    answer = (await register(client, "RegisterThirdPartyApplication", **asked)).json()
    # The name belongs to somebody else, so the service gives another.
    assert answer["client_name"] == "Chart Builder 2"
    assert answer["token_endpoint_auth_method"] == "client_secret_basic"
    app = await client.call("LoadThirdPartyApplication", clientId=answer["client_id"])
    assert app["dynamic"]
    assert app["approvedCallbackUrls"] == asked["redirect_uris"]
    secret = await client.call("GetThirdPartyApplicationSecret", id=app["id"])
    assert secret == {"cleartext": answer["client_secret"]}
    public = await register(
        client, "RegisterThirdPartyApplication", token_endpoint_auth_method="none"
    )
    assert public.json()["client_secret"] == ""


async def test_an_mcp_server_decides_whether_clients_register(client: Client) -> None:
    server = (await client.call("LoadAllMcpServers"))["servers"][0]
    own = {"mcpServerId": server["id"], "client_name": "Agent"}
    answer = (await register(client, "RegisterMcpServerClient", **own)).json()
    assert answer["scope"] == "tickets.read"
    found = {"mcpServerId": server["id"], "clientId": answer["client_id"]}
    made = (await client.call("LoadMcpServerClient", **found))["client"]
    assert (made["name"], made["registrationType"]) == ("Agent", "dcr")
    await client.call("UpdateMcpServer", server={"id": server["id"], "name": "Closed"})
    refused = await register(client, "RegisterMcpServerClient", **own)
    assert (refused.status_code, refused.json()["errorCode"]) == (403, "E112735")
