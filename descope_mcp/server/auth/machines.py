"""Tokens of this server's own, for machines (`store.machine_tokens`)."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable

import anyio
from anyio.to_thread import run_sync

from descope_mcp.guard import scopes
from descope_mcp.guard.caller import Caller
from descope_mcp.server.auth.configuration import MACHINES
from descope_mcp.server.auth.principal import SEPARATOR
from descope_mcp.server.auth.refusals import InvalidToken, NotVerifiable
from descope_mcp.store import machine_tokens
from descope_mcp.store.errors import StoreError
from descope_mcp.store.machine_tokens import MachineToken
from descope_mcp.store.store import Store

#: A token that was found counts for so many seconds without another look at the store, so that is
#: how long one that was revoked may still be used.
FRESH = 10.0
#: So many are remembered.
_MOST = 1_000
#: Guesses are looked up one after the other; who knows a token does not wait for them.
_GUESSES = 2


class Machines:
    """Knows machines by their tokens."""

    def __init__(self, store: Store, now: Callable[[], float] = time.monotonic) -> None:
        self._store, self._now = store, now
        self._known: dict[bytes, tuple[float, MachineToken]] = {}
        self._looking = anyio.CapacityLimiter(_GUESSES)

    async def verify(self, token: str) -> Caller:
        """Whom a token stands for.

        Raises:
            InvalidToken: for nobody.
            NotVerifiable: the store cannot be read.
        """
        digest = hashlib.sha256(token.encode()).digest()
        until, found = self._known.get(digest, (0.0, None))
        if found is None or self._now() >= until:
            async with self._looking:
                found = await self._find(token)
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[digest] = (self._now() + FRESH, found)
        if not found.usable:
            raise InvalidToken(_ENDED)
        claims = {**found.claims, "subject": (found.name,), "issuer": (MACHINES,)}
        name = f"{MACHINES}{SEPARATOR}{found.name}"
        return Caller(name, found.id, scopes.with_implied(found.scopes), claims)

    async def _find(self, token: str) -> MachineToken:
        try:
            found = await run_sync(machine_tokens.find, self._store, token)
        except StoreError:
            raise NotVerifiable("the store cannot be read", FRESH) from None
        if found is None:
            raise InvalidToken(_ENDED)
        return found


_ENDED = "it was not made here, has expired or was revoked"
