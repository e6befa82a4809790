"""What a client carries from a question to its answer, sealed with the store's key.

Any process with that store opens it, so that the answer may come to another replica. It counts for
the caller who was asked, for one server, and once (`store.consent.used_confirmations`).
"""

from __future__ import annotations

from collections.abc import Callable

from mcp.server.request_state import AESGCMRequestStateCodec, RequestStateSecurity

from descope_mcp.guard.consent.confirmation import LIFETIME
from descope_mcp.server.asking.elicitation import Context
from descope_mcp.store.key import Key
from descope_mcp.store.store import Store


class StoreKeyCodec:
    """Seals with a key that is derived from the store's, whichever that is by now.

    The store is opened by the first question at the latest.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._made: tuple[Key, AESGCMRequestStateCodec] | None = None

    def seal(self, payload: bytes) -> str:
        """`payload`, encrypted and authenticated."""
        return self._codec().seal(payload)

    def unseal(self, token: str) -> bytes:
        """What was sealed.

        Raises:
            InvalidRequestState: it was sealed with another key, or changed.
            StoreError: the key cannot be read.
        """
        return self._codec().unseal(token)

    def _codec(self) -> AESGCMRequestStateCodec:
        key = self._store.key
        if self._made is None or self._made[0] is not key:
            self._made = key, AESGCMRequestStateCodec([key.derived(b"request state")])
        return self._made[1]


def shared(
    store: Store, audience: str, caller_of: Callable[[Context], str]
) -> RequestStateSecurity:
    """The protection of states that all processes with this store share.

    Args:
        store: with the key.
        audience: names the server; a state of another one is none.
        caller_of: whose request it is.
    """
    return RequestStateSecurity(
        codec=StoreKeyCodec(store),
        # Longer than an answer counts, so that one that comes too late is told so.
        ttl=2 * LIFETIME,
        audience=audience,
        bind_principal=caller_of,
    )
