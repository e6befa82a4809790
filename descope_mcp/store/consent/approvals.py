"""Questions that wait for a person outside the client.

A request is answered by its number, in a terminal or in the console. An approval counts for the
call that was asked about, as things were then (its binding), is used once, and expires. Until it is
used, it can be taken back. Where several people have to approve, each has one vote, and one no is
enough.

An answer, the vote and the entry of the journal are one transaction: all of them are there or none.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, select

from descope_mcp.store.consent import outbox
from descope_mcp.store.consent.request import Answer, Request, as_request, needed
from descope_mcp.store.integrity import signed_rows, witness
from descope_mcp.store.integrity.signed_rows import Book
from descope_mcp.store.journal import acts, hash_chain
from descope_mcp.store.store import Store
from descope_mcp.store.tables import approvals, vote_marks, votes
from descope_mcp.telemetry.stages import passed

#: Seconds for which a request can be answered, and for which an approval can be used then.
WAITS = 24 * 3600.0
USABLE = 3600.0
#: Seconds after which an answered or expired request is forgotten.
KEPT = 30 * 24 * 3600.0
#: So many requests of a project may wait at a time: nobody reads more.
MOST_WAITING = 100


def file(
    store: Store,
    *,
    project: str,
    caller: str,
    operation: str,
    binding: str,
    question: str,
    typed: str,
    tell: Sequence[str] = (),
) -> Request | None:
    """The request for a call: the one that waits already, or a new one; None if too many wait.

    Of a new one the channels in `tell` are told (`outbox`).

    Raises:
        StoreError: it cannot be kept.
    """
    now = time.time()
    with signed_rows.book(store) as book:
        _forget(book, now - KEPT)
        waiting = those(book, *waits(now))
        for row in waiting:
            if row.binding == binding:
                return as_request(row)
        if sum(row.project == project for row in waiting) >= MOST_WAITING:
            return None
        made = book.insert(
            approvals,
            project=project,
            caller=caller,
            operation=operation,
            binding=binding,
            question=question,
            typed=typed,
            status="pending",
            created=now,
            expires=now + WAITS,
            reason="",
        )
        outbox.put(book.connection, made.number, tell, now)
    return as_request(made)


def requests(store: Store, *, pending: bool = False) -> list[Request]:
    """All requests, newest first; only those that can be answered if `pending`."""
    with signed_rows.book(store) as book:
        rows = those(book, *waits(time.time())) if pending else book.rows(approvals)
        return [as_request(row) for row in reversed(rows)]


def request(store: Store, number: int) -> Request | None:
    """The request with this number, None if there is none."""
    with signed_rows.book(store) as book:
        return next((as_request(row) for row in book.some(approvals, {number})), None)


def pending(store: Store) -> frozenset[int]:
    """The numbers of the requests that wait, as they stand: unproven, and nobody is waited for.

    Raises:
        StoreError: the store cannot be read.
    """
    waiting = select(approvals.c.number).where(*waits(time.time()))
    return frozenset(row.number for row in store.database.glance(waiting))


def answer(
    store: Store,
    number: int,
    *,
    approved: bool,
    reason: str = "",
    by: str = "person",
    way: str = "terminal",
    marks: frozenset[str] = frozenset(),
) -> Answer | None:
    """Record a person's answer, and why; None if the request can no longer be answered.

    Args:
        store: where it is.
        number: of the request.
        approved: whether it is a yes. It counts for the call once as many people have said it as
            the question asks for; a no counts at once.
        reason: what they say to it; the agent is told.
        by: who answers, for the journal and the votes.
        way: how: in a terminal, in the console.
        marks: by what else they are known: whoever has one of them has voted already.

    Raises:
        NotAsLeft: something is missing from the store.
        StoreError: it cannot be recorded, so that it does not count.
    """
    kind: acts.Kind = "approved" if approved else "denied"
    return _answered(store, number, ("pending",), kind, reason, by, way, marks)


def revoke(
    store: Store, number: int, reason: str = "", *, by: str = "person", way: str = "terminal"
) -> Answer | None:
    """Take back an approval that was not used, or a request; None if it does not count anyway."""
    return _answered(store, number, ("pending", "approved"), "revoked", reason, by, way)


def consume(store: Store, binding: str) -> int:
    """Use the approval of a call; its number, or 0 if there is none that counts.

    Raises:
        NotAsLeft: approvals are missing, or not as they were written.
        StoreError: it cannot be recorded, so it must not count.
    """
    if not is_any(store, approvals.c.binding == binding):
        return 0
    with signed_rows.book(store) as book:
        for row in those(book, approvals.c.binding == binding):
            if as_request(row).status == "approved":
                book.update(approvals, row, status="used")
                seconds = row.expires - USABLE - row.created
                passed("wait", seconds, channel="outside", answer="accepted")
                return int(row.number)
    return 0


def is_any(store: Store, alike: ColumnElement[bool]) -> bool:
    """Whether there is such a row at all; what allows nothing is not looked into."""
    with store.begin() as connection:
        named = select(approvals.c.number).where(alike)
        return connection.execute(named.limit(1)).first() is not None


def _answered(
    store: Store,
    number: int,
    statuses: tuple[str, ...],
    kind: acts.Kind,
    reason: str,
    by: str,
    way: str,
    marks: frozenset[str] = frozenset(),
) -> Answer | None:
    """Change a request that has one of these statuses, and write down who did; None if it has not.

    A second yes of the same person changes nothing.
    """
    now, about = time.time(), f"request {number}"
    with signed_rows.book(store) as book:
        row = next(iter(book.some(approvals, {number})), None)
        if row is None or as_request(row).status not in statuses:
            return None
        said, of = voters_in(book, number), needed(row.question)
        if kind == "approved":
            if by in said or marks & marks_in(book, number):
                return Answer(as_request(row), len(said), of, counted=False)
            book.insert(votes, request=number, by=by, way=way, at=now)
            said = [*said, by]
            for mark in sorted(marks) if of > 1 else ():
                book.insert(vote_marks, request=number, mark=mark)
            about += f", {len(said)} of {of}" if of > 1 else ""
        entry = acts.entry(
            kind, by=by, way=way, project=row.project, operation=row.operation, about=about
        )
        head = hash_chain.append(book.connection, store, entry)
        if kind != "approved" or len(said) >= of:
            expires = now + USABLE if kind == "approved" else now
            row = book.update(approvals, row, status=kind, expires=expires, reason=reason)
        else:
            # Whoever waits for another's vote hears of this one.
            book.changed = True
        after = Answer(as_request(row), len(said), of)
    witness.advance(store, journal=head)
    return after


def voters_in(book: Book, number: int) -> list[str]:
    """Who has approved a request so far, in the order in which they did."""
    return [vote.by for vote in book.some(votes, {number})]


def marks_in(book: Book, number: int) -> frozenset[str]:
    """By what else those are known who have approved a request so far."""
    return frozenset(row.mark for row in book.some(vote_marks, {number}))


def waits(now: float) -> tuple[ColumnElement[bool], ...]:
    """What tells a request that can be answered from others."""
    return approvals.c.status == "pending", approvals.c.expires > now


def those(book: Book, *where: ColumnElement[bool]) -> list[Row[Any]]:
    """The genuine requests that are like this, in their order; of the others few are looked at."""
    found = book.connection.execute(select(approvals.c.number).where(*where))
    return book.some(approvals, set(found.scalars()))


def _forget(book: Book, before: float) -> None:
    """Take out the requests that were made earlier, with their votes."""
    for row in those(book, approvals.c.created < before):
        book.delete(approvals, row)
        for table in (votes, vote_marks):
            for one in book.some(table, {row.number}):
                book.delete(table, one)
