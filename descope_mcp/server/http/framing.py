"""Where a request ends, which a proxy in front must not see elsewhere than this server."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from descope_mcp.server.http.refusal import refusal

_TEXT = "A request has either Content-Length or Transfer-Encoding."


class Framing:
    """A layer that refuses requests with two lengths, and reads no other on their connection.

    RFC 9112, section 6.3: a message with both ought to be handled as an error, since the rest of
    it may have been meant to pass a proxy unseen.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request that ends in one place."""
        names = {name for name, _ in scope["headers"]}
        if {b"content-length", b"transfer-encoding"} <= names:
            await refusal(400, _TEXT, {"Connection": "close"})(scope, receive, send)
            return
        await self._app(scope, receive, send)
