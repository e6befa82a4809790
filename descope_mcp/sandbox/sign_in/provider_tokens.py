"""Tokens of social providers, kept for users who signed in through them."""

from __future__ import annotations

from descope_mcp.sandbox.engine.errors import NO_PROVIDER_TOKEN, DescopeError
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.engine.tables import Reference, Table, register
from descope_mcp.sandbox.users.lookup import by_login_id

PROVIDER_TOKENS = register(
    Table(
        "provider_tokens",
        "PT",
        secrets=("accessToken", "refreshToken"),
        references=(Reference("userId", "users", "userId", on_delete="cascade"),),
        template={"providerUserId": "", "scopes": [], "refreshToken": ""},
    )
)

_LIFETIME = 3600
_SHOWN = ("provider", "providerUserId", "accessToken", "expiration", "scopes")


@handles("GetUserProviderToken", required=["loginId", "provider"])
def get_user_provider_token(state: State, arguments: Arguments) -> Answer:
    """A user's token of one provider; ``forceRefresh``, or its end, gets a new one."""
    user = by_login_id(state, arguments["loginId"])
    stored = state.find(PROVIDER_TOKENS, userId=user["userId"], provider=arguments["provider"])
    if stored is None:
        text = f"{NO_PROVIDER_TOKEN.description}: {arguments['provider']}"
        raise DescopeError(NO_PROVIDER_TOKEN, text)
    if _asked(arguments, "forceRefresh") or stored["expiration"] <= state.now():
        token = {"accessToken": state.new_secret(48), "expiration": state.now() + _LIFETIME}
        state.change(PROVIDER_TOKENS, stored, token)
    with_refresh = _asked(arguments, "withRefreshToken")
    refresh_token = stored["refreshToken"] if with_refresh else ""
    return {**{name: stored[name] for name in _SHOWN}, "refreshToken": refresh_token}


def _asked(arguments: Arguments, name: str) -> bool:
    """A flag, which a query has as text."""
    return arguments.get(name) in (True, "true")
