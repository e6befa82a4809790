"""Undo against the sandbox: look, act, plan, run the plan, and compare what is there again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest

from descope_mcp.api.client import Client
from descope_mcp.api.credentials import Credentials
from descope_mcp.catalog.arguments.validation import check
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.operation import Operation
from descope_mcp.guard.preview.failures import Ambiguous, TargetMissing
from descope_mcp.guard.preview.preview import Preview
from descope_mcp.guard.restore.restore_steps import Plan, Step, plan
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.http.serve import running
from descope_mcp.sandbox.keys.tables import ACCESS_KEYS
from descope_mcp.sandbox.roles.tables import PERMISSIONS, ROLES
from descope_mcp.sandbox.seeds import organisations
from descope_mcp.sandbox.tenants.tables import TENANTS
from descope_mcp.sandbox.users.tables import USERS
from tests.guard.preview.looking import look_and_count

pytestmark = pytest.mark.anyio

#: What no undo brings back: ids that the service makes, times, and what only it can set.
LOST = {"id", "userId", "createdTime", "modifiedTime", "clientId", "createdBy"}
#: How a user has signed in so far.
LOST |= {"webauthn", "TOTP", "SAML", "OAuth", "OIDC", "SCIM"}


@dataclass
class Service:
    """A sandbox of its own, reached through the API core."""

    catalog: Catalog
    client: Client
    state: State

    async def read(self, operation: Operation, arguments: dict[str, Any]) -> dict[str, Any]:
        return (await self.client.run(operation, arguments, call_id="t", repeatable=True)).data

    async def call(self, name: str, /, **arguments: Any) -> dict[str, Any]:
        operation = self.catalog[name]
        given = check(operation, arguments)
        return (await self.client.run(operation, given, call_id="t", repeatable=False)).data

    async def look(self, name: str, /, **arguments: Any) -> Preview:
        one = self.catalog[name]
        given = check(one, arguments)
        project = self.state.project["id"]
        return await look_and_count(self.catalog, one, given, project, self.read)

    async def there_and_back(self, name: str, /, **arguments: Any) -> Plan:
        """Look, act, and undo; the plan that was run."""
        one, project = self.catalog[name], self.state.project["id"]
        given = check(one, arguments)
        preview = await self.look(name, **arguments)
        answer = await self.call(name, **arguments)
        done = plan(self.catalog, one, given, preview.found, answer, project)
        for step in done.steps:
            await self.call(step.operation, **step.arguments)
        return done

    async def everything(self) -> Any:
        """All that is there, by names that outlive a deletion, without what is lost for sure."""
        state = self.state
        return {
            "users": {u["loginIds"][0]: lasting(u) for u in state.all(USERS)},
            "roles": {(r["name"], r["tenantId"]): lasting(r) for r in state.all(ROLES)},
            "permissions": {p["name"]: lasting(p) for p in state.all(PERMISSIONS)},
            "tenants": {t["id"]: lasting(t) for t in state.all(TENANTS)},
            "keys": {k["name"]: lasting(k) for k in state.all(ACCESS_KEYS)},
            "settings": {
                t["id"]: await self.call("GetTenantSettings", id=t["id"])
                for t in state.all(TENANTS)
            },
        }

    async def more(self) -> Any:
        """What else an undo may bring back."""
        return [
            lasting(await self.call(name, **arguments))
            for name, arguments in (
                ("LoadAllSSOSettings", {"tenantId": "globex"}),
                ("GetPasswordSettings", {"tenantId": "globex"}),
                ("LoadAllSSOApplications", {}),
                ("GetAllLists", {}),
            )
        ]


def lasting(value: Any) -> Any:
    """A stored record for comparison: lists in no order, without what is lost."""
    if isinstance(value, dict):
        return {k: lasting(v) for k, v in value.items() if k not in LOST and not k.startswith("_")}
    if isinstance(value, list):
        return sorted((lasting(item) for item in value), key=str)
    return value


@pytest.fixture
async def service(catalog: Catalog) -> AsyncIterator[Service]:
    state = organisations.acme()
    async with running(catalog.values(), state) as sandbox:
        keys = Credentials(sandbox.project_id, sandbox.management_key)
        client = Client(sandbox.url, keys, catalog.errors)
        yield Service(catalog, client, state)
        await client.close()


def user_id(service: Service, login_id: str) -> str:
    users = service.state.all(USERS)
    return next(str(u["userId"]) for u in users if login_id in u["loginIds"])


def key_id(service: Service, name: str) -> str:
    return next(str(k["id"]) for k in service.state.all(ACCESS_KEYS) if k["name"] == name)


ADA = "ada.okafor@acme.example"
GRACE = "grace.kim@globex.example"
KAORI = "kaori.sato@globex.example"

#: Calls after whose undo everything is as it was.
WHOLE: dict[str, dict[str, Any]] = {
    "UpdateUser": {"loginId": ADA, "name": "Eve"},
    "PatchUser": {"loginId": ADA, "name": "Eve", "roleNames": [], "phone": "+15550001111"},
    "PatchUserBatch": {
        "users": [{"loginId": ADA, "name": "Eve"}, {"loginId": KAORI, "userTenants": []}]
    },
    "UpdateUserStatus": {"loginId": ADA, "status": "disabled"},
    "UpdateUserDisplayName": {"loginId": ADA, "name": "Eve"},
    "UpdateUserEmail": {"loginId": ADA, "email": "eve@x.example", "verified": True},
    "UpdateUserPhone": {"loginId": ADA, "phone": "+15550001111", "verified": True},
    "UpdateUserRecoveryEmail": {"loginId": ADA, "recoveryEmail": "eve@x.example"},
    "UpdateUserLoginID": {"loginId": ADA, "newLoginId": "ada"},
    "UpdateUserCustomAttribute": {"loginId": ADA, "attributeKey": "plan", "attributeValue": "X"},
    "UpdateUserPicture": {"loginId": ADA, "picture": "https://x.example/p.png"},
    "UpdateUserAddRoles": {"loginId": ADA, "roleNames": ["Owner", "Viewer"]},
    "UpdateUserRemoveRoles": {"loginId": ADA, "roleNames": ["Owner", "Viewer"]},
    "UpdateUserSetRoles": {"loginId": GRACE, "tenantId": "globex", "roleNames": ["Viewer"]},
    "UpdateUserAddTenant": {"loginId": ADA, "tenantId": "globex"},
    "UpdateUserRemoveTenant": {"loginId": KAORI, "tenantId": "globex"},
    "DeleteRole": {"name": "Viewer"},
    "DeleteRoles": {"roleNames": ["Viewer", "Editor"]},
    "UpdateRole": {"name": "Viewer", "newName": "Reader", "permissionNames": []},
    "CreateRole": {"name": "New", "permissionNames": ["reports.read"]},
    "DeletePermission": {"name": "reports.read"},
    "DeletePermissions": {"names": ["reports.read", "billing.read"]},
    "UpdatePermission": {"name": "reports.read", "newName": "reports.see"},
    "CreatePermission": {"name": "new"},
    "CreateTenant": {"name": "New"},
    "CreateUser": {"loginId": "new@x.example"},
    "UpdateTenant": {"id": "globex", "name": "New"},
    "DeleteTenant": {"id": "initech"},
    "UpdateTenantDefaultRoles": {"id": "globex", "defaultRoles": ["Viewer"]},
    "DeleteUserCustomAttribute": {"names": ["crmId"]},
}


@pytest.mark.parametrize("name", WHOLE)
async def test_the_undo_brings_everything_back(service: Service, name: str) -> None:
    before = await service.everything()
    done = await service.there_and_back(name, **WHOLE[name])
    assert done.steps
    assert not done.missing
    after = await service.everything()
    if name == "DeleteUserCustomAttribute":  # lost: the values on every user
        before.pop("users"), after.pop("users")
    assert after == before


@pytest.mark.parametrize("name", ["DeleteUser", "DeleteUsers"])
async def test_a_deleted_user_comes_back_under_a_new_id(service: Service, name: str) -> None:
    before, old = await service.everything(), user_id(service, KAORI)
    arguments = {"DeleteUser": {"loginId": KAORI}, "DeleteUsers": {"userIds": [old]}}[name]
    done = await service.there_and_back(name, **arguments)
    assert not done.missing
    assert await service.everything() == before
    assert user_id(service, KAORI) != old


async def test_who_went_with_a_tenant_comes_back_under_a_new_id(service: Service) -> None:
    """Whoever was in another tenant too stayed, and keeps theirs."""
    before, gone = await service.everything(), user_id(service, GRACE)
    several = [u for u in service.state.all(USERS) if len(u["userTenants"]) > 1]
    in_it = [u for u in several if "globex" in {t["tenantId"] for t in u["userTenants"]}]
    stayed = {str(u["userId"]) for u in in_it}
    assert stayed
    done = await service.there_and_back("DeleteTenant", id="globex", cascade=True)
    assert not done.missing
    after = await service.everything()
    for everything in (before, after):  # lost: its place above another tenant
        del everything["tenants"]["globex-emea"]
    assert after == before
    assert user_id(service, GRACE) != gone
    assert stayed <= {str(u["userId"]) for u in service.state.all(USERS)}


async def test_a_deleted_access_key_comes_back_with_another_secret(service: Service) -> None:
    before, old = await service.everything(), key_id(service, "report-export")
    done = await service.there_and_back("DeleteAccessKey", id=old)
    assert not done.missing
    assert await service.everything() == before
    assert key_id(service, "report-export") != old


async def test_a_key_that_was_inactive_already_is_not_activated(service: Service) -> None:
    ids = [key_id(service, "legacy-integration"), key_id(service, "ci-deploy")]
    before = await service.everything()
    done = await service.there_and_back("DeactivateAccessKeys", ids=ids)
    assert [step.arguments for step in done.steps] == [{"ids": ids[1:]}]
    assert await service.everything() == before


async def test_a_member_who_is_made_on_the_way_leaves_again(service: Service) -> None:
    before = await service.everything()
    given = {"loginId": ADA, "tenantId": "globex", "roleNames": ["Viewer"]}
    done = await service.there_and_back("UpdateUserAddRoles", **given)
    assert [step.operation for step in done.steps] == ["UpdateUserRemoveTenant"]
    assert await service.everything() == before


async def test_a_stranger_whose_login_id_is_a_user_id_is_not_taken_for_the_user(
    service: Service,
) -> None:
    """Somebody can sign up under any login id; the question must not show them instead."""
    victim = user_id(service, ADA)
    await service.call("CreateUser", loginId=victim)
    calls: dict[str, dict[str, Any]] = {
        "DeleteUser": {"loginId": victim},
        "UpdateUserStatus": {"loginId": victim, "status": "disabled"},
        "SetUserActivePassword": {"loginId": victim, "password": "x"},
        "LogoutAllUserDevices": {"loginId": victim},
    }
    for name, arguments in calls.items():
        with pytest.raises(Ambiguous):
            await service.look(name, **arguments)
    with pytest.raises(Ambiguous):
        await service.look("DeleteUser", loginId=GRACE, userId=victim)
    assert (await service.look("DeleteUser", userId=victim)).target["loginIds"] == [ADA]


async def test_what_a_batch_would_not_find_is_named(service: Service) -> None:
    given = [user_id(service, ADA), "U0", "U1"]
    preview = await service.look("DeleteUsers", userIds=given)
    assert preview.target["loginIds"] == [ADA]
    assert preview.missing == ("U0", "U1")
    with pytest.raises(TargetMissing):
        await service.look("DeleteUsers", userIds=["U0"])


async def test_an_update_of_somebody_who_is_not_shown_is_refused(service: Service) -> None:
    """A user id in place of a login id: the service would take it, the search does not find it."""
    users = [{"loginId": ADA, "name": "Eve"}, {"loginId": user_id(service, GRACE), "name": "Eve"}]
    with pytest.raises(TargetMissing):
        await service.look("PatchUserBatch", users=users)


async def test_roles_by_name_and_by_id_are_all_shown(service: Service) -> None:
    roles = {(r["name"], r["tenantId"]): r["id"] for r in service.state.all(ROLES)}
    await service.call("CreateRole", name="Viewer", tenantId="globex")
    preview = await service.look(
        "DeleteRoles", roleNames=["Viewer"], roleIds=[roles["Analyst", "globex"]]
    )
    shown = {(r["name"], r["tenantId"]) for r in preview.target}
    assert shown == {("Viewer", ""), ("Analyst", "globex")}


async def test_holders_in_the_project_and_in_tenants_are_counted(service: Service) -> None:
    preview = await service.look("DeleteRole", name="Viewer")
    users = service.state.all(USERS)
    project = sum("Viewer" in u["roleNames"] for u in users)
    tenants = sum(any("Viewer" in m["roleNames"] for m in u["userTenants"]) for u in users)
    assert project
    assert tenants
    assert [(count.label, count.number) for count in preview.counts] == [
        ("users with this role in the project", project),
        ("users with this role in a tenant", tenants),
        ("access keys with this role", 1),
        ("tenants that give this role to new members", 1),
    ]


#: Gives things more that their deletion takes away.
FURNISHED: list[tuple[str, dict[str, Any]]] = [
    ("ConfigurePasswordSettings", {"tenantId": "globex", "enabled": True, "minLength": 12}),
    ("NewSSOSettingsRequest", {"tenantId": "globex", "ssoId": "two", "displayName": "two"}),
    *(
        (
            "ConfigureSSOSAMLSettings",
            {
                "tenantId": "globex",
                "settings": {
                    "idpUrl": "https://idp.globex.example/sso",
                    "entityId": "globex",
                    "idpCert": "MIIB",
                    "roleMappings": [{"groups": ["staff"], "roleName": "Analyst"}],
                },
                "domains": [f"{sso_id or 'one'}.globex.example"],
                **({"ssoId": sso_id} if sso_id else {}),
            },
        )
        for sso_id in ("", "two")
    ),
    ("UpdateUserAddSSOApps", {"loginId": ADA, "ssoAppIds": ["acme-docs"]}),
    ("UpdateUserAddSSOApps", {"loginId": GRACE, "ssoAppIds": ["acme-docs"]}),
]

#: Calls whose undo runs side by side, on things that hang together.
ANY_ORDER: dict[str, dict[str, Any]] = {
    "DeleteTenant": {"id": "globex"},
    "DeleteRole": {"name": "Viewer"},
    "DeleteRoles": {"roleNames": ["Viewer", "Editor", "Owner"]},
    "DeleteSSOApplication": {"id": "acme-docs"},
    "RecalculateSSOMappings": {"tenantId": "globex"},
    "ImportLists": {"lists": [{"name": "New", "type": "ips", "data": ["203.0.113.9"]}]},
}


def in_any_order(done: Plan, order: Random) -> Iterator[Step]:
    """The steps of a plan in an order that it allows."""
    left = list(range(len(done.steps)))
    while left:
        ready = [n for n in left if not set(done.steps[n].after) & set(left)]
        left.remove(number := order.choice(ready))
        yield done.steps[number]


def test_every_undo_of_several_recipes_that_runs_side_by_side_is_tried(catalog: Catalog) -> None:
    loose = {n for n, o in catalog.items() if any(r.after is not None for r in o.restore[1:])}
    assert loose <= ANY_ORDER.keys()


@pytest.mark.parametrize("name", ANY_ORDER)
async def test_every_order_that_a_plan_allows_leads_to_the_same(
    service: Service, name: str
) -> None:
    for operation, arguments in FURNISHED:
        await service.call(operation, **arguments)
    one, arguments, found = service.catalog[name], ANY_ORDER[name], list[Any]()
    before = service.state.export()
    for seed in (None, 1, 2, 3):
        service.state.replace(before)
        preview = await service.look(name, **arguments)
        answer = await service.call(name, **arguments)
        given, project = check(one, arguments), service.state.project["id"]
        done = plan(service.catalog, one, given, preview.found, answer, project)
        steps = done.steps if seed is None else in_any_order(done, Random(seed))
        for step in steps:
            await service.call(step.operation, **step.arguments)
        found.append((await service.everything(), await service.more()))
    for one in found:
        assert one == found[0]


async def test_more_users_than_are_read_are_counted_as_at_least(service: Service) -> None:
    for start in range(0, 1100, 100):
        member = [{"tenantId": "umbra", "roleNames": ["Viewer"]}]
        numbers = range(start, start + 100)
        people = [{"loginId": f"u{n}@x.example", "userTenants": member} for n in numbers]
        await service.call("CreateUsers", users=people)
    preview = await service.look("DeleteRole", name="Viewer")
    tally = preview.counts[1]
    assert tally.at_least
    assert 900 < tally.number <= 1000
    assert preview.incomplete == ("SearchUsers",)
