"""Tenants. UpdateTenant replaces everything it takes; what it does not take stays."""

from __future__ import annotations

from descope_mcp.sandbox.engine import filters
from descope_mcp.sandbox.engine.fields import Record, distinct, fill, strings
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.keys.access_keys import remove_access_keys
from descope_mcp.sandbox.keys.tables import ACCESS_KEYS
from descope_mcp.sandbox.tenants.tables import REPLACED, TENANTS
from descope_mcp.sandbox.users.handlers import remove_users, touched
from descope_mcp.sandbox.users.tables import USERS

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
    return view(state, state.get(TENANTS, arguments["id"]))


@handles("LoadAllTenants")
def load_all_tenants(state: State, arguments: Arguments) -> Answer:
    """Every tenant, on every level."""
    return {"tenants": [view(state, tenant) for tenant in state.all(TENANTS)]}


@handles("SearchTenants")
def search_tenants(state: State, arguments: Arguments) -> Answer:
    """Tenants that pass every filter; there are no pages."""
    wanted = filters.asked(arguments, SEARCHED)
    exact = {"authType": "authType", "parentTenantId": "parent"}
    found = [
        view(state, tenant)
        for tenant in state.all(TENANTS)
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
    tenant = state.add(TENANTS, {**fields, "createdTime": state.now()})
    _record(state, "TenantCreated", tenant)
    return {"id": tenant["id"]}


@handles("UpdateTenant", required=["id", "name"])
def update_tenant(state: State, arguments: Arguments) -> Answer:
    """Replace what can be edited; what is left out is cleared."""
    tenant = state.get(TENANTS, arguments["id"])
    state.change(TENANTS, tenant, fill(REPLACED, arguments))
    _record(state, "TenantModified", tenant)
    return None


@handles("UpdateTenantDefaultRoles", required=["id"])
def update_tenant_default_roles(state: State, arguments: Arguments) -> Answer:
    """Set the roles that new members get."""
    tenant = state.get(TENANTS, arguments["id"])
    state.change(TENANTS, tenant, {"defaultRoles": strings(arguments, "defaultRoles")})
    _record(state, "TenantModified", tenant)
    return None


@handles("DeleteTenant", required=["id"])
def delete_tenant(state: State, arguments: Arguments) -> Answer:
    """Everybody leaves the tenant; with ``cascade`` who is in no other tenant is deleted."""
    tenant = state.get(TENANTS, arguments["id"])
    users = state.all(USERS, **{"userTenants[].tenantId": tenant["id"]})
    keys = state.all(ACCESS_KEYS, **{"keyTenants[].tenantId": tenant["id"]})
    state.delete(TENANTS, tenant["id"])
    if arguments.get("cascade"):
        remove_users(state, [user for user in users if not user["userTenants"]])
        remove_access_keys(state, [key for key in keys if not key["keyTenants"]])
    _record(state, "TenantDeleted", tenant)
    return None


@handles("RemoveSSOSuffixFromExternalId", required=["tenantId"])
def remove_sso_suffix(state: State, arguments: Arguments) -> Answer:
    """Loosen every user's external id from the tenant's identity provider."""
    tenant = state.get(TENANTS, arguments["tenantId"])
    suffix = SSO_SUFFIX.format(tenant_id=tenant["id"])
    for user in state.all(USERS):
        if any(login_id.endswith(suffix) for login_id in user["loginIds"]):
            login_ids = distinct(i.removesuffix(suffix) for i in user["loginIds"])
            touched(state, user, loginIds=login_ids)
    return None


def view(state: State, tenant: Record) -> Record:
    """A tenant as answers show it, with the tenants below it."""
    below = state.all(TENANTS, parent=tenant["id"])
    return {**tenant, "successors": [child["id"] for child in below]}


def _record(state: State, action: str, tenant: Record) -> None:
    state.record(action, tenants=[tenant["id"]], data={"name": tenant["name"]})
