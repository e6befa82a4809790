"""The project as OpenID provider: of itself, and of its SSO applications under their own paths."""

from __future__ import annotations

from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.oauth import grants as oauth_grants
from descope_mcp.sandbox.oauth import tokens as oauth_tokens
from descope_mcp.sandbox.oauth.clients import of_project
from descope_mcp.sandbox.oauth.errors import speaks_oauth

_ENTRA = "Microsoft's token is not checked; nobody signs in at the page that it leads to"


@handles(
    "OIDCAuthZEndpointGetStart",
    "OIDCAuthZEndpointPostStart",
    "OIDCSSOAppAuthZEndpointGetStart",
    "OIDCSSOAppAuthZEndpointPostStart",
)
@speaks_oauth
def authorize(state: State, arguments: Arguments) -> Answer:
    """On to the page where the user signs in."""
    return oauth_grants.authorize(state, of_project(state, arguments), arguments)


@handles("OIDCAuthZEndpointEntraMFA", "OIDCSSOAppAuthZEndpointEntraMFA", shape_only=_ENTRA)
@speaks_oauth
def authorize_entra(state: State, arguments: Arguments) -> Answer:
    """As `authorize`, for Microsoft Entra, which wants the second factor only."""
    client = of_project(state, {**arguments, "client_id": ""})
    asked = {**arguments, "response_type": "code"}
    return oauth_grants.authorize(state, client, asked)


@handles("OIDCDeviceEndpoint", "OIDCSSOAppDeviceEndpoint")
@speaks_oauth
def device(state: State, arguments: Arguments) -> Answer:
    """A code to be typed in on another device."""
    return oauth_grants.device(state, of_project(state, arguments), arguments)


@handles("OIDCAuthZEndpointFinishPost", "OIDCAuthZEndpointFinishGet", required=["state_id"])
def finish(state: State, arguments: Arguments) -> Answer:
    """The signed-in user goes back to the application, with a code."""
    return oauth_grants.finish(state, arguments["state_id"])


@handles("OIDCTokenEndpoint", "OIDCSSOAppTokenEndpoint")
@speaks_oauth
def token(state: State, arguments: Arguments) -> Answer:
    """Tokens, for a code or another grant."""
    return oauth_grants.token(state, of_project(state, arguments), arguments)


@handles(
    "OIDCUserInfoEndpointGet",
    "OIDCUserInfoEndpointPost",
    "OIDCSSOAppUserInfoEndpointGet",
    "OIDCSSOAppUserInfoEndpointPost",
)
@speaks_oauth
def user_info(state: State, arguments: Arguments) -> Answer:
    """What the access token may know of its user."""
    return oauth_tokens.user_info(state)


@handles("OIDCRevocationEndpoint", "OIDCSSOAppRevocationEndpoint")
@speaks_oauth
def revoke(state: State, arguments: Arguments) -> Answer:
    """End what a token stands for."""
    return oauth_tokens.revoke(state, str(arguments.get("token") or ""))


@handles(
    "OIDCEndSessionEndpointGet",
    "OIDCEndSessionEndpointPost",
    "OIDCSSOAppEndSessionEndpointGet",
    "OIDSSOAppCEndSessionEndpointPost",
)
@speaks_oauth
def end_session(state: State, arguments: Arguments) -> Answer:
    """Log out, and go back to the application."""
    return oauth_tokens.end_session(state, arguments)
