"""Who sent a request: where an authenticator leaves it, and the handlers find it.

An authenticator is a layer around the application. It turns a request away, or names who calls
with `seat`. A request in which nobody was named is served to nobody.
"""

from __future__ import annotations

from collections.abc import Callable

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from starlette.types import ASGIApp, Receive, Scope, Send

from descope_mcp.guard.caller import Caller

#: Something around an ASGI application.
Layer = Callable[[ASGIApp], ASGIApp]

#: Who calls where nobody is asked who they are.
LOCAL = Caller("local")
_CALLER = "descope_mcp.caller"


def seat(scope: Scope, caller: Caller) -> None:
    """Say who sent this request; sessions are bound to them."""
    # The SDK compares client and subject of this with those that opened the session. The token
    # itself goes no further than to whoever verified it.
    client = caller.client or caller.name
    token = AccessToken(token="", client_id=client, scopes=[], subject=caller.name)
    scope["user"] = AuthenticatedUser(token)
    scope[_CALLER] = caller


def caller_of(scope: Scope) -> Caller:
    """Who sent this request.

    Raises:
        KeyError: nobody has said.
    """
    caller: Caller = scope[_CALLER]
    return caller


def unauthenticated(app: ASGIApp) -> ASGIApp:
    """A layer that takes every request for that of the one local caller."""

    async def local(scope: Scope, receive: Receive, send: Send) -> None:
        seat(scope, LOCAL)
        await app(scope, receive, send)

    return local
