"""Single sign-on of tenants, the groups that come with it, and tokens of social providers."""

from __future__ import annotations

from typing import Any

import pytest

from descope_mcp.sandbox.engine.state import OUTBOX
from descope_mcp.sandbox.tenants.groups import GROUPS
from tests.sandbox.conftest import Client

pytestmark = pytest.mark.anyio

GRACE, HUGO, INES = (f"{n}@globex.example" for n in ("grace.kim", "hugo.silva", "ines.costa"))
SAML = {"idpUrl": "https://idp.example/sso", "entityId": "urn:idp", "idpCert": "sandbox"}


async def roles_in(client: Client, login_id: str, tenant_id: str = "globex") -> list[str]:
    user = await client.user(login_id)
    return [r for m in user["userTenants"] if m["tenantId"] == tenant_id for r in m["roleNames"]]


async def test_saml_settings_are_replaced(client: Client) -> None:
    before = await client.call("LoadSSOSettings", tenantId="globex")
    assert before["saml"]["idpEntityId"] == "http://www.okta.example/globex"
    (research, _) = before["saml"]["groupsMapping"]
    assert (research["role"]["name"], research["groups"]) == ("Editor", ["Research"])
    assert before["tenant"]["domains"] == ["globex.example"]
    settings = {**SAML, "attributeMapping": {"email": "mail"}, "spSignKey": "private"}
    await client.call("ConfigureSSOSAMLSettings", tenantId="globex", settings=settings)
    after = await client.call("LoadSSOSettings", tenantId="globex")
    assert after["saml"]["idpSSOUrl"] == "https://idp.example/sso"
    assert (after["saml"]["attributeMapping"]["email"], after["saml"]["redirectUrl"]) == (
        "mail",
        "",
    )
    assert (after["saml"]["groupsMapping"], after["tenant"]["domains"]) == ([], [])
    assert "private" not in str(after)
    wrong = {"tenantId": "globex", "settings": {"idpUrl": "x"}}
    assert await client.error("ConfigureSSOSAMLSettings", 400, **wrong) == "E011003"
    unknown = {**SAML, "defaultSSORoles": ["Nobody"]}
    call = {"tenantId": "globex", "settings": unknown}
    assert await client.error("ConfigureSSOSAMLSettings", 404, **call) == "E111403"


async def test_the_service_provider_is_named_by_project_and_tenant(client: Client) -> None:
    project, saml = client.state.project_id, {}
    for sso_id in ("", "second"):
        named = {"tenantId": "umbra", **({"ssoId": sso_id} if sso_id else {})}
        if sso_id:
            await client.call("NewSSOSettingsRequest", **named, displayName="Second")
        saml[sso_id] = (await client.call("LoadSSOSettings", **named))["saml"]
    assert [s["spEntityId"] for s in saml.values()] == [
        f"{project}-umbra",
        f"{project}-umbra-second",
    ]
    query = f"projectId={project}&tenantId=umbra"
    assert saml[""]["spACSUrl"].endswith(f"/v1/auth/saml/acs?{query}")
    assert saml["second"]["spACSUrl"].endswith(f"?{query}&ssoId=second")


