"""SSO applications: flat requests, nested answers, Descope's own side, who has them."""

from __future__ import annotations

import pytest

from descope_mcp.sandbox.seeds import organisations
from tests.sandbox.conftest import Client

pytestmark = pytest.mark.anyio

ADA = "ada.okafor@acme.example"


async def test_a_new_project_has_the_default_application(client: Client) -> None:
    (default,) = organisations.new_project().rows["sso_apps"].records
    assert default == "descope-default-oidc"
    apps = (await client.call("LoadAllSSOApplications"))["apps"]
    assert apps[0]["id"] == default
    assert {app["appType"] for app in apps} == {"oidc", "saml", "wsfed"}


async def test_descopes_side_stays_through_an_update(client: Client) -> None:
    groups = [{"name": "staff", "roles": [{"id": "r", "name": "Viewer"}]}]
    made = await client.call(
        "CreateSSOWSFedApplication", name="A", realm="urn:a", groupsMapping=groups
    )
    before = (await client.call("LoadSSOApplication", **made))["wsfedSettings"]
    assert before["groupsMapping"][0]["roles"] == [{"id": "r", "name": "Viewer"}]
    assert made["id"] in before["idpMetadataUrl"]
    assert before["idpCert"]
    other = (await client.call("LoadSSOApplication", **made))["samlSettings"]
    assert not any(other.values())
    await client.call("UpdateSSOWSFedApplication", **made, name="A")
    after = (await client.call("LoadSSOApplication", **made))["wsfedSettings"]
    assert (after["realm"], after["groupsMapping"]) == ("", [])
    assert {n: after[n] for n in after if n.startswith("idp")} == {
        n: before[n] for n in before if n.startswith("idp")
    }
    issuer = (await client.call("LoadSSOApplication", id="acme-docs"))["oidcSettings"]["issuer"]
    assert issuer.endswith("/acme-docs")


async def test_a_mapping_loses_a_role_that_is_deleted(client: Client) -> None:
    role = await client.call("CreateRole", name="Mapped")
    groups = [{"name": "staff", "roles": [{"id": role["id"], "name": "Mapped"}]}]
    made = await client.call("CreateSSOWSFedApplication", name="A", groupsMapping=groups)
    await client.call("DeleteRole", name="Mapped")
    (group,) = (await client.call("LoadSSOApplication", **made))["wsfedSettings"]["groupsMapping"]
    assert (group["name"], group["roles"]) == ("staff", [])


async def test_id_and_name_are_taken_only_once(client: Client) -> None:
    own = {"id": "salesforce", "name": "Other"}
    assert await client.error("CreateSSOOIDCApplication", 400, **own) == "E112701"
    assert await client.error("CreateSSOOIDCApplication", 400, name="Salesforce") == "E112701"
    own = {"id": "acme-docs", "name": "Salesforce"}
    assert await client.error("UpdateSSOOIDCApplication", 400, **own) == "E112701"


async def test_each_protocol_has_its_own_update(client: Client) -> None:
    own = {"id": "salesforce", "name": "Salesforce"}
    assert await client.error("UpdateSSOOIDCApplication", 400, **own) == "E011004"


async def test_saml_needs_to_know_the_other_side(client: Client) -> None:
    assert await client.error("CreateSSOSAMLApplication", 400, name="S") == "E011003"
    given = {"name": "S", "useMetadataInfo": True}
    answer = await client.call("CreateSSOSAMLApplication", 400, **given)
    assert "metadataUrl" in answer["errorMessage"]
    await client.call("CreateSSOSAMLApplication", **given, metadataUrl="https://idp.example")


async def test_deleting_takes_it_from_users_and_tenants(client: Client) -> None:
    await client.call("UpdateUserSetSSOApps", loginId=ADA, ssoAppIds=["salesforce", "acme-docs"])
    await client.call("UpdateTenant", id="umbra", name="Umbra", federatedAppIds=["salesforce"])
    await client.call("DeleteSSOApplication", id="salesforce")
    assert (await client.user(ADA))["ssoAppIds"] == ["acme-docs"]
    assert (await client.call("LoadTenant", id="umbra"))["federatedAppIds"] == []
    found = await client.call("SearchUsers", ssoAppIds=["salesforce"])
    assert found["total"] == 0
