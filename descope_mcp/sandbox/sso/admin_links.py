"""Links with which a tenant's administrator sets up its single sign-on without signing in."""

from __future__ import annotations

from descope_mcp.sandbox.engine.fields import Record, fill, integer
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.engine.tables import Reference, Table, register
from descope_mcp.sandbox.sso.settings import found
from descope_mcp.sandbox.tenants.tables import TENANTS

#: How long a link can be used if nobody says, in seconds.
_LIFETIME = 24 * 3600

LINKS = register(
    Table(
        "sso_admin_links",
        "AL",
        passing=True,
        secrets=("token",),
        references=(Reference("tenantId", "tenants", on_delete="cascade"),),
    )
)


@handles(
    "GenerateTenantAdminLinkSSO", "GenerateTenantAdminLinkSSODeprecated", required=["tenantId"]
)
def generate_link(state: State, arguments: Arguments) -> Answer:
    """A new link, which is mailed too if there is an address."""
    return {"adminSSOConfigurationLink": _generate(state, arguments)}


@handles("SendTenantAdminLinkSSO", required=["tenantId", "email"])
def send_link(state: State, arguments: Arguments) -> Answer:
    """Mail a new link."""
    _generate(state, arguments)
    return {}


@handles("GetTenantAdminLinkSSOForAuthenticatedUsers", required=["tenantId"])
def link_for_authenticated_users(state: State, arguments: Arguments) -> Answer:
    """The same page for those who are signed in: there is nothing secret in it."""
    tenant = state.get(TENANTS, arguments["tenantId"])
    return {"adminSSOConfigurationLink": _page(state, tenant["id"])}


@handles("RevokeTenantAdminLinkSSO", required=["tenantId"])
def revoke_link(state: State, arguments: Arguments) -> Answer:
    """End every link to one configuration."""
    found(state, arguments)
    sso_id = fill({"ssoId": ""}, arguments)["ssoId"]
    for link in state.all(LINKS, tenantId=arguments["tenantId"]):
        if link["ssoId"] == sso_id:
            state.delete(LINKS, link["id"])
    state.record("SSOAdminLinkRevoked", tenants=[arguments["tenantId"]])
    return None


def _generate(state: State, arguments: Arguments) -> str:
    found(state, arguments)
    asked: Record = fill({"tenantId": "", "ssoId": "", "email": ""}, arguments)
    token = state.new_secret(40)
    lifetime = integer(arguments, "expireTime") or _LIFETIME
    state.add(LINKS, {**asked, "token": token, "expireTime": state.now() + lifetime})
    url = f"{_page(state, asked['tenantId'])}&ssoId={asked['ssoId']}&t={token}"
    if asked["email"]:
        state.send("email", asked["email"], "ssoAdminLink", {"link": url})
    state.record("SSOAdminLinkCreated", tenants=[asked["tenantId"]])
    return url


def _page(state: State, tenant_id: str) -> str:
    return f"{state.caller.url}/login/{state.project_id}?wide=true&tenant={tenant_id}"
