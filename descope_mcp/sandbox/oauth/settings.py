"""Settings that third-party applications, MCP servers and resources have in common.

They are templates for `messages`. The token lifetimes name JWT templates, which they lose when
the template is deleted: tokens then follow the project's default.
"""

from __future__ import annotations

import base64

from descope_mcp.sandbox.engine.errors import NO_JWT_TEMPLATE
from descope_mcp.sandbox.engine.fields import Record
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.engine.tables import Reference

SCOPE: Record = {"name": "", "description": "", "optional": False, "values": []}

SCOPES: Record = {
    "permissionsScopes": [SCOPE],
    "attributesScopes": [SCOPE],
    "connectionsScopes": [SCOPE],
}

SESSION: Record = {
    "enabled": False,
    "refreshTokenExpiration": 0,
    "refreshTokenExpirationUnit": "",
    "sessionTokenExpiration": 0,
    "sessionTokenExpirationUnit": "",
    "userTemplateId": "",
    "keyTemplateId": "",
    "keySessionTokenExpiration": 0,
    "keySessionTokenExpirationUnit": "",
}

JWT_BEARER: Record = {
    "issuers": {},
    "jwtBearerGrantTypeAudienceToUse": "",
    "jwtBearerGrantTypeScopeToUse": "",
    "jwtBearerGrantTypeCustomClaimsToUse": "",
}

JAR: Record = {"enforce": False, "publicKey": "", "maxLifetimeSeconds": 0, "fapi": False}

CIBA: Record = {
    "enabled": False,
    "expirationTime": 0,
    "expirationTimeUnit": "",
    "emailServiceProvider": "",
    "emailServiceProviderFallback": "",
    "emailServiceTemplateId": "",
    "loginPageURL": "",
}

DYNAMIC_REGISTRATION: Record = {
    "enabled": False,
    "disableApprovedScopesAsDefault": False,
    "flowId": "",
}

CIMD: Record = {
    "enabled": False,
    "domainPolicies": {"policies": [{"domainPattern": "", "enabled": False}]},
}


def jwt_templates_of(session: str) -> tuple[Reference, ...]:
    """The references of token lifetimes at the path `session` to JWT templates."""
    return tuple(
        Reference(f"{session}.{field}", "jwt_templates", unknown=NO_JWT_TEMPLATE, on_delete="clear")
        for field in ("userTemplateId", "keyTemplateId")
    )


def new_client_id(state: State, record_id: str) -> str:
    """An OAuth client id in the service's form: project and record in Base64."""
    return base64.b64encode(f"{state.project['id']}:{record_id}".encode()).decode()


def new_client_secret(state: State) -> str:
    """A new OAuth client secret."""
    return state.new_secret(43)
