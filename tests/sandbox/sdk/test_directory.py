"""Descope's own Python SDK manages a directory of 2,000 users."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import count, takewhile
from typing import Any

import pytest
from descope import AssociatedTenant, AuthException, DescopeClient
from descope.management.common import Sort
from descope.management.user import UserObj

from tests.sandbox.processes import sandbox


@pytest.fixture(scope="module")
def sdk() -> Iterator[DescopeClient]:
    with sandbox("--seed", "b2b") as settings:
        yield DescopeClient(
            settings["DESCOPE_PROJECT_ID"],
            management_key=settings["DESCOPE_MANAGEMENT_KEY"],
            base_url=settings["DESCOPE_BASE_URL"],
        )


def _pages(sdk: DescopeClient, limit: int, **asked: Any) -> list[Any]:
    """Users of all pages until one is empty."""
    found = (sdk.mgmt.user.search_all(limit=limit, page=page, **asked)["users"] for page in count())
    return [user for page in takewhile(bool, found) for user in page]


def test_pages_hold_every_user_once(sdk: DescopeClient) -> None:
    first = sdk.mgmt.user.search_all()
    assert (len(first["users"]), first["total"]) == (100, 2000)
    everybody = _pages(sdk, 300)
    assert len({user["userId"] for user in everybody}) == len(everybody) == 2000
    assert everybody[:100] == first["users"]


def test_searches_narrow_down(sdk: DescopeClient) -> None:
    everybody = _pages(sdk, 2000)
    silvas = _pages(sdk, 20, text="SILVA")
    assert silvas == [user for user in everybody if user["familyName"] == "Silva"]
    tenant = everybody[0]["userTenants"][0]["tenantId"]
    members = _pages(sdk, 50, tenant_ids=[tenant], sort=[Sort("displayName", True)])
    in_it = [u for u in everybody if any(m["tenantId"] == tenant for m in u["userTenants"])]
    assert [u["name"] for u in members] == sorted((u["name"] for u in in_it), reverse=True)
    disabled = _pages(sdk, 500, statuses=["disabled"], custom_attributes={"department": "Sales"})
    assert disabled == [
        user
        for user in everybody
        if user["status"] == "disabled" and user["customAttributes"]["department"] == "Sales"
    ]
    managers = _pages(sdk, 500, tenant_role_names={tenant: {"values": ["Manager"]}})
    assert {u["userId"] for u in managers} == {
        u["userId"] for u in in_it if "Manager" in u["userTenants"][0]["roleNames"]
    }


def test_patching_many_keeps_the_rest(sdk: DescopeClient) -> None:
    before = _pages(sdk, 2000)
    for start in range(0, 2000, 100):
        part = [UserObj(u["loginIds"][0], family_name="Patched") for u in before[start:][:100]]
        done = sdk.mgmt.user.patch_batch(part)
        assert (len(done["patchedUsers"]), done["failedUsers"]) == (100, [])
    assert _pages(sdk, 2000) == [{**user, "familyName": "Patched"} for user in before]
    missing = sdk.mgmt.user.patch_batch([UserObj("nobody@x.example", given_name="N")])
    assert (missing["patchedUsers"], len(missing["failedUsers"])) == ([], 1)
    gone = before[:3]
    sdk.mgmt.user.delete_batch([user["userId"] for user in gone])
    assert sdk.mgmt.user.search_all(limit=1)["total"] == 1997
    with pytest.raises(AuthException, match="E112102"):
        sdk.mgmt.user.load(gone[0]["loginIds"][0])


def test_tenants_roles_and_permissions(sdk: DescopeClient) -> None:
    tenant, role, permission = sdk.mgmt.tenant, sdk.mgmt.role, sdk.mgmt.permission
    permission.create("maps.read", "See maps")
    made = tenant.create("Northwind", self_provisioning_domains=["northwind.example"])["id"]
    with pytest.raises(AuthException, match="E073307"):
        tenant.create("Northwind")
    role.create("Cartographer", "Draws", ["maps.read"], tenant_id=made)
    user = sdk.mgmt.user.create("nora@northwind.example", display_name="Nora")["user"]
    assert (user["status"], user["userTenants"]) == ("invited", [])
    sdk.mgmt.user.add_tenant_roles("nora@northwind.example", made, ["Cartographer"])
    permission.update("maps.read", "maps.view")
    (membership,) = sdk.mgmt.user.load("nora@northwind.example")["user"]["userTenants"]
    assert membership["permissions"] == ["maps.view"]
    role.update("Cartographer", "Drafter", tenant_id=made)
    (found,) = role.search(tenant_ids=[made])["roles"]
    assert (found["name"], found["description"], found["permissionNames"]) == ("Drafter", "", [])
    assert tenant.load(made)["selfProvisioningDomains"] == ["northwind.example"]
    tenant.update(made, "Southwind")
    assert tenant.load(made)["selfProvisioningDomains"] == []
    assert [t["id"] for t in tenant.search_all(names=["Southwind"])["tenants"]] == [made]
    tenant.delete(made, cascade=True)
    with pytest.raises(AuthException, match="E111104"):
        tenant.load(made)
    with pytest.raises(AuthException, match="E112102"):
        sdk.mgmt.user.load("nora@northwind.example")


def test_access_keys(sdk: DescopeClient) -> None:
    keys, tenant = sdk.mgmt.access_key, sdk.mgmt.tenant.load_all()["tenants"][0]["id"]
    made = keys.create(
        "robot",
        expire_time=int(time.time()) + 3600,
        key_tenants=[AssociatedTenant(tenant, ["Clerk"])],
        description="Works",
    )
    key_id = made["key"]["id"]
    claims = sdk.exchange_access_key(made["cleartext"])["sessionToken"]
    assert sdk.validate_session(claims["jwt"])["tenants"][tenant]["roles"] == ["Clerk"]
    keys.update(key_id, "renamed")
    loaded = keys.load(key_id)["key"]
    assert (loaded["name"], loaded["description"]) == ("renamed", "Works")
    assert key_id in [k["id"] for k in keys.search_all_access_keys([tenant])["keys"]]
    keys.delete(key_id)
    with pytest.raises(AuthException):
        sdk.exchange_access_key(made["cleartext"])
    with pytest.raises(AuthException, match="E111502"):
        keys.load(key_id)
