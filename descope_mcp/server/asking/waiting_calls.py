"""Calls that wait for a person's word outside of the client, on whichever replica it is given.

All of a process share one listener, which sleeps until the store tells of a change
(`Store.changes`) and then wakes those whose request has been answered. Being woken allows nothing:
what a request came to each call reads itself, as it was signed.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Protocol

import anyio
from anyio.to_thread import run_sync

from descope_mcp.server.asking.elicitation import Context
from descope_mcp.store.errors import StoreError
from descope_mcp.store.store import Store

log = logging.getLogger(__name__)

#: Calls that wait at once in a process: in all, and of one caller.
MOST, MOST_OF_ONE = 2_000, 200
#: What its thread is called.
LISTENER = "answers-of-people"
#: Where the layer that counts open requests leaves what sets one aside (`server.http.admission`).
PLACE = "descope_mcp.place"
#: Seconds after which clients are told that their call still waits: less than they wait for it.
_TOLD_EVERY = 10.0
#: Seconds after which the listener sees whether anybody waits still, and after which it looks at
#: the requests in any case: a pooler may keep what the database tells to itself.
_EVERY, _AT_LEAST = 0.5, 5.0
#: Seconds in which many changes are looked at together.
_TOGETHER = 0.02


class Place(Protocol):
    """The room that an open request takes; ``left`` is set when it is over."""

    left: anyio.Event

    def set_aside(self) -> AbstractContextManager[None]:
        """Give the room to others for a while."""


class WaitingCalls:
    """The calls of one process that wait."""

    def __init__(self, most: int = MOST, most_of_one: int = MOST_OF_ONE) -> None:
        self._most, self._most_of_one = most, most_of_one
        self._callers: Counter[str] = Counter()
        self._waiting: dict[int, set[asyncio.Event]] = {}
        self._lock = threading.Lock()
        self._listens = False

    @property
    def count(self) -> int:
        """How many calls wait."""
        return self._callers.total()

    @contextmanager
    def place(self, ctx: Context, caller: str, alone: bool) -> Iterator[bool]:
        """Set a call aside, so that it takes no room from those that work; False without room.

        Args:
            ctx: of the call.
            caller: who waits.
            alone: whether there are no other callers to leave room for.
        """
        most = self._most if alone else self._most_of_one
        if self._callers[caller] >= most or self.count >= self._most:
            yield False
            return
        place = _place(ctx)
        self._callers[caller] += 1
        try:
            if place:
                with place.set_aside():
                    yield True
            else:
                yield True
        finally:
            self._callers[caller] -= 1
            self._callers += Counter()  # forgets who has none

    async def answer(
        self,
        ctx: Context,
        store: Store,
        number: int,
        until: float,
        tell: Callable[[], Awaitable[None]],
    ) -> str:
        """What a request came to: at once where it is known, else as soon as it is answered.

        Args:
            ctx: of the call that waits.
            store: where the request is.
            number: of the request.
            until: when nobody is waited for any more (`time.monotonic`).
            tell: tells the client that the call waits, from time to time.

        Returns:
            The status; "pending" if nobody has answered in time, or for nobody any more, since the
            server ends or the client has hung up.

        Raises:
            StoreError: it cannot be read.
        """
        with self._registered(store, number) as answered:
            # After it was registered, so that no answer falls between.
            status = await run_sync(status_of, store, number)
            if status != "pending":
                return status
            with anyio.move_on_after(until - time.monotonic()):
                async with anyio.create_task_group() as waiting:
                    waiting.start_soon(_repeated, tell)
                    waiting.start_soon(_until, ctx.lifespan_context, waiting.cancel_scope)
                    if place := _place(ctx):
                        # Older clients that hang up leave the call behind in their session.
                        waiting.start_soon(_until, place.left, waiting.cancel_scope)
                    await answered.wait()
                    waiting.cancel_scope.cancel()
        return await run_sync(status_of, store, number)

    @contextmanager
    def _registered(self, store: Store, number: int) -> Iterator[asyncio.Event]:
        answered = asyncio.Event()
        with self._lock:
            self._waiting.setdefault(number, set()).add(answered)
            starts, self._listens = not self._listens, True
        if starts:
            given = (store, asyncio.get_running_loop())
            threading.Thread(target=self._listen, args=given, name=LISTENER, daemon=True).start()
        try:
            yield answered
        finally:
            with self._lock:
                self._waiting[number].discard(answered)
                if not self._waiting[number]:
                    del self._waiting[number]

    def _listen(self, store: Store, loop: asyncio.AbstractEventLoop) -> None:
        """Wake who is answered, until nobody waits."""
        told = False
        while self._is_anybody_there():
            try:
                with store.changes() as changed:
                    self._look(store, loop, changed)
            except Exception as error:  # noqa: BLE001 - calls must not sleep since it has ended
                # Each wakes by itself when its time is over, whether the store is back or not.
                if not told:
                    known = error if isinstance(error, StoreError) else type(error).__name__
                    log.warning("waiting calls do not hear of answers: %s", known)
                told = True
                time.sleep(_EVERY)

    def _look(
        self, store: Store, loop: asyncio.AbstractEventLoop, changed: Callable[[float], bool]
    ) -> None:
        from descope_mcp.store.consent import approvals

        look, looked = True, 0.0
        while self._is_anybody_there():
            if look or time.monotonic() > looked + _AT_LEAST:
                pending = approvals.pending(store)
                looked = time.monotonic()
                with suppress(RuntimeError):  # the loop has ended, and all calls with it
                    loop.call_soon_threadsafe(self._wake, pending)
                time.sleep(_TOGETHER)
            look = changed(_EVERY)

    def _wake(self, pending: frozenset[int]) -> None:
        with self._lock:
            numbers = self._waiting.keys() - pending
            answered = [one for number in numbers for one in self._waiting[number]]
        for one in answered:
            one.set()

    def _is_anybody_there(self) -> bool:
        """Whether somebody waits; if not, the listener ends, and the next call starts one."""
        with self._lock:
            self._listens = bool(self._waiting)
            return self._listens


def status_of(store: Store, number: int) -> str:
    """What a request has come to so far.

    Raises:
        StoreError: it cannot be read.
    """
    from descope_mcp.store.consent import approvals

    request = approvals.request(store, number)
    return request.status if request else "expired"


def _place(ctx: Context) -> Place | None:
    """That of the request which brought a call, if it is one of several clients'."""
    place: Place | None = getattr(ctx.request, "scope", {}).get(PLACE)
    return place


async def _repeated(tell: Callable[[], Awaitable[None]]) -> None:
    while True:
        await tell()
        await anyio.sleep(_TOLD_EVERY)


async def _until(ending: anyio.Event, waiting: anyio.CancelScope) -> None:
    await ending.wait()
    waiting.cancel()
