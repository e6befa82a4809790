"""OAuth for applications of others and for clients of MCP servers, which need users' consent."""

from __future__ import annotations

from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.oauth import clients as oauth_clients
from descope_mcp.sandbox.oauth import grants as oauth_grants
from descope_mcp.sandbox.oauth import tokens as oauth_tokens
from descope_mcp.sandbox.oauth.clients import of_third_party
from descope_mcp.sandbox.oauth.errors import speaks_oauth


@handles(
    "ThirdPartyApplicationAuthorizeGet",
    "ThirdPartyApplicationAuthorize",
    "ThirdPartyApplicationAuthorizeGetByProjectID",
    "ThirdPartyApplicationAuthorizePostByProjectID",
    "ThirdPartyApplicationAuthorizeGetByMcpServerID",
    "ThirdPartyAppAuthorizePOSTByMcpServerID",
)
@speaks_oauth
def authorize(state: State, arguments: Arguments) -> Answer:
    """On to the page where the user signs in and consents."""
    return oauth_grants.authorize(state, of_third_party(state, arguments), arguments)


@handles("ThirdPartyApplicationFinish", required=["state_id"])
def finish(state: State, arguments: Arguments) -> Answer:
    """The signed-in user consents, and goes back to the application with a code."""
    answer = oauth_grants.finish(state, arguments["state_id"])
    oauth_grants.consent(state, arguments["state_id"])
    return answer


@handles("ThirdPartyApplicationDeviceEndpoint", "ThirdPartyApplicationDeviceEndpointByProjectID")
@speaks_oauth
def device(state: State, arguments: Arguments) -> Answer:
    """A code to be typed in on another device."""
    return oauth_grants.device(state, of_third_party(state, arguments), arguments)


@handles("ThirdPartyApplicationCIBAEndpoint", "ThirdPartyApplicationCIBAEndpointByProjectID")
@speaks_oauth
def backchannel(state: State, arguments: Arguments) -> Answer:
    """Ask a user to agree, wherever they are."""
    client = of_third_party(state, arguments)
    oauth_clients.authenticate(state, client, arguments)
    return oauth_grants.backchannel(state, client, arguments)


@handles(
    "ThirdPartyApplicationTokenEndpoint",
    "ThirdPartyApplicationTokenEndpointByProjectID",
    "ThirdPartyAppTokenEndpointByMcpServerID",
)
@speaks_oauth
def token(state: State, arguments: Arguments) -> Answer:
    """Tokens, for a code or another grant."""
    return oauth_grants.token(state, of_third_party(state, arguments), arguments)


@handles(
    "ThirdPartyApplicationUserInfoEndpointGet",
    "ThirdPartyApplicationUserInfoEndpointPost",
    "ThirdPartyAppUserInfoEndpointGetByProjectID",
    "ThirdPartyAppUserInfoEndpointPostByProjectID",
)
@speaks_oauth
def user_info(state: State, arguments: Arguments) -> Answer:
    """What the access token may know of its user."""
    return oauth_tokens.user_info(state)


@handles("ThirdPartyApplicationRevocationEndpoint", "ThirdPartyAppRevocationEndpointByProjectID")
@speaks_oauth
def revoke(state: State, arguments: Arguments) -> Answer:
    """End what a token of the client stands for."""
    oauth_clients.authenticate(state, of_third_party(state, arguments), arguments)
    return oauth_tokens.revoke(state, str(arguments.get("token") or ""))
