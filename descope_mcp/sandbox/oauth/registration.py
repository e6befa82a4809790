"""OAuth clients that register themselves (RFC 7591), without a credential.

The service may change what a client asks for: here a name that is taken gets a number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from descope_mcp.sandbox.applications import third_party_apps
from descope_mcp.sandbox.applications.third_party_apps import THIRD_PARTY_APPS
from descope_mcp.sandbox.engine.errors import NO_PROJECT, NO_REGISTRATION, DescopeError
from descope_mcp.sandbox.engine.fields import Record
from descope_mcp.sandbox.engine.nested_fields import whole
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.mcp import clients as mcp_clients
from descope_mcp.sandbox.mcp.servers import MCP_SERVERS
from descope_mcp.sandbox.oauth import settings as oauth_settings

#: What a client says of itself.
METADATA: Record = {
    "client_name": "",
    "client_uri": "",
    "redirect_uris": [],
    "logo_uri": "",
    "scope": "",
    "token_endpoint_auth_method": "",
    "grant_types": [],
    "response_types": [],
    "description": "",
    "logo_content": "",
    "permissions_scopes": [oauth_settings.SCOPE],
    "attributes_scopes": [oauth_settings.SCOPE],
    "consent_flow_id": "",
    "login_page_url": "",
    "jwtBearerSettings": oauth_settings.JWT_BEARER,
    "sessionSettings": oauth_settings.SESSION,
    "audienceWhitelist": [],
    "connections_scopes": [oauth_settings.SCOPE],
    "defaultAudience": "",
    "skipConsentScreen": False,
    "useResources": False,
    "jarSettings": oauth_settings.JAR,
}

#: The defaults of RFC 7591, section 2.
_DEFAULTS: Record = {
    "client_name": "Unnamed client",
    "token_endpoint_auth_method": "client_secret_basic",
    "grant_types": ["authorization_code"],
    "response_types": ["code"],
}


@handles("RegisterThirdPartyApplication", required=["projectId"])
def register_third_party_application(state: State, arguments: Arguments) -> Answer:
    """A client registers itself as third-party application."""
    asked = _metadata(state, arguments)
    asked["client_name"] = _free_name(state, asked["client_name"])
    app = third_party_apps.add(
        state,
        {
            **whole(third_party_apps.EDITABLE, {}),
            "name": asked["client_name"],
            "description": asked["description"],
            "logo": asked["logo_content"],
            "logoUrl": asked["logo_uri"],
            "loginPageUrl": asked["login_page_url"],
            "approvedCallbackUrls": asked["redirect_uris"],
            "permissionsScopes": asked["permissions_scopes"],
            "attributesScopes": asked["attributes_scopes"],
            "connectionsScopes": asked["connections_scopes"],
            "consentFlowId": asked["consent_flow_id"],
            "nonConfidentialClient": _is_public(asked),
            "dynamic": True,
            **{
                name: asked[name]
                for name in (
                    "jwtBearerSettings",
                    "sessionSettings",
                    "audienceWhitelist",
                    "defaultAudience",
                    "skipConsentScreen",
                    "useResources",
                    "jarSettings",
                )
            },
        },
    )
    return _registered(state, asked, app)


@handles("RegisterMcpServerClient", required=["projectId", "mcpServerId"])
def register_mcp_server_client(state: State, arguments: Arguments) -> Answer:
    """A client registers itself with an MCP server that allows it."""
    asked = _metadata(state, arguments)
    server = state.get(MCP_SERVERS, arguments["mcpServerId"])
    settings = server["dynamicRegistration"]
    if not settings["enabled"]:
        raise DescopeError(NO_REGISTRATION, f"{server['name']} does not let clients register")
    scopes = asked["scope"].split()
    if not scopes and not settings["disableApprovedScopesAsDefault"]:
        scopes = [s["name"] for kind in server["approvedScopes"].values() for s in kind]
    fields = {
        **whole(mcp_clients.EDITABLE, {}),
        "name": asked["client_name"],
        "logo": asked["logo_uri"],
        "approvedCallbackUrls": asked["redirect_uris"],
        "scopes": scopes,
        "mcpServerId": server["id"],
    }
    asked["scope"] = " ".join(scopes)
    client = mcp_clients.add(state, fields, registration="dcr", public=_is_public(asked))
    return _registered(state, asked, client)


def _metadata(state: State, arguments: Arguments) -> Record:
    if arguments["projectId"] != state.project_id:
        raise DescopeError(NO_PROJECT, f"Project not found: {arguments['projectId']}")
    asked = whole(METADATA, arguments)
    return {name: value or _DEFAULTS.get(name, value) for name, value in asked.items()}


def _is_public(asked: Mapping[str, Any]) -> bool:
    return bool(asked["token_endpoint_auth_method"] == "none")


def _free_name(state: State, name: str) -> str:
    number, free = 1, name
    while state.find(THIRD_PARTY_APPS, name=free):
        number += 1
        free = f"{name} {number}"
    return free


def _registered(state: State, asked: Record, client: Record) -> Answer:
    """The answer of RFC 7591, section 3.2.1. A secret never expires, which 0 says."""
    same = (
        "client_name",
        "redirect_uris",
        "grant_types",
        "response_types",
        "token_endpoint_auth_method",
        "client_uri",
        "logo_uri",
        "description",
        "scope",
        "login_page_url",
        "audienceWhitelist",
    )
    return {
        "client_id": client["clientId"],
        "client_id_issued_at": state.now(),
        "client_secret": client["secret"],
        "client_secret_expires_at": 0,
        **{name: asked[name] for name in same},
        "jwt_bearer_settings": asked["jwtBearerSettings"],
        "session_settings": asked["sessionSettings"],
    }
