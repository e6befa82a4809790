"""Tenants, roles, permissions and access keys, and what hangs on each."""

from __future__ import annotations

import pytest

from tests.sandbox.conftest import Client

pytestmark = pytest.mark.anyio

GRACE = "grace.kim@globex.example"


async def test_a_tenant_is_loaded_flat_and_listed_wrapped(client: Client) -> None:
    tenant = await client.call("LoadTenant", id="globex")
    assert (tenant["name"], tenant["parent"]) == ("Globex Corporation", "")
    assert tenant["successors"] == ["globex-emea"]
    assert tenant in (await client.call("LoadAllTenants"))["tenants"]
    (child,) = (await client.call("SearchTenants", parentTenantId="globex"))["tenants"]
    assert child["id"] == "globex-emea"
    assert await client.error("CreateTenant", 400, name="Initech") == "E073307"


async def test_updating_a_tenant_replaces_it(client: Client) -> None:
    await client.call("UpdateTenant", id="globex", name="Globex", enforceSSO=True)
    await client.call("UpdateTenant", id="globex", name="Globex Inc.")
    tenant = await client.call("LoadTenant", id="globex")
    assert (tenant["name"], tenant["enforceSSO"]) == ("Globex Inc.", False)
    assert (tenant["customAttributes"], tenant["selfProvisioningDomains"]) == ({}, [])
    assert tenant["defaultRoles"] == ["Viewer"], "which UpdateTenant does not take"


async def test_tenant_settings_are_replaced(client: Client) -> None:
    before = await client.call("GetTenantSettings", id="globex")
    assert before["selfProvisioningDomains"] == ["globex.example"]
    await client.call("ConfigureTenantSettings", tenantId="globex", sessionTokenExpiration=5)
    after = await client.call("GetTenantSettings", id="globex")
    assert (after["sessionTokenExpiration"], after["refreshTokenExpiration"]) == (5, 0)
    assert (await client.call("LoadTenant", id="globex"))["selfProvisioningDomains"] == []
    await client.call("ConfigurePasswordSettings", tenantId="globex", minLength=12)
    passwords = await client.call("GetPasswordSettings", tenantId="globex")
    assert (passwords["minLength"], passwords["lock"]) == (12, False)
    assert (await client.call("GetPasswordSettings", tenantId="umbra"))["minLength"] == 8
    assert (await client.call("LoadAllSSOSettings", tenantId="umbra")) == {"SSOSettings": []}


@pytest.mark.parametrize(("cascade", "deleted"), [(False, 0), (True, 3)])
async def test_deleting_a_tenant(client: Client, cascade: bool, deleted: int) -> None:
    await client.call("DeleteTenant", id="umbra", cascade=cascade)
    assert await client.error("LoadTenant", 404, id="umbra") == "E111104"
    assert (await client.call("SearchUsers"))["total"] == 24 - deleted
    sven = await client.user("sven.larsen@initech.example")
    assert [m["tenantId"] for m in sven["userTenants"]] == ["initech"]


async def test_deleting_a_tenant_takes_its_roles_and_keys(client: Client) -> None:
    await client.call("DeleteTenant", id="globex", cascade=True)
    assert (await client.call("SearchRoles", tenantIds=["globex"]))["roles"] == []
    keys = {k["name"]: k for k in (await client.call("SearchAccessKeys"))["keys"]}
    assert "report-export" not in keys
    assert "ci-deploy" in keys
    assert (await client.call("LoadTenant", id="globex-emea"))["parent"] == ""


async def test_searching_roles(client: Client) -> None:
    async def names(**filters: object) -> list[str]:
        return [r["name"] for r in (await client.call("SearchRoles", **filters))["roles"]]

    assert len(await names()) == 8
    assert await names(tenantIds=["globex"]) == ["Analyst"]
    assert len(await names(tenantIds=["globex"], includeProjectRoles=True)) == 7
    assert await names(roleNameLike="view") == ["Viewer"]
    assert await names(permissionNames=["billing.read"]) == ["Owner", "Billing", "Auditor"]
    assert await names(roleNames=["Owner", "Nope"]) == ["Owner"]


