"""Tenants. UpdateTenant replaces everything it takes; what it does not take stays."""

from __future__ import annotations

from descope_mcp.sandbox import filters, links
from descope_mcp.sandbox.access_keys import remove_access_keys
from descope_mcp.sandbox.errors import TENANT_EXISTS
from descope_mcp.sandbox.fields import Record, distinct, ensure_unique, fill, strings
from descope_mcp.sandbox.registry import Answer, Arguments, handles
from descope_mcp.sandbox.state import State
from descope_mcp.sandbox.user_lookup import ensure_free
from descope_mcp.sandbox.users import remove_users, touched

#: What create and update take, as it is when it is left out.
REPLACED: Record = {
    "name": "",
    "selfProvisioningDomains": [],
    "customAttributes": {},
    "authType": "none",
    "disabled": False,
    "enforceSSO": False,
    "enforceSSOExclusions": [],
    "federatedAppIds": [],
    "roleInheritance": "none",
}

SEARCHED = {
    "tenantIds": "id",
    "tenantNames": "name",
    "tenantSelfProvisioningDomains": "selfProvisioningDomains",
    "tenantSSODomains": "domains",
}

#: What ties a user's external id to the tenant's identity provider. The service's own form is
#: not documented; this one only has to be recognisable.
SSO_SUFFIX = "#sso-{tenant_id}"


@handles("LoadTenant", required=["id"])
def load_tenant(state: State, arguments: Arguments) -> Answer:
    """The tenant itself: on the wire this answer is not wrapped."""
    return view(state, links.tenant(state, arguments["id"]))


@handles("LoadAllTenants")
def load_all_tenants(state: State, arguments: Arguments) -> Answer:
    """Every tenant, on every level."""
    return {"tenants": [view(state, tenant) for tenant in state.tenants.values()]}


@handles("SearchTenants")
def search_tenants(state: State, arguments: Arguments) -> Answer:
    """Tenants that pass every filter; there are no pages."""
    wanted = filters.asked(arguments, SEARCHED)
    exact = {"authType": "authType", "parentTenantId": "parent"}
    found = [
        view(state, tenant)
        for tenant in state.tenants.values()
        if filters.matches(tenant, wanted)
        and filters.has_attributes(tenant, arguments)
        and all(tenant[f] == arguments[a] for a, f in exact.items() if arguments.get(a))
        and not (arguments.get("topLevelOnly") and tenant["parent"])
    ]
    return {"tenants": found}


@handles("CreateTenant", required=["name"])
def create_tenant(state: State, arguments: Arguments) -> Answer:
    """A new tenant, whose id the caller may choose."""
    fields = fill({"id": "", "parent": "", **REPLACED}, arguments)
    if fields["parent"]:
        links.tenant(state, fields["parent"])
    tenant = {
        **fields,
        "id": fields["id"] or state.new_id("T"),
        "domains": [],
        "createdTime": state.now(),
        "defaultRoles": [],
    }
    for field in ("id", "name"):
        ensure_unique(state.tenants.values(), tenant, [field], TENANT_EXISTS)
    state.tenants[tenant["id"]] = tenant
    _record(state, "TenantCreated", tenant)
    return {"id": tenant["id"]}


@handles("UpdateTenant", required=["id", "name"])
def update_tenant(state: State, arguments: Arguments) -> Answer:
    """Replace what can be edited; what is left out is cleared."""
    tenant = links.tenant(state, arguments["id"])
    new = {**tenant, **fill(REPLACED, arguments)}
    others = [t for t in state.tenants.values() if t is not tenant]
    ensure_unique(others, new, ["name"], TENANT_EXISTS)
    tenant.update(new)
    _record(state, "TenantModified", tenant)
    return None


@handles("UpdateTenantDefaultRoles", required=["id"])
def update_tenant_default_roles(state: State, arguments: Arguments) -> Answer:
    """Set the roles that new members get."""
    tenant = links.tenant(state, arguments["id"])
    names = strings(arguments, "defaultRoles")
    tenant["defaultRoles"] = links.known_roles(state, names, tenant["id"])
    _record(state, "TenantModified", tenant)
    return None


@handles("DeleteTenant", required=["id"])
def delete_tenant(state: State, arguments: Arguments) -> Answer:
    """Everybody leaves the tenant; with ``cascade`` who is in no other tenant is deleted."""
    tenant = links.tenant(state, arguments["id"])
    left = _leave(state, tenant["id"])
    if arguments.get("cascade"):
        remove_users(state, [holder for holder in left if "userId" in holder])
        remove_access_keys(state, [holder for holder in left if "userId" not in holder])
    for role in [r for r in state.roles.values() if r["tenantId"] == tenant["id"]]:
        del state.roles[role["id"]]
    for child in state.tenants.values():
        if child["parent"] == tenant["id"]:
            child["parent"] = ""
    for table in (state.tenants, state.tenant_settings, state.password_settings):
        table.pop(tenant["id"], None)
    _record(state, "TenantDeleted", tenant)
    return None


def _leave(state: State, tenant_id: str) -> list[Record]:
    """End every membership in the tenant; who is in no tenant after that."""
    left = []
    for holder, memberships in links.holders(state):
        kept = [m for m in memberships if m["tenantId"] != tenant_id]
        if memberships and not kept:
            left.append(holder)
        memberships[:] = kept
    return left


@handles("RemoveSSOSuffixFromExternalId", required=["tenantId"])
def remove_sso_suffix(state: State, arguments: Arguments) -> Answer:
    """Loosen every user's external id from the tenant's identity provider."""
    tenant = links.tenant(state, arguments["tenantId"])
    suffix = SSO_SUFFIX.format(tenant_id=tenant["id"])
    new = {
        user["userId"]: distinct(i.removesuffix(suffix) for i in user["loginIds"])
        for user in state.users.values()
        if any(i.endswith(suffix) for i in user["loginIds"])
    }
    for user_id, login_ids in new.items():
        ensure_free(state, login_ids, state.users[user_id])
    for user_id, login_ids in new.items():
        state.users[user_id]["loginIds"] = login_ids
        touched(state, state.users[user_id])
    return None


def view(state: State, tenant: Record) -> Record:
    """A tenant as answers show it, with the tenants below it."""
    below = [t["id"] for t in state.tenants.values() if t["parent"] == tenant["id"]]
    return {**tenant, "successors": below}


def _record(state: State, action: str, tenant: Record) -> None:
    state.record(action, tenants=[tenant["id"]], data={"name": tenant["name"]})
