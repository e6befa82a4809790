"""What clients find out by themselves: signing keys, the OpenID and OAuth endpoints, FedCM."""

from __future__ import annotations

from collections.abc import Mapping

from descope_mcp.sandbox.applications.sso_apps import SSO_APPS
from descope_mcp.sandbox.engine.errors import NO_PROJECT, DescopeError
from descope_mcp.sandbox.engine.fields import Record
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.mcp.servers import MCP_SERVERS
from descope_mcp.sandbox.sessions import tokens

SCOPES = ("openid", "profile", "email", "phone", "descope.claims", "descope.custom_claims")

_CLAIMS = (
    "sub",
    "iss",
    "aud",
    "exp",
    "iat",
    "name",
    "email",
    "email_verified",
    "phone_number",
    "phone_number_verified",
    "picture",
    "given_name",
    "family_name",
)

_GRANTS = (
    "authorization_code",
    "refresh_token",
    "client_credentials",
    "urn:ietf:params:oauth:grant-type:device_code",
    "urn:ietf:params:oauth:grant-type:token-exchange",
    "urn:openid:params:grant-type:ciba",
)


@handles("GetKeysV2", "GetWellKnownJWKS", required=["projectId"])
def keys(state: State, arguments: Arguments) -> Answer:
    """The keys that tokens are checked with."""
    _ensure_project(state, arguments)
    return {"keys": tokens.public_keys(state)}


@handles("GetKeys", required=["projectId"])
def key(state: State, arguments: Arguments) -> Answer:
    """The only key, as the first version of the API gave it."""
    _ensure_project(state, arguments)
    return tokens.public_keys(state)[0]


@handles(
    "GetWellKnownConfigurationOpenID",
    "GetWellKnownConfigurationAuthServer",
    "GetWellKnownConfigAuthServerProjectSuffix",
    required=["projectId"],
)
def project(state: State, arguments: Arguments) -> Answer:
    """The endpoints of the project as OpenID provider."""
    _ensure_project(state, arguments)
    return _document(state, f"/{state.project_id}", "/oauth2/v1")


@handles("GetSSOAppWellKnownConfigurationOpenID", required=["projectId", "ssoAppId"])
def sso_app(state: State, arguments: Arguments) -> Answer:
    """The endpoints that serve one application."""
    _ensure_project(state, arguments)
    app = state.get(SSO_APPS, arguments["ssoAppId"])["id"]
    return _document(state, f"/{state.project_id}/{app}", f"/{app}/oauth2/v1")


@handles(
    "GetThirdPartyAppsWellKnownConfigAuthServer",
    "GetThirdPartyAppsWellKnownConfigurationOpenID",
    required=["projectId"],
)
def third_party(state: State, arguments: Arguments) -> Answer:
    """The endpoints that serve third-party applications."""
    _ensure_project(state, arguments)
    own = f"/v1/mgmt/inboundapp/app/{state.project_id}/register"
    issuer, base = f"/v1/apps/{state.project_id}", f"/oauth2/v1/apps/{state.project_id}"
    return _document(state, issuer, base, registration=own)


@handles(
    "GetAgenticAppsWellKnownConfigAuthServer",
    "GetAgenticAppsWellKnownConfigOpenID",
    required=["projectId", "mcpServerId"],
)
def mcp_server(state: State, arguments: Arguments) -> Answer:
    """The endpoints that serve the clients of one MCP server."""
    _ensure_project(state, arguments)
    server = f"{state.project_id}/{state.get(MCP_SERVERS, arguments['mcpServerId'])['id']}"
    document = _document(
        state,
        f"/v1/apps/agentic/{server}",
        f"/oauth2/v1/apps/{state.project_id}",
        registration=f"/v1/mgmt/mcp/client/{server}/register",
    )
    agentic = f"{state.caller.url}/oauth2/v1/apps/agentic/{server}"
    document["authorization_endpoint"] = f"{agentic}/authorize"
    document["token_endpoint"] = f"{agentic}/token"
    return document


@handles("GetWellKnownProjectConfiguration", required=["projectId"])
def project_configuration(state: State, arguments: Arguments) -> Answer:
    """Whether a page may show the hosted sign-in inside itself."""
    _ensure_project(state, arguments)
    return {"allowAuthHostingIframeEmbedding": False}


@handles("GetFedCMConfig", required=["projectId"])
def fedcm(state: State, arguments: Arguments) -> Answer:
    """Where a browser's own sign-in dialogue finds everything."""
    _ensure_project(state, arguments)
    base = f"{state.caller.url}/{state.project_id}/fedcm"
    return {
        "accounts_endpoint": f"{base}/accounts",
        "client_metadata_endpoint": f"{state.caller.url}/fedcm/clientmetadata",
        "id_assertion_endpoint": f"{base}/assertion",
        "disconnect_endpoint": f"{base}/disconnect",
        "login_url": f"{state.caller.url}/login/{state.project_id}",
        "branding": {"background_color": "#ffffff", "color": "#000000", "icons": []},
    }


@handles("GetFedCMClientMetadata")
def fedcm_client(state: State, arguments: Arguments) -> Answer:
    """The texts that the dialogue links to."""
    site = "https://sandbox.example"
    return {"privacy_policy_url": f"{site}/privacy", "terms_of_service_url": f"{site}/terms"}


def issuer(state: State, path: str = "") -> str:
    """Who issues identity tokens, as the discovery document at `path` says."""
    return f"{state.caller.url}{path or f'/{state.project_id}'}"


def _document(state: State, issued_by: str, base: str, registration: str = "") -> Record:
    url = state.caller.url
    endpoints = f"{url}{base}"
    return {
        "issuer": issuer(state, issued_by),
        "jwks_uri": f"{url}/{state.project_id}/.well-known/jwks.json",
        "authorization_endpoint": f"{endpoints}/authorize",
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint": f"{endpoints}/token",
        "userinfo_endpoint": f"{endpoints}/userinfo",
        "scopes_supported": list(SCOPES),
        "claims_supported": list(_CLAIMS),
        "end_session_endpoint": f"{url}/oauth2/v1/logout",
        "revocation_endpoint": f"{endpoints}/revoke",
        "token_endpoint_auth_methods_supported": [
            "client_secret_post",
            "client_secret_basic",
            "none",
        ],
        "registration_endpoint": f"{url}{registration}" if registration else "",
        "code_challenge_methods_supported": ["S256"],
        "backchannel_logout_supported": False,
        "device_authorization_endpoint": f"{endpoints}/device",
        "client_id_metadata_document_supported": False,
        "backchannel_token_delivery_modes_supported": ["poll"],
        "backchannel_authentication_endpoint": (
            f"{endpoints}/bc-authorize" if registration else ""
        ),
        "dpop_signing_alg_values_supported": [],
        "request_parameter_supported": False,
        "request_object_signing_alg_values_supported": [],
        "request_uri_parameter_supported": False,
        "grant_types_supported": list(_GRANTS),
    }


def _ensure_project(state: State, arguments: Mapping[str, str]) -> None:
    if arguments["projectId"] != state.project_id:
        raise DescopeError(NO_PROJECT, f"Project not found: {arguments['projectId']}")
