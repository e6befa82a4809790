"""How large the body of a request may be, and how long it may take to arrive."""

from __future__ import annotations

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from descope_mcp.server.http.refusal import refusal

LARGEST = 4 * 1024 * 1024
SECONDS = 30.0
#: What is larger than this is not read to its end, and the connection closed.
_DROPPED = 4 * LARGEST
_TOO_LARGE = (
    f"A request may have at most {LARGEST // 1024 // 1024} MiB. Make several calls, each with a "
    "part of it."
)
_NOT_UTF8 = "A message is JSON in UTF-8."
_TOO_SLOW = f"The request did not arrive within {SECONDS:.0f} seconds."


class Bodies:
    """A layer that reads the whole body before anybody looks at it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request whose body has arrived; of one that hangs up nothing comes."""
        try:
            with anyio.move_on_after(SECONDS) as arriving:
                body = await _body(receive)
        except _TooLarge:
            await refusal(413, _TOO_LARGE, {"Connection": "close"})(scope, receive, send)
            return
        if arriving.cancelled_caught:
            await refusal(408, _TOO_SLOW, {"Connection": "close"})(scope, receive, send)
            return
        if body is None:
            return
        if b"\0" in body:
            # MCP, Transports: messages are UTF-8. JSON in another encoding has zeros.
            await refusal(400, _NOT_UTF8)(scope, receive, send)
            return
        whole: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return whole.pop() if whole else await receive()

        await self._app(scope, replay, send)


class _TooLarge(Exception):
    """A body is larger than is taken."""


async def _body(receive: Receive) -> bytes | None:
    """The body, None if the client hangs up.

    One that is too large is read on for a while and dropped: a client that still sends does not
    read what it is told.

    Raises:
        _TooLarge: it is.
    """
    body, size = bytearray(), 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        part = message.get("body", b"")
        size += len(part)
        if size <= LARGEST:
            body += part
        if size > _DROPPED or not message.get("more_body", False):
            break
    if size > LARGEST:
        raise _TooLarge
    return bytes(body)
