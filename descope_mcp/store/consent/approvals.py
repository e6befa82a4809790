"""Questions that wait for a person outside the client.

A request is answered by its number, in a terminal or in the console. An approval counts for the
call that was asked about, as things were then (its binding), is used once, and expires. Until it is
used, it can be taken back. Where several people have to approve, each has one vote, and one no is
enough.

An answer, the vote and the entry of the journal are one transaction: all of them are there or none.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Row, select

from descope_mcp.store import signed_rows
from descope_mcp.store.consent import outbox
from descope_mcp.store.journal import acts, hash_chain
from descope_mcp.store.signed_rows import Book
from descope_mcp.store.store import Store
from descope_mcp.store.tables import approvals, factor, votes
from descope_mcp.telemetry.stages import passed

#: Seconds for which a request can be answered, and for which an approval can be used then.
WAITS = 24 * 3600.0
USABLE = 3600.0
#: Seconds after which an answered or expired request is forgotten.
KEPT = 30 * 24 * 3600.0
#: So many requests of a project may wait at a time: nobody reads more.
MOST_WAITING = 100


@dataclass(frozen=True, slots=True)
class Request:
    """A question in the store. ``status``: pending, approved, denied, revoked, used or expired.

    ``reason`` is what a person said who denied or revoked it. ``expires`` is when it was, then.
    """

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
    reason: str = ""


class Answer(NamedTuple):
    """What became of an answer: the request afterwards, and how many of how many have said yes.

    ``counted`` is False where the same person had said yes already.
    """

    request: Request
    votes: int
    needed: int
    counted: bool = True


class Overview(NamedTuple):
    """Requests by their numbers, newest first, who has approved each, and if a yes needs digits."""

    requests: Mapping[int, Request]
    voters: Mapping[int, Sequence[str]]
    code: bool


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
        requests = _forget(book, now - KEPT)
        waiting = [row for row in requests if row.status == "pending" and row.expires > now]
        for row in waiting:
            if row.binding == binding:
                return _request(row)
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
    return _request(made)


def requests(store: Store, *, pending: bool = False) -> list[Request]:
    """All requests, newest first; only those that can be answered if `pending`."""
    with signed_rows.book(store) as book:
        found = [_request(row) for row in reversed(book.rows(approvals))]
    return [r for r in found if r.status == "pending"] if pending else found


def request(store: Store, number: int) -> Request | None:
    """The request with this number, None if there is none."""
    return next((r for r in requests(store) if r.number == number), None)


def pending(store: Store) -> frozenset[int]:
    """The numbers of the requests that wait, as they stand: unproven, and nobody is waited for.

    Raises:
        StoreError: the store cannot be read.
    """
    waiting = select(approvals.c.number).where(
        approvals.c.status == "pending", approvals.c.expires > time.time()
    )
    return frozenset(row.number for row in store.database.glance(waiting))


def answer(
    store: Store,
    number: int,
    *,
    approved: bool,
    reason: str = "",
    by: str = "person",
    way: str = "terminal",
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

    Raises:
        NotAsLeft: something is missing from the store.
        StoreError: it cannot be recorded, so that it does not count.
    """
    kind: acts.Kind = "approved" if approved else "denied"
    return _answered(store, number, ("pending",), kind, reason, by, way)


def revoke(
    store: Store, number: int, reason: str = "", *, by: str = "person", way: str = "terminal"
) -> Answer | None:
    """Take back an approval that was not used, or a request; None if it does not count anyway."""
    return _answered(store, number, ("pending", "approved"), "revoked", reason, by, way)


def overview(store: Store) -> Overview:
    """All requests with what belongs to them, as they are at one moment.

    Raises:
        NotAsLeft: something is missing from the store.
        StoreError: it cannot be read.
    """
    with signed_rows.book(store) as book:
        voters: dict[int, list[str]] = {}
        for vote in book.rows(votes):
            voters.setdefault(vote.request, []).append(vote.by)
        found = {row.number: _request(row) for row in reversed(book.rows(approvals))}
        return Overview(found, voters, bool(book.rows(factor)))


def voters(store: Store, number: int) -> list[str]:
    """Who has approved a request so far, in the order in which they did."""
    with signed_rows.book(store) as book:
        return _voters(book, number)


def needed(question: str) -> int:
    """How many people have to approve, by the question as it is kept."""
    try:
        return max(1, int(json.loads(question)["approvals"]))
    except (ValueError, KeyError, TypeError):
        return 1  # a question of an earlier version


def denial(store: Store, binding: str, seconds: float) -> Request | None:
    """The request of a call, if a person denied or revoked it within the last `seconds`."""
    since = time.time() - seconds
    if not _named(store, binding):
        return None
    for found in requests(store):
        if found.binding == binding:
            said_no = found.status in ("denied", "revoked") and found.expires > since
            return found if said_no else None
    return None


def outdated(store: Store, binding: str, common: int) -> Request | None:
    """The newest approval of the same call as things were before: it no longer counts.

    The bindings of one call have their first `common` characters in common.
    """
    for found in requests(store):
        alike = found.binding[:common] == binding[:common] and found.binding != binding
        if alike and found.status == "approved":
            return found
    return None


def consume(store: Store, binding: str) -> int:
    """Use the approval of a call; its number, or 0 if there is none that counts.

    Raises:
        NotAsLeft: approvals are missing, or not as they were written.
        StoreError: it cannot be recorded, so it must not count.
    """
    if not _named(store, binding):
        return 0
    with signed_rows.book(store) as book:
        for row in book.rows(approvals):
            if row.binding == binding and _request(row).status == "approved":
                book.update(approvals, row, status="used")
                seconds = row.expires - USABLE - row.created
                passed("wait", seconds, channel="outside", answer="accepted")
                return int(row.number)
    return 0


def _named(store: Store, binding: str) -> bool:
    """Whether there is a row at all for this call; what allows nothing is not looked into."""
    with store.begin() as connection:
        named = select(approvals.c.number).where(approvals.c.binding == binding)
        return connection.execute(named.limit(1)).first() is not None


def _answered(
    store: Store,
    number: int,
    statuses: tuple[str, ...],
    kind: acts.Kind,
    reason: str,
    by: str,
    way: str,
) -> Answer | None:
    """Change a request that has one of these statuses, and write down who did; None if it has not.

    A second yes of the same person changes nothing.
    """
    now, about = time.time(), f"request {number}"
    with signed_rows.book(store) as book:
        row = next((row for row in book.rows(approvals) if row.number == number), None)
        if row is None or _request(row).status not in statuses:
            return None
        said, of = _voters(book, number), needed(row.question)
        if kind == "approved":
            if by in said:
                return Answer(_request(row), len(said), of, counted=False)
            book.insert(votes, request=number, by=by, way=way, at=now)
            said = [*said, by]
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
        after = Answer(_request(row), len(said), of)
    signed_rows.advance(store, journal=head)
    return after


def _voters(book: Book, number: int) -> list[str]:
    return [vote.by for vote in book.rows(votes) if vote.request == number]


def _forget(book: Book, before: float) -> list[Row[Any]]:
    """The requests that are kept, without those that were made earlier."""
    rows = book.rows(approvals)
    for row in rows:
        if row.created < before:
            book.delete(approvals, row)
            for vote in book.rows(votes):
                if vote.request == row.number:
                    book.delete(votes, vote)
    return [row for row in rows if row.created >= before]


def _request(row: Row[Any]) -> Request:
    columns = {name: value for name, value in row._mapping.items() if name != "signature"}
    if row.status in ("pending", "approved") and row.expires <= time.time():
        columns["status"] = "expired"
    return Request(**columns)
