"""Which confirmations have been used: each may be used once, in whatever process."""

from __future__ import annotations

import time

from sqlalchemy import select

from descope_mcp.store.integrity import signed_rows
from descope_mcp.store.store import Store
from descope_mcp.store.tables import confirmations


def used(store: Store, *nonces: str) -> bool:
    """Whether one of `nonces` was used and would still count if it had not been.

    Raises:
        StoreError: it cannot be told.
    """
    with store.begin() as connection:
        mine = (confirmations.c.nonce.in_(nonces), confirmations.c.expires > time.time())
        return connection.execute(select(confirmations.c.nonce).where(*mine)).first() is not None


def consume(store: Store, nonce: str, expires: float) -> bool:
    """Use `nonce`, which is worthless after `expires` (epoch seconds).

    Returns:
        True the first time; False if it was used before or has expired.

    Raises:
        NotAsLeft: marks of others are missing, so it may be used already.
        StoreError: it cannot be recorded, so it must not count.
    """
    now = time.time()
    if not nonce or expires <= now:
        return False
    with signed_rows.book(store) as book:
        if expires <= book.void_until:
            return False
        marks = book.rows(confirmations)
        for mark in marks:
            if mark.expires <= now:
                book.delete(confirmations, mark)
        # A mark that does not verify counts too: it can only forbid.
        same = select(confirmations.c.nonce).where(confirmations.c.nonce == nonce)
        if book.connection.execute(same).first() is not None:
            return False
        book.insert(confirmations, nonce=nonce, expires=expires)
    return True
