"""How many sessions one caller may have open, which clients of older revisions make.

The SDK bounds them all together and ends those that are idle; this keeps one caller from taking
the room of all.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from mcp.server.streamable_http import MCP_SESSION_ID_HEADER
from mcp.shared.inbound import MCP_PROTOCOL_VERSION_HEADER
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from descope_mcp.server.http.callers import LOCAL, caller_of
from descope_mcp.server.http.refusal import refusal

#: Sessions that are open at once: in all, and of one caller.
MOST, MOST_OF_ONE = 2_000, 100
#: A session without a request for so many seconds ends.
IDLE = 30 * 60.0
_ID = MCP_SESSION_ID_HEADER.encode()
_VERSION = MCP_PROTOCOL_VERSION_HEADER.encode()


@dataclass
class _Session:
    caller: str
    used: float
    requests: int = 0


class Sessions:
    """A layer that counts sessions as they are opened, used and ended."""

    def __init__(
        self, app: ASGIApp, most: int = MOST_OF_ONE, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._app, self._most, self._now = app, most, now
        self._open: dict[bytes, _Session] = {}
        #: Requests of each caller that may open a session and are not answered yet.
        self._opening: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, unless it would open one session too many."""
        number, opens = _read(scope)
        caller = caller_of(scope)
        if not opens:
            await self._serve(scope, receive, send, number)
            return
        taken = self._opening[caller.name] + self._count(caller.name)
        if caller is not LOCAL and taken >= self._most:
            text = f"{self._most} sessions of this caller are open; end one (DELETE) first."
            await refusal(429, text, {"Retry-After": "60"})(scope, receive, send)
            return
        self._opening[caller.name] += 1
        answered = False

        async def noting(message: Message) -> None:
            nonlocal answered
            if not answered:
                answered = True
                self._opened(caller.name)
            await send(message)

        try:
            await self._serve(scope, receive, noting, None)
        finally:
            if not answered:
                self._opened(caller.name)

    async def _serve(
        self, scope: Scope, receive: Receive, send: Send, number: bytes | None
    ) -> None:
        session = self._open.get(number) if number else None
        if session:
            session.requests += 1

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._note(scope["method"], number, caller_of(scope).name, message)
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            if session:
                session.requests -= 1
                session.used = self._now()

    def _opened(self, caller: str) -> None:
        """One that might open a session has done so, or not: what is open is counted by itself."""
        self._opening[caller] -= 1
        if not self._opening[caller]:
            del self._opening[caller]

    def _count(self, caller: str) -> int:
        """How many the caller has; those that have ended by themselves are forgotten."""
        idle = self._now() - IDLE
        for number, session in list(self._open.items()):
            if not session.requests and session.used < idle:
                del self._open[number]
        return sum(session.caller == caller for session in self._open.values())

    def _note(self, method: str, number: bytes | None, caller: str, start: Message) -> None:
        status = start["status"]
        if number is None:
            opened = dict(start["headers"]).get(_ID)
            if opened and status < 400:
                self._open[opened] = _Session(caller, self._now())
        elif status == 404 or (method == "DELETE" and status < 400):
            self._open.pop(number, None)


def _read(scope: Scope) -> tuple[bytes | None, bool]:
    """The session that a request belongs to, and whether it may open one.

    It is read as the SDK's session manager reads it, by the first header of a name: what is of no
    revision with sessions opens none.
    """
    number = version = None
    for name, value in scope["headers"]:
        if name == _ID and number is None:
            number = value
        elif name == _VERSION and version is None:
            version = value.decode("latin-1")
    of_sessions = version is None or version in HANDSHAKE_PROTOCOL_VERSIONS
    return number, number is None and of_sessions
