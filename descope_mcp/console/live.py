"""Pages that hear of changes (server-sent events): one listener of the store tells all of them.

What is sent says only that something has changed; the page asks for itself what. So it makes no
difference on which replica somebody decided, and nothing is told to whoever may not see it.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from contextlib import suppress

import anyio
from anyio.to_thread import run_sync
from starlette.responses import Response, StreamingResponse

from descope_mcp.console.sign_in import sessions
from descope_mcp.console.visit import Visit
from descope_mcp.store.errors import StoreError
from descope_mcp.store.store import Store

#: So many pages hear of changes at a time; others are as they were when they were loaded.
_MOST = 500
#: A stream says so often that it is there, and ends after so long; the page opens another.
_BEAT, _LONGEST = 15.0, 600.0
#: The listener looks so often whether anybody still listens.
_LOOK = 1.0


class Changes:
    """Tells the pages that are open that something may have changed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._listener: threading.Thread | None = None
        self._waiting: dict[anyio.Event, asyncio.AbstractEventLoop] = {}
        self._number = 0
        self._streams = 0
        self._ended = False

    @property
    def is_full(self) -> bool:
        """Whether no more pages can listen."""
        return self._ended or self._streams >= _MOST

    def end(self) -> None:
        """Let nobody listen any more."""
        self._ended = True
        self._tell()

    async def events(self, visit: Visit) -> AsyncIterator[str]:
        """What one stream says, for as long as the session lasts."""
        self._streams += 1
        until, known = time.monotonic() + _LONGEST, self._number
        try:
            yield "retry: 3000\n\n"
            while not self._ended and time.monotonic() < until:
                now = await self._next(known)
                if await run_sync(sessions.find, self._store, visit.session.secret) is None:
                    return
                yield "event: changed\ndata:\n\n" if now != known else ":\n\n"
                known = now
        except StoreError:
            return  # the page opens another, and is told then
        finally:
            self._streams -= 1

    async def _next(self, known: int) -> int:
        """The number of the newest change: at once if it is not `known`, else after a beat."""
        event = anyio.Event()
        with self._lock:
            self._waiting[event] = asyncio.get_running_loop()
            if self._listener is None and not self._ended:
                self._listener = threading.Thread(target=self._listen, daemon=True)
                self._listener.start()
        try:
            with anyio.move_on_after(_BEAT):
                if self._number == known and not self._ended:
                    await event.wait()
        finally:
            with self._lock:
                self._waiting.pop(event, None)
        return self._number

    def _listen(self) -> None:
        try:
            with self._store.changes() as wait:
                while self._streams and not self._ended:
                    if wait(_LOOK):
                        self._tell()
        except StoreError:
            self._tell()  # what was missed meanwhile is seen by whoever looks
        finally:
            with self._lock:
                self._listener = None

    def _tell(self) -> None:
        with self._lock:
            self._number += 1
            waiting = list(self._waiting.items())
        for event, loop in waiting:
            with suppress(RuntimeError):  # the loop has ended, and the page with it
                loop.call_soon_threadsafe(event.set)


async def stream(visit: Visit) -> Response:
    """The stream of one page."""
    changes = visit.console.changes
    if changes.is_full:
        return Response(status_code=503, headers={"Retry-After": "60"})
    return StreamingResponse(changes.events(visit), media_type="text/event-stream")
