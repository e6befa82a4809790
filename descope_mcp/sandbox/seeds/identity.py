"""Foreign identity providers of the sample: Globex signs in by SAML, in groups that have roles."""

from __future__ import annotations

from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.sign_in.provider_tokens import PROVIDER_TOKENS
from descope_mcp.sandbox.sso.handlers import configure_saml
from descope_mcp.sandbox.tenants.groups import GROUPS
from descope_mcp.sandbox.users.lookup import by_login_id
from descope_mcp.sandbox.users.tables import USERS

TENANT = "globex"

#: group -> the role that it has, and its members.
GROUPS_OF_GLOBEX = {
    "Research": ("Editor", ["grace.kim", "kaori.sato"]),
    "Finance": ("Analyst", ["hugo.silva"]),
}


def add_identity(state: State) -> None:
    """Add the SAML settings of Globex, its groups, and a user's connection to Google."""
    configure_saml(
        state,
        {
            "tenantId": TENANT,
            "settings": {
                "idpUrl": "https://globex.okta.example/app/acme/sso/saml",
                "entityId": "http://www.okta.example/globex",
                "idpCert": "sandbox-certificate",
                "attributeMapping": {"email": "email", "name": "displayName", "group": "groups"},
                "roleMappings": [
                    {"groups": [group], "roleName": role}
                    for group, (role, _) in GROUPS_OF_GLOBEX.items()
                ],
            },
            "redirectUrl": "https://app.acme.example/sso",
            "domains": ["globex.example"],
        },
    )
    for group, (_, names) in GROUPS_OF_GLOBEX.items():
        members = [by_login_id(state, f"{name}@globex.example") for name in names]
        ids = [user["userId"] for user in members]
        state.add(GROUPS, {"display": group, "tenantId": TENANT, "members": ids})
        for user in members:
            state.change(USERS, user, {"SAML": True})
    ada = by_login_id(state, "ada.okafor@acme.example")
    state.change(USERS, ada, {"OAuth": {"google": True}})
    state.add(
        PROVIDER_TOKENS,
        {
            "userId": ada["userId"],
            "provider": "google",
            "providerUserId": "108000000000000000001",
            "accessToken": state.new_secret(48),
            "expiration": state.now() + 3600,
            "scopes": ["openid", "email", "https://www.googleapis.com/auth/calendar"],
            "refreshToken": state.new_secret(48),
        },
    )
