"""Requests as a page shows them: proven is what is shown, however many others are kept."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import and_, not_, select

from descope_mcp.store.consent.approvals import marks_in, voters_in, waits
from descope_mcp.store.consent.request import Request, as_request
from descope_mcp.store.integrity import signed_rows
from descope_mcp.store.store import Store
from descope_mcp.store.tables import approvals, factor


class Overview(NamedTuple):
    """Requests by their numbers, newest first, who has approved each, and if a yes needs digits.

    ``marks`` is by what else those are known who have approved.
    """

    requests: Mapping[int, Request]
    voters: Mapping[int, Sequence[str]]
    marks: Mapping[int, frozenset[str]]
    code: bool


class Page(NamedTuple):
    """Some of the requests that are over, newest first; ``more`` if there are older ones."""

    requests: Sequence[Request]
    more: bool


def newest(store: Store, most: int) -> list[Request]:
    """The requests with the largest numbers, `most` of them, newest first.

    Raises:
        NotAsLeft: something is missing from the store.
        StoreError: it cannot be read.
    """
    named = select(approvals.c.number).order_by(approvals.c.number.desc()).limit(most)
    with signed_rows.book(store) as book:
        rows = book.some(approvals, set(book.connection.execute(named).scalars()))
        return [as_request(row) for row in reversed(rows)]


def over(store: Store, most: int, before: int = 0) -> Page:
    """Requests that cannot be answered any more, or were approved: `most`, newest first.

    Args:
        store: where they are.
        most: so many.
        before: only those with a smaller number, 0 for all.

    Raises:
        NotAsLeft: something is missing from the store.
        StoreError: it cannot be read.
    """
    older = [approvals.c.number < before] if before else []
    ended = not_(and_(*waits(time.time())))
    named = select(approvals.c.number).where(ended, *older).order_by(approvals.c.number.desc())
    with signed_rows.book(store) as book:
        numbers = book.connection.execute(named.limit(most + 1)).scalars().all()
        rows = book.some(approvals, set(numbers[:most]))
        return Page([as_request(row) for row in reversed(rows)], len(numbers) > most)


def overview(store: Store, *numbers: int) -> Overview:
    """The requests with these numbers with what belongs to them, as they are at one moment.

    Raises:
        NotAsLeft: something is missing from the store.
        StoreError: it cannot be read.
    """
    with signed_rows.book(store) as book:
        found = {row.number: as_request(row) for row in reversed(book.some(approvals, numbers))}
        voters = {number: voters_in(book, number) for number in found}
        marks = {number: marks_in(book, number) for number in found}
        return Overview(found, voters, marks, bool(book.rows(factor)))


def voters(store: Store, number: int) -> list[str]:
    """Who has approved a request so far, in the order in which they did."""
    with signed_rows.book(store) as book:
        return voters_in(book, number)
