"""Signing in at a tenant's own identity provider, by SAML or OpenID Connect."""

from __future__ import annotations

from urllib.parse import urlencode

from descope_mcp.sandbox.engine.errors import NO_TENANT, DescopeError
from descope_mcp.sandbox.engine.fields import Record, fill
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.sign_in import exchange_codes
from descope_mcp.sandbox.sign_in import shared as sign_in
from descope_mcp.sandbox.tenants.tables import TENANTS

_WHY = "Nobody signs in at the provider; the outbox has the code that would come back"

#: Enough of an address that the same tenant always has the same provider.
_PROVIDER = "https://idp.{tenant}.example/sso"


@handles("CreateSAMLRedirect", "AuthorizeSAML", required=["tenant"], shape_only=_WHY)
def authorize(state: State, arguments: Arguments) -> Answer:
    """Where the browser goes to sign in; the tenant is given by id or by one of its domains."""
    asked = fill({"tenant": "", "redirectUrl": "", "loginHint": ""}, arguments)
    tenant = _tenant(state, asked["tenant"])
    domain = next(iter(tenant["domains"]), f"{tenant['id'].lower()}.example")
    record = exchange_codes.issue(
        state,
        "fed",
        loginId=asked["loginHint"] or f"someone@{domain}",
        tenantId=tenant["id"],
        marks={"SAML": True},
        options=sign_in.options(state, {"loginOptions": fill(sign_in.OPTIONS, arguments)}),
    )
    exchange_codes.send_back(state, record, asked["redirectUrl"])
    query = {"RelayState": state.new_secret(24), "entity": state.project_id}
    return {"url": f"{_PROVIDER.format(tenant=tenant['id'].lower())}?{urlencode(query)}"}


@handles("ExchangeToken", "ExchangeCodesso", required=["code"])
def exchange(state: State, arguments: Arguments) -> Answer:
    """The tokens, for the code that came back."""
    return exchange_codes.redeem(state, arguments["code"], "fed")


def _tenant(state: State, wanted: str) -> Record:
    domain = wanted.rpartition("@")[2]
    for tenant in state.all(TENANTS):
        if tenant["id"] == wanted or domain in tenant["domains"]:
            return tenant
    raise DescopeError(NO_TENANT, f"Tenant not found: {wanted}")