async def test_oidc_settings_metadata_and_redirects(client: Client) -> None:
    oidc = {
        "name": "Entra",
        "clientId": "c",
        "clientSecret": "sandbox-secret",
        "scope": ["openid"],
        "userAttrMapping": {"email": "mail", "phoneNumber": "mobile"},
        "roleMappings": [{"groups": ["staff"], "roleName": "Viewer"}],
        "defaultSSORoles": ["Billing"],
    }
    where = {"tenantId": "umbra"}
    await client.call("ConfigureSSOOIDCSettings", **where, settings=oidc, domains=["umbra.example"])
    loaded = await client.call("LoadSSOSettings", **where)
    assert (loaded["oidc"]["clientSecret"], loaded["oidc"]["scope"]) == ("", ["openid"])
    assert loaded["oidc"]["userAttrMapping"]["phoneNumber"] == "mobile"
    assert loaded["oidc"]["roleMappings"] == oidc["roleMappings"]
    assert loaded["oidc"]["defaultSSORoles"] == ["Billing"]
    assert loaded["tenant"]["authType"] == "oidc"
    await client.call("ConfigureSSORedirectURL", **where, samlRedirectUrl="https://a.example")
    loaded = await client.call("LoadSSOSettings", **where)
    assert loaded["saml"]["redirectUrl"] == "https://a.example"
    assert loaded["oidc"]["clientId"] == "c"
    await client.call("UpdateSSOProviderIDs", **where, oidcProviderId="p1")
    await client.call("UpdateSSOProviderIDs", **where, samlProviderId="p2")
    loaded = await client.call("LoadSSOSettings", **where)
    assert (loaded["oidc"]["providerID"], loaded["saml"]["providerID"]) == ("p1", "p2")
    metadata = {"idpMetadataUrl": "https://login.example/metadata.xml"}
    await client.call("ConfigureSSOSAMLSettingsByMetadata", **where, settings=metadata)
    loaded = await client.call("LoadSSOSettings", **where)
    assert loaded["saml"]["idpSSOUrl"].startswith("https://login.example/")
    assert (loaded["tenant"]["authType"], loaded["saml"]["providerID"]) == ("saml", "p2")
    await client.call("ConfigureSSOOIDCSettings", **where, settings={"clientId": "d"})
    loaded = await client.call("LoadSSOSettings", **where)
    assert (loaded["oidc"]["clientSecret"], loaded["oidc"]["roleMappings"]) == ("", [])


async def test_a_tenant_has_several_configurations(client: Client) -> None:
    where = {"tenantId": "globex"}
    made = await client.call("NewSSOSettingsRequest", **where, displayName="Partners")
    assert made["ssoId"]
    partners = {**where, "ssoId": made["ssoId"]}
    await client.call(
        "ConfigureSSOSAMLSettings", **partners, settings=SAML, domains=["partner.example"]
    )
    found = (await client.call("LoadAllSSOSettings", **where))["SSOSettings"]
    assert [s["ssoId"] for s in found] == ["", made["ssoId"]]
    assert found[0]["saml"]["idpEntityId"] != found[1]["saml"]["idpEntityId"]
    tenant = await client.call("LoadTenant", id="globex")
    assert tenant["domains"] == ["globex.example", "partner.example"]
    again = {**partners, "displayName": "Partners"}
    assert await client.error("NewSSOSettingsRequest", 400, **again) == "E115009"
    await client.call("DeleteSSOSettings", **where)
    assert (await client.call("LoadTenant", id="globex"))["domains"] == ["partner.example"]
    await client.call("DeleteSSOSettings", **partners)
    assert await client.error("LoadSSOSettings", 404, **partners) == "E115008"
    tenant = await client.call("LoadTenant", id="globex")
    assert (tenant["domains"], tenant["authType"]) == ([], "none")
    assert (await client.call("LoadSSOSettings", **where))["saml"]["idpEntityId"] == ""


async def test_mappings_are_recalculated(client: Client) -> None:
    await client.call("UpdateUserAddRoles", loginId=GRACE, tenantId="globex", roleNames=["Owner"])
    mapping = [
        {"groups": ["Research"], "roleName": "Billing"},
        {"groups": ["Research", "Finance"], "roleName": "Analyst"},
    ]
    settings = {**SAML, "roleMappings": mapping, "defaultSSORoles": ["Viewer"]}
    await client.call("ConfigureSSOSAMLSettings", tenantId="globex", settings=settings)
    assert await roles_in(client, GRACE) == ["Editor", "Owner"], "nothing changes by itself"
    await client.call("RecalculateSSOMappings", tenantId="globex")
    assert await roles_in(client, GRACE) == ["Viewer", "Billing", "Analyst"]
    assert await roles_in(client, HUGO) == ["Viewer", "Analyst"]
    for default, expected in ((None, ["Viewer"]), ([], [])):
        changed: dict[str, Any] = {**SAML, "defaultSSORoles": default}
        await client.call("ConfigureSSOSAMLSettings", tenantId="globex", settings=changed)
        loaded = await client.call("LoadSSOSettings", tenantId="globex")
        assert loaded["saml"]["defaultSSORoles"] == expected
    assert await roles_in(client, "kaori.sato@globex.example", "globex-emea") == ["Owner"]
    farid = "farid.haddad@globex.example"
    assert await roles_in(client, farid) == ["Tenant Admin", "Owner"], "who signs in otherwise"


