"""Tokens of this server's own, for machines (`store.machine_tokens`)."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass

import anyio
from anyio.to_thread import run_sync

from descope_mcp.guard import scopes
from descope_mcp.guard.caller import Caller
from descope_mcp.server.auth.configuration import MACHINES
from descope_mcp.server.auth.principal import SEPARATOR
from descope_mcp.server.auth.refusals import InvalidToken, NotVerifiable
from descope_mcp.store import machine_tokens
from descope_mcp.store.errors import NotAsLeft, StoreError, WrongKey
from descope_mcp.store.machine_tokens import MachineToken
from descope_mcp.store.store import Store

#: A token that was found is looked for anew after so many seconds; until then every request only
#: sees that its row is still the same.
FRESH = 10.0
#: While the store cannot be read, who was known goes on for so many seconds since then.
KEPT = 60.0
#: After a failure nobody waits for the store for so many seconds.
PAUSE = 5.0
#: So many are remembered.
_MOST = 1_000
#: So many are looked up at once of the tokens that were known, and of those that were not; the one
#: do not wait for the others.
_AT_ONCE = 2
#: So many that were not known wait; whoever comes then is told to come again.
WAITING = 100


@dataclass(frozen=True, slots=True)
class _Known:
    """A token as the store had it, and when it was found there."""

    token: MachineToken
    found: float


class Machines:
    """Knows machines by their tokens."""

    def __init__(self, store: Store, now: Callable[[], float] = time.monotonic) -> None:
        self._store, self._now = store, now
        #: By digest; the one that was found last stands last.
        self._known: dict[bytes, _Known] = {}
        self._renewing = anyio.CapacityLimiter(_AT_ONCE)
        self._guessing = anyio.CapacityLimiter(_AT_ONCE)
        self._again = 0.0

    async def verify(self, token: str) -> Caller:
        """Whom a token stands for.

        Raises:
            InvalidToken: for nobody.
            NotVerifiable: the store cannot be read, and nobody was known by it lately; or too many
                wait already by whose tokens nobody was known.
        """
        digest = hashlib.sha256(token.encode()).digest()
        try:
            found = await self._looked_up(token, digest)
        except (NotAsLeft, WrongKey):
            # Nobody knows what counts there; who was known is no exception.
            self._known.clear()
            raise NotVerifiable(_UNREADABLE, PAUSE) from None
        except StoreError:
            found = self._remembered(digest)
        if found is None or not found.usable:
            self._known.pop(digest, None)
            raise InvalidToken(_ENDED)
        claims = {**found.claims, "subject": (found.name,), "issuer": (MACHINES,)}
        name = f"{MACHINES}{SEPARATOR}{found.name}"
        return Caller(name, found.id, scopes.with_implied(found.scopes), claims)

    async def _looked_up(self, token: str, digest: bytes) -> MachineToken | None:
        """What the store has.

        Raises:
            StoreError: it cannot be read, or could not just now.
        """
        self._wait_after_failure()
        known = self._known.get(digest)
        try:
            if known and self._now() < known.found + FRESH:
                same = await run_sync(machine_tokens.stands, self._store, known.token)
                if same:
                    return known.token
            limiter = self._renewing if known else self._guessing
            if not known and limiter.statistics().tasks_waiting >= WAITING:
                raise NotVerifiable(_CROWDED, 1.0)
            async with limiter:
                self._wait_after_failure()
                found = await run_sync(machine_tokens.find, self._store, token)
        except StoreError:
            self._again = self._now() + PAUSE
            raise
        if found:
            self._known.pop(digest, None)
            if len(self._known) >= _MOST:
                del self._known[next(iter(self._known))]
            self._known[digest] = _Known(found, self._now())
        return found

    def _wait_after_failure(self) -> None:
        if self._now() < self._again:
            raise StoreError(_UNREADABLE)

    def _remembered(self, digest: bytes) -> MachineToken:
        """What the store had lately."""
        known = self._known.get(digest)
        if known is None or self._now() >= known.found + KEPT:
            raise NotVerifiable(_UNREADABLE, PAUSE)
        return known.token


_CROWDED = "too many tokens are looked up that nobody was known by"
_UNREADABLE = "the store cannot be read"
_ENDED = "it was not made here, has expired or was revoked"
