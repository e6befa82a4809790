"""The clients of the OAuth endpoints: who they are, and what redirects and secrets they have."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from descope_mcp.sandbox.applications.sso_apps import SSO_APPS
from descope_mcp.sandbox.applications.third_party_apps import THIRD_PARTY_APPS
from descope_mcp.sandbox.engine.fields import Record
from descope_mcp.sandbox.engine.registry import Arguments
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.keys import access_keys
from descope_mcp.sandbox.mcp.clients import MCP_CLIENTS
from descope_mcp.sandbox.oauth.errors import OAuthError


@dataclass(frozen=True, slots=True)
class Client:
    """One client.

    Attributes:
        client_id: how it names itself.
        app_id: the application's id; empty for the project itself.
        secret: empty if it has none and proves itself by PKCE alone.
        redirects: where codes may be sent; empty allows any place.
        issuer: the path of the issuer of its identity tokens.
        login_page: where users sign in; empty for the service's own page.
        consents: whether users give consent to it.
    """

    client_id: str
    app_id: str
    secret: str = ""
    redirects: tuple[str, ...] = ()
    issuer: str = ""
    login_page: str = ""
    consents: bool = False


def of_project(state: State, arguments: Arguments) -> Client:
    """The project itself or one of its SSO applications, as OpenID client."""
    client_id = str(arguments.get("client_id") or "")
    app_id = str(arguments.get("ssoAppId") or "")
    app: Record = state.get(SSO_APPS, app_id) if app_id else {}
    known = state.find(SSO_APPS, id=client_id)
    if client_id not in ("", state.project_id) and known is None:
        raise OAuthError("invalid_client", "The client is not known", 401)
    app = known or app
    page = str(app.get("oidcSettings", {}).get("loginPageUrl") or "")
    path = f"/{state.project_id}" + (f"/{app['id']}" if app else "")
    return Client(client_id or state.project_id, app.get("id", ""), issuer=path, login_page=page)


def of_third_party(state: State, arguments: Arguments) -> Client:
    """A third-party application, or a client of the MCP server that the path names."""
    client_id = str(arguments.get("client_id") or "")
    server = str(arguments.get("mcp_server_id") or "")
    project = arguments.get("project_id") or state.project_id
    app = state.find(THIRD_PARTY_APPS, clientId=client_id) if not server else None
    app = app or state.find(MCP_CLIENTS, clientId=client_id)
    if app is None or project != state.project_id or server not in ("", app.get("mcpServerId")):
        raise OAuthError("invalid_client", "The client is not known", 401)
    if app["status"] != "active":
        raise OAuthError("unauthorized_client", "The client is not active")
    agentic = f"/agentic/{state.project_id}/{app['mcpServerId']}" if "mcpServerId" in app else ""
    return Client(
        client_id,
        app["id"],
        secret="" if app.get("nonConfidentialClient") else app["secret"],
        redirects=tuple(app.get("approvedCallbackUrls") or app.get("redirectUris") or ()),
        issuer=f"/v1/apps{agentic or f'/{state.project_id}'}",
        login_page=str(app.get("loginPageUrl") or ""),
        consents=True,
    )


def authenticate(state: State, client: Client, arguments: Arguments) -> None:
    """Check the secret. The project's own clients have an access key for one, or use PKCE."""
    secret = str(arguments.get("client_secret") or "")
    if client.consents:
        right = hmac.compare_digest(secret.encode(), client.secret.encode())
    else:
        right = not secret or access_keys.opened_by(state, secret) is not None
    if not right:
        raise OAuthError("invalid_client", "The client's secret is wrong", 401)