async def test_the_group_with_priority_decides(client: Client) -> None:
    research, _ = client.state.all(GROUPS)
    members = [*research["members"], (await client.user(HUGO))["userId"]]
    client.state.change(GROUPS, research, {"members": members})
    mapping = [
        {"groups": ["Research"], "roleName": "Editor"},
        {"groups": ["Finance"], "roleName": "Billing"},
    ]
    settings = {**SAML, "roleMappings": mapping, "groupsPriority": ["Finance", "Research"]}
    await client.call("ConfigureSSOSAMLSettings", tenantId="globex", settings=settings)
    await client.call("RecalculateSSOMappings", tenantId="globex")
    assert await roles_in(client, HUGO) == ["Billing"]
    assert await roles_in(client, GRACE) == ["Editor"]


async def test_a_deleted_role_leaves_the_mappings(client: Client) -> None:
    await client.call("UpdateRole", name="Editor", newName="Author")
    mapping = (await client.call("LoadSSOSettings", tenantId="globex"))["saml"]["groupsMapping"]
    assert [m["role"]["name"] for m in mapping] == ["Author", "Analyst"]
    await client.call("DeleteRole", name="Author")
    mapping = (await client.call("LoadSSOSettings", tenantId="globex"))["saml"]["groupsMapping"]
    assert [m["role"]["name"] for m in mapping] == ["Analyst"]


async def test_groups_and_their_members(client: Client) -> None:
    groups: list[dict[str, Any]] = await client.call("LoadGroups", tenantId="globex")
    assert [g["display"] for g in groups] == ["Research", "Finance"]
    assert [m["loginId"] for m in groups[1]["members"]] == [HUGO]
    found = await client.call("LoadMemberGroups", tenantId="globex", loginIds=[GRACE])
    assert [g["display"] for g in found] == ["Research"]
    one = await client.call("LoadGroupMembers", tenantId="globex", groupId=groups[0]["id"])
    assert len(one[0]["members"]) == 2
    await client.call("DeleteUser", loginId=GRACE)
    one = await client.call("LoadGroupMembers", tenantId="globex", groupId=groups[0]["id"])
    assert len(one[0]["members"]) == 1
    assert await client.call("LoadGroups", tenantId="umbra") == []


async def test_links_for_a_tenants_administrator(client: Client) -> None:
    where = {"tenantId": "umbra"}
    for operation in ("GenerateTenantAdminLinkSSO", "GenerateTenantAdminLinkSSODeprecated"):
        link = (await client.call(operation, **where))["adminSSOConfigurationLink"]
        assert "tenant=umbra" in link
    await client.call("SendTenantAdminLinkSSO", **where, email="it@umbra.example")
    (mail,) = client.state.all(OUTBOX, to="it@umbra.example")
    assert mail["data"]["link"].startswith(client.sandbox.url)
    shared = await client.call("GetTenantAdminLinkSSOForAuthenticatedUsers", **where)
    assert "t=" not in shared["adminSSOConfigurationLink"].partition("tenant=")[2]
    assert len(client.state.export()["sso_admin_links"]) == 3
    await client.call("RevokeTenantAdminLinkSSO", **where)
    assert "sso_admin_links" not in client.state.export()
    assert await client.error("GenerateTenantAdminLinkSSO", 404, tenantId="none") == "E111104"


async def test_tokens_of_a_social_provider(client: Client) -> None:
    ask = {"loginId": "ada.okafor@acme.example", "provider": "google"}
    first = await client.call("GetUserProviderToken", **ask)
    assert first["refreshToken"] == ""
    fresh = await client.call(
        "GetUserProviderToken", **ask, forceRefresh="true", withRefreshToken="true"
    )
    assert fresh["accessToken"] != first["accessToken"]
    assert fresh["refreshToken"]
    assert (await client.call("GetUserProviderToken", **ask)) == {**fresh, "refreshToken": ""}
    assert await client.error("GetUserProviderToken", 404, **{**ask, "provider": "x"}) == "E115010"
