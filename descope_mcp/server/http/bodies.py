"""How large the body of a request may be, and how long it may take to arrive."""

from __future__ import annotations

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from descope_mcp.server.http.refusal import refusal

LARGEST = 4 * 1024 * 1024
SECONDS = 30.0
_TOO_LARGE = (
    f"A request may have at most {LARGEST // 1024 // 1024} MiB. Make several calls, each with a "
    "part of it."
)
_TOO_SLOW = f"The request did not arrive within {SECONDS:.0f} seconds"


class Bodies:
    """A layer that reads the whole body before anybody looks at it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request whose body has arrived; of one that hangs up nothing comes."""
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > LARGEST:
            await refusal(413, _TOO_LARGE, {"Connection": "close"})(scope, receive, send)
            return
        body = bytearray()
        try:
            with anyio.fail_after(SECONDS):
                while True:
                    message = await receive()
                    if message["type"] != "http.request":
                        return
                    body += message.get("body", b"")
                    if len(body) > LARGEST:
                        close = {"Connection": "close"}
                        await refusal(413, _TOO_LARGE, close)(scope, receive, send)
                        return
                    if not message.get("more_body", False):
                        break
        except TimeoutError:
            await refusal(408, _TOO_SLOW, {"Connection": "close"})(scope, receive, send)
            return
        whole: list[Message] = [{"type": "http.request", "body": bytes(body), "more_body": False}]

        async def replay() -> Message:
            return whole.pop() if whole else await receive()

        await self._app(scope, replay, send)