async def test_updating_a_role_replaces_and_renames_everywhere(client: Client) -> None:
    assert await client.error("UpdateRole", 400, name="Editor") == "E011003"
    role = await client.call("UpdateRole", name="Editor", newName="Author")
    assert (role["permissionNames"], role["description"]) == ([], "")
    (grace,) = (await client.user(GRACE))["userTenants"]
    assert (grace["roleNames"], grace["permissions"]) == (["Author"], [])
    keys = (await client.call("SearchAccessKeys", text="ci-deploy"))["keys"]
    assert keys[0]["roleNames"] == ["Author"]


async def test_deleting_a_role_takes_it_from_its_holders(client: Client) -> None:
    # A tenant's own role of the same name is another role, and stays.
    await client.call("CreateRole", name="Viewer", tenantId="umbra")
    await client.call("DeleteRole", name="Viewer")
    ines = await client.user("ines.costa@globex.example")
    vera = await client.user("vera.lindt@umbra.example")
    assert ines["userTenants"][0]["roleNames"] == []
    assert vera["userTenants"][0]["roleNames"] == ["Viewer"]
    assert (await client.call("LoadTenant", id="globex"))["defaultRoles"] == []
    assert await client.error("DeleteRole", 404, name="Viewer") == "E111403"


async def test_built_in_roles_and_permissions_are_protected(client: Client) -> None:
    assert await client.error("DeleteRole", 400, name="Tenant Admin") == "E024214"
    change = {"name": "Tenant Admin", "newName": "X"}
    assert await client.error("UpdateRole", 400, **change) == "E024214"
    assert await client.error("DeletePermission", 400, name="User Admin") == "E011004"
    # A batch with one impossible item does nothing at all.
    assert await client.error("DeleteRoles", 400, roleNames=["Owner", "Tenant Admin"]) == "E024214"
    assert (await client.call("SearchRoles", roleNames=["Owner"]))["roles"]


async def test_permissions_go_with_their_roles(client: Client) -> None:
    assert await client.error("CreatePermission", 400, name="billing.read") == "E024104"
    unknown = {"name": "X", "permissionNames": ["nope"]}
    assert await client.error("CreateRole", 404, **unknown) == "E111303"
    await client.call("UpdatePermission", name="billing.read", newName="invoices.read")
    await client.call("DeletePermission", name="billing.write")
    (role,) = (await client.call("SearchRoles", roleNames=["Billing"]))["roles"]
    assert role["permissionNames"] == ["invoices.read"]


async def test_an_access_key_from_creation_to_deletion(client: Client) -> None:
    tenants = [{"tenantId": "globex", "roleNames": ["Analyst"]}]
    made = await client.call(
        "CreateAccessKey", name="k", keyTenants=tenants, permittedIps=["10.0.0.1"], expireTime="0"
    )
    key = made["key"]
    assert made["cleartext"]
    assert len(key["id"]) >= 27
    assert (key["status"], key["keyTenants"][0]["tenantName"]) == ("active", "Globex Corporation")
    loaded = await client.call("LoadAccessKey", id=key["id"])
    assert loaded == {"key": key}
    assert made["cleartext"] not in str(loaded)
    patched = await client.call("UpdateAccessKey", id=key["id"], name="k2", permittedIps=[])
    assert patched["key"] == {**key, "name": "k2", "permittedIps": []}
    await client.call("DeactivateAccessKey", id=key["id"])
    assert (await client.call("LoadAccessKey", id=key["id"]))["key"]["status"] == "inactive"
    both = {"ids": [key["id"], "Kunknown"]}
    assert await client.error("DeleteAccessKeys", 404, **both) == "E111502"
    assert await client.call("DeleteAccessKey", id=key["id"]) == {}
    assert await client.error("LoadAccessKey", 404, id=key["id"]) == "E111502"
