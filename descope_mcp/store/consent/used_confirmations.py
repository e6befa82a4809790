"""Which confirmations have been used: each may be used once, in whatever process."""

from __future__ import annotations

import time

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError

from descope_mcp.store.store import Store
from descope_mcp.store.tables import confirmations


def consume(store: Store, nonce: str, expires: float) -> bool:
    """Use `nonce`, which is worthless after `expires` (epoch seconds).

    Returns:
        True the first time; False if it was used before or has expired.

    Raises:
        StoreError: it cannot be recorded, so it must not count.
    """
    now = time.time()
    if not nonce or expires <= now:
        return False
    with store.database.begin() as connection:
        connection.execute(delete(confirmations).where(confirmations.c.expires <= now))
        try:
            connection.execute(confirmations.insert().values(nonce=nonce, expires=expires))
        except IntegrityError:
            return False
    return True
