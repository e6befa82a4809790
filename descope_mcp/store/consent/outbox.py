"""Notices of requests, from the moment they are filed until they are sent.

A notice is put here in the transaction that files its request, so that no restart loses one. Who
sends it takes it for a while first: of several replicas one does, and if that one dies, another.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Select, delete, func, insert, select, update

from descope_mcp.store.store import Store
from descope_mcp.store.tables import outbox

#: Seconds for which a notice is of whoever has taken it: longer than a try may take.
LEASE = 60.0


@dataclass(frozen=True, slots=True)
class Notice:
    """That a channel is to be told of a request; ``message`` is the same for every try."""

    id: int
    message: str
    request: int
    channel: str
    attempts: int


def put(connection: Connection, request: int, channels: Sequence[str], now: float) -> None:
    """Have a request told to channels, if the transaction is not undone."""
    for channel in channels:
        message = f"msg_{secrets.token_hex(16)}"
        values = {"message": message, "request": request, "channel": channel}
        connection.execute(insert(outbox).values(**values, attempts=0, next=now, lease=0.0))


def due(store: Store, channel: str) -> float | None:
    """When something is to be sent next, in epoch seconds; None if nothing is.

    Raises:
        StoreError: the store cannot be read.
    """
    ((soonest,),) = store.database.glance(_soonest(channel))
    return None if soonest is None else float(soonest)


def take(store: Store, channel: str, now: float) -> Notice | None:
    """A notice that is due, which nobody else sends for a while; None if there is none.

    Raises:
        StoreError: it cannot be taken.
    """
    with store.begin() as connection:
        ready = select(outbox).where(
            outbox.c.channel == channel, outbox.c.next <= now, outbox.c.lease <= now
        )
        row = connection.execute(ready.order_by(outbox.c.id).limit(1)).first()
        if row is None:
            return None
        taken = {"lease": now + LEASE, "attempts": row.attempts + 1}
        connection.execute(update(outbox).where(outbox.c.id == row.id).values(**taken))
    return Notice(row.id, row.message, row.request, row.channel, row.attempts + 1)


def done(store: Store, notice: Notice) -> None:
    """Forget a notice: it was sent, or is of no use any more.

    Raises:
        StoreError: it is sent again.
    """
    with store.begin() as connection:
        connection.execute(delete(outbox).where(outbox.c.id == notice.id))


def later(store: Store, notice: Notice, at: float) -> None:
    """Have a notice sent again, `at` in epoch seconds.

    Raises:
        StoreError: it is, as soon as it is nobody's.
    """
    with store.begin() as connection:
        again = update(outbox).where(outbox.c.id == notice.id)
        connection.execute(again.values(next=at, lease=0.0))


def _soonest(channel: str) -> Select[tuple[float | None]]:
    """The time of the notice that is due first, and is nobody's by then."""
    from sqlalchemy import case

    ready = case((outbox.c.next > outbox.c.lease, outbox.c.next), else_=outbox.c.lease)
    return select(func.min(ready)).where(outbox.c.channel == channel)
