"""What every answer says about itself, and that no exception is told to anybody."""

from __future__ import annotations

import logging
import traceback

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from descope_mcp.server.http.refusal import refusal

log = logging.getLogger(__name__)

#: Answers are for one caller, are no pages, and are neither kept nor repacked on the way.
_HEADERS = {
    b"cache-control": b"no-store, no-transform",
    b"x-content-type-options": b"nosniff",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-resource-policy": b"same-origin",
}
#: The console's answers are pages, which say for themselves what they may load; a file of theirs
#: that is the same for everybody may be kept.
_OF_PAGES = frozenset({b"content-security-policy", b"referrer-policy"})


class ResponseHeaders:
    """The outermost layer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request; one that fails is answered 500, and the log says where."""
        if scope["type"] != "http":
            return
        begun = False

        async def with_headers(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                said = {name.lower(): value for name, value in message["headers"]}
                own = _OF_PAGES & said.keys()
                if said.get(b"cache-control", b"").endswith(b"immutable"):
                    own |= {b"cache-control"}
                ours = {n: value for n, value in _HEADERS.items() if n not in own}
                given = [(n, v) for n, v in message["headers"] if n.lower() not in ours]
                message = {**message, "headers": [*given, *ours.items()]}
            await send(message)

        try:
            await self._app(scope, receive, with_headers)
        except Exception as error:  # noqa: BLE001 - the last line of defence
            frames = traceback.extract_tb(error.__traceback__)
            place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "?"
            # Neither the text nor the values in the frames go anywhere: they may be secrets.
            log.error("%s at %s", type(error).__name__, place)  # noqa: TRY400
            if not begun:
                text = "Internal error; see the server's log."
                await refusal(500, text)(scope, receive, with_headers)
