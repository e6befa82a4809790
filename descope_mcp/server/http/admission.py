"""How much of the server one caller can have, and all together; and that it ends in order.

Calls of one caller must not make those of another wait. What waits for Descope is bounded where
it is sent (`api.transport`), what waits for a person in `asking.waiting_calls`; this bounds the
other requests that are open.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from descope_mcp.server.asking.waiting_calls import PLACE
from descope_mcp.server.http.callers import LOCAL, caller_of
from descope_mcp.server.http.refusal import refusal

#: Requests that are open at once: in all, and of one caller.
MOST, MOST_OF_ONE = 2_000, 200
_SOON = {"Retry-After": "1"}


class Admission:
    """A layer that counts the requests that are open, and can end them."""

    def __init__(self, app: ASGIApp, most: int = MOST, most_of_one: int = MOST_OF_ONE) -> None:
        self._app, self._most, self._most_of_one = app, most, most_of_one
        self._open: Counter[str] = Counter()
        self._calls: set[anyio.CancelScope] = set()
        self._streams: set[anyio.CancelScope] = set()
        self._less = anyio.Event()
        self.ending = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request if there is room for it."""
        caller = caller_of(scope)
        # Without authentication all are one caller, and nobody shares with them.
        most = self._most if caller is LOCAL else self._most_of_one
        if self.ending:
            refused = refusal(503, _ENDING, _SOON)
        elif self._open[caller.name] >= most:
            refused = refusal(
                429, f"This caller has {most} requests open already; wait for one.", _SOON
            )
        elif self._open.total() >= self._most:
            refused = refusal(
                503, "The server has no room for more requests; try again later.", _SOON
            )
        else:
            with self._counted(caller.name, stream=scope["method"] == "GET") as ended:
                place = scope[PLACE] = Place(self._open, caller.name)
                try:
                    await _until(ended, self._app, scope, receive, send)
                finally:
                    place.left.set()
            return
        await refused(scope, receive, send)

    def end(self) -> None:
        """Take no more requests, and end what only listens."""
        self.ending = True
        for stream in self._streams:
            stream.cancel()

    async def answered(self) -> None:
        """Wait until no call is open."""
        while self._calls:
            self._less = anyio.Event()
            await self._less.wait()

    def cut(self) -> None:
        """End all that is open. A change that is on its way is finished; nobody is told of it."""
        for call in (*self._calls, *self._streams):
            call.cancel()

    @contextmanager
    def _counted(self, caller: str, *, stream: bool) -> Iterator[anyio.CancelScope]:
        ended = anyio.CancelScope()
        among = self._streams if stream else self._calls
        among.add(ended)
        _add(self._open, caller, 1)
        try:
            yield ended
        finally:
            among.discard(ended)
            _add(self._open, caller, -1)
            self._less.set()


class Place:
    """The room that one request takes; ``left`` is set when it is over, answered or hung up."""

    def __init__(self, open_: Counter[str], caller: str) -> None:
        self._open, self._caller = open_, caller
        self.left = anyio.Event()

    @contextmanager
    def set_aside(self) -> Iterator[None]:
        """Give the room to others for a while; it is had again afterwards, whoever came."""
        _add(self._open, self._caller, -1)
        try:
            yield
        finally:
            _add(self._open, self._caller, 1)


def _add(open_: Counter[str], caller: str, number: int) -> None:
    """Count; a request that is set aside may be over before it is had again."""
    open_[caller] += number
    if not open_[caller]:
        del open_[caller]


_ENDING = "This server is being stopped, and nothing was done; call again."
_CUT = "This server was stopped before it could answer; what became of the call is in the journal."


async def _until(
    ended: anyio.CancelScope, app: ASGIApp, scope: Scope, receive: Receive, send: Send
) -> None:
    """Serve a request until it is ended from outside; the client is told so while it can be."""
    begun = finished = False

    async def noting(message: Message) -> None:
        nonlocal begun, finished
        begun = True
        finished = message["type"] == "http.response.body" and not message.get("more_body", False)
        await send(message)

    with ended:
        await app(scope, receive, noting)
    if ended.cancelled_caught and not begun:
        await refusal(503, _CUT)(scope, receive, send)
    elif ended.cancelled_caught and not finished:
        await send({"type": "http.response.body", "body": b"", "more_body": False})
