"""Questions that wait for a person outside the client.

A request is answered by its number, in a terminal. An approval counts for the call that was asked
about, as things were then (its binding), is used once, and expires.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from sqlalchemy import Row, delete, func, select, update

from descope_mcp.store.store import Store
from descope_mcp.store.tables import approvals

#: Seconds for which a request can be answered, and for which an approval can be used then.
WAITS = 24 * 3600.0
USABLE = 3600.0
#: Seconds after which an answered or expired request is forgotten.
KEPT = 30 * 24 * 3600.0
#: So many requests of a project may wait at a time: nobody reads more.
MOST_WAITING = 100


@dataclass(frozen=True, slots=True)
class Request:
    """A question in the store. ``status``: pending, approved, denied, used or expired."""

    number: int
    project: str
    caller: str
    operation: str
    binding: str
    question: str
    typed: str
    status: str
    created: float
    expires: float


def file(
    store: Store,
    *,
    project: str,
    caller: str,
    operation: str,
    binding: str,
    question: str,
    typed: str,
) -> Request | None:
    """The request for a call: the one that waits already, or a new one; None if too many wait.

    Raises:
        StoreError: it cannot be kept.
    """
    now = time.time()
    with store.database.begin() as connection:
        connection.execute(delete(approvals).where(approvals.c.created < now - KEPT))
        waiting = connection.execute(
            select(approvals).where(
                approvals.c.binding == binding,
                approvals.c.status == "pending",
                approvals.c.expires > now,
            )
        ).first()
        if waiting is None:
            others = select(func.count()).where(
                approvals.c.project == project,
                approvals.c.status == "pending",
                approvals.c.expires > now,
            )
            if connection.execute(others).scalar_one() >= MOST_WAITING:
                return None
            made = approvals.insert().values(
                project=project,
                caller=caller,
                operation=operation,
                binding=binding,
                question=question,
                typed=typed,
                status="pending",
                created=now,
                expires=now + WAITS,
            )
            waiting = connection.execute(made.returning(approvals)).one()
    return _request(waiting)


def requests(store: Store, *, pending: bool = False) -> list[Request]:
    """All requests, newest first; only those that can be answered if `pending`."""
    with store.database.begin() as connection:
        rows = connection.execute(select(approvals).order_by(approvals.c.number.desc())).all()
    found = [_request(row) for row in rows]
    return [r for r in found if r.status == "pending"] if pending else found


def request(store: Store, number: int) -> Request | None:
    """The request with this number, None if there is none."""
    with store.database.begin() as connection:
        row = connection.execute(select(approvals).where(approvals.c.number == number)).first()
    return _request(row) if row else None


def answer(store: Store, number: int, *, approved: bool) -> bool:
    """Record a person's answer; False if the request can no longer be answered."""
    now = time.time()
    status, expires = ("approved", now + USABLE) if approved else ("denied", now)
    with store.database.begin() as connection:
        changed = connection.execute(
            update(approvals)
            .where(
                approvals.c.number == number,
                approvals.c.status == "pending",
                approvals.c.expires > now,
            )
            .values(status=status, expires=expires)
        )
    return changed.rowcount == 1


def consume(store: Store, binding: str) -> int:
    """Use the approval of a call; its number, or 0 if there is none that counts.

    Raises:
        StoreError: it cannot be recorded, so it must not count.
    """
    usable = (
        approvals.c.binding == binding,
        approvals.c.status == "approved",
        approvals.c.expires > time.time(),
    )
    with store.database.begin() as connection:
        number = connection.execute(select(approvals.c.number).where(*usable).limit(1)).scalar()
        if number is None:
            return 0
        chosen = update(approvals).where(approvals.c.number == number, *usable)
        used = connection.execute(chosen.values(status="used"))
    return int(number) if used.rowcount == 1 else 0


def _request(row: Row[tuple[object, ...]]) -> Request:
    fields = dict(row._mapping)
    if fields["status"] in ("pending", "approved") and fields["expires"] <= time.time():
        fields["status"] = "expired"
    return Request(**fields)
