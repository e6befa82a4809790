"""What a person allowed ahead: an operation, with arguments like these, so often, until then."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Row, select

from descope_mcp.store.integrity import signed_rows, witness
from descope_mcp.store.integrity.signed_rows import Book
from descope_mcp.store.integrity.witness import Head
from descope_mcp.store.journal import acts, hash_chain
from descope_mcp.store.store import Store
from descope_mcp.store.tables import grants

#: Where the row has the caller, among the patterns: no argument's path begins like this.
_CALLER = "@caller"


@dataclass(frozen=True, slots=True)
class Grant:
    """A permission given ahead. ``arguments`` are globs by path; `left` of `items` remain.

    ``caller`` is a glob too; without one everybody may use it.
    """

    id: int
    project: str
    operation: str
    arguments: dict[str, str]
    items: int
    left: int
    created: float
    expires: float
    revoked: bool
    caller: str = ""

    @property
    def usable(self) -> bool:
        """Whether it still allows anything."""
        return not self.revoked and self.left > 0 and self.expires > time.time()


class Wanted(NamedTuple):
    """What a call needs of a grant."""

    operation: str
    items: int
    fits: Callable[[Grant], bool]


def create(
    store: Store,
    *,
    project: str,
    operation: str,
    arguments: Mapping[str, str],
    items: int,
    seconds: float,
    caller: str = "",
    by: str = "person",
    way: str = "terminal",
) -> Grant:
    """A new grant, for `items` items within `seconds` from now; for `caller` alone, if given.

    Who gives it (`by`), and how (`way`), is written into the journal in the same transaction.

    Raises:
        StoreError: it cannot be recorded, so that it does not count.
    """
    now = time.time()
    with signed_rows.book(store) as book:
        made = book.insert(
            grants,
            project=project,
            operation=operation,
            arguments=_patterns(arguments, caller),
            items=items,
            left=items,
            created=now,
            expires=now + seconds,
            revoked=False,
        )
        head = _recorded(book, store, "granted", made, by, way)
    witness.advance(store, journal=head)
    return _grant(made)


def listed(store: Store, project: str = "") -> list[Grant]:
    """All grants, newest first."""
    with signed_rows.book(store) as book:
        rows = book.rows(grants)
    return [_grant(row) for row in reversed(rows) if project in ("", row.project)]


def standing(store: Store, grant: int) -> Grant | None:
    """A grant that was neither revoked nor is over, whatever is left of it; None if it is not so.

    Raises:
        NotAsLeft: grants are missing, or not as they were written.
        StoreError: it cannot be told.
    """
    with signed_rows.book(store) as book:
        found = next((_grant(row) for row in book.rows(grants) if row.id == grant), None)
    stands = found and not found.revoked and found.expires > time.time()
    return found if stands else None


def revoke(store: Store, grant: int, *, by: str = "person", way: str = "terminal") -> bool:
    """End a grant; False if there is none, or it has ended."""
    return _changed(store, grant, "revoked", by, way, lambda _: {"revoked": True}) is not None


def narrow(
    store: Store,
    grant: int,
    *,
    left: int,
    expires: float,
    arguments: Mapping[str, str],
    by: str = "person",
    way: str = "terminal",
) -> Grant | None:
    """Let a grant allow less; None if there is none, or it has ended.

    What it has left and when it ends only becomes less, whatever is given here. That its new
    patterns (`arguments`) take in no more than the old ones is known to whoever calls.
    """

    def less(now: Grant) -> dict[str, Any]:
        return {
            "left": min(now.left, left),
            "expires": min(now.expires, expires),
            "arguments": _patterns(arguments, now.caller),
        }

    return _changed(store, grant, "narrowed", by, way, less)


def _changed(
    store: Store,
    grant: int,
    kind: acts.Kind,
    by: str,
    way: str,
    change: Callable[[Grant], Mapping[str, Any]],
) -> Grant | None:
    """Change a grant that has not ended, and write down who did; None if there is none."""
    with signed_rows.book(store) as book:
        row = next((row for row in book.rows(grants) if row.id == grant), None)
        if row is None or row.revoked:
            return None
        row = book.update(grants, row, **change(_grant(row)))
        head = _recorded(book, store, kind, row, by, way)
    witness.advance(store, journal=head)
    return _grant(row)


def _recorded(book: Book, store: Store, kind: acts.Kind, row: Row[Any], by: str, way: str) -> Head:
    entry = acts.entry(
        kind,
        by=by,
        way=way,
        project=row.project,
        operation=row.operation,
        about=f"grant {row.id}",
    )
    return hash_chain.append(book.connection, store, entry)


def _patterns(arguments: Mapping[str, str], caller: str) -> str:
    return json.dumps({**arguments, **({_CALLER: caller} if caller else {})})


def consume(
    store: Store, *, project: str, operation: str, items: int, fits: Callable[[Grant], bool]
) -> int:
    """Take `items` from a grant that fits; its id, or 0 if none does.

    Raises:
        NotAsLeft: grants are missing, or not as they were written.
        StoreError: it cannot be recorded, so it must not count.
    """
    named = (grants.c.project == project, grants.c.operation == operation)
    with store.begin() as connection:
        if connection.execute(select(grants.c.id).where(*named).limit(1)).first() is None:
            return 0
    with signed_rows.book(store) as book:
        for row in sorted(book.rows(grants), key=lambda row: float(row.expires)):
            grant = _grant(row)
            mine = (grant.project, grant.operation) == (project, operation)
            if mine and grant.usable and grant.left >= items and fits(grant):
                book.update(grants, row, left=grant.left - items)
                return grant.id
    return 0


def consume_all(store: Store, project: str, wanted: Sequence[Wanted], *, take: bool) -> list[int]:
    """Take what several calls need from grants that fit, or with `take` False see what could be.

    Returns:
        For each call the id of a grant, 0 where none has enough left for it.

    Raises:
        NotAsLeft: grants are missing, or not as they were written.
        StoreError: it cannot be recorded, so it must not count.
    """
    named = {one.operation for one in wanted}
    with store.begin() as connection:
        mine = (grants.c.project == project, grants.c.operation.in_(named))
        if connection.execute(select(grants.c.id).where(*mine).limit(1)).first() is None:
            return [0] * len(wanted)
    with signed_rows.book(store) as book:
        rows = {row.id: row for row in sorted(book.rows(grants), key=lambda row: row.expires)}
        known = {number: _grant(row) for number, row in rows.items()}
        left = {number: grant.left for number, grant in known.items() if grant.usable}
        used: list[int] = []
        for one in wanted:
            fitting = (
                number
                for number in left
                if (known[number].project, known[number].operation) == (project, one.operation)
                and left[number] >= one.items
                and one.fits(known[number])
            )
            number = next(fitting, 0)
            used.append(number)
            if number:
                left[number] -= one.items
        for number in dict.fromkeys(used) if take else ():
            if number:
                book.update(grants, rows[number], left=left[number])
    return used


def _grant(row: Row[Any]) -> Grant:
    columns = {name: value for name, value in row._mapping.items() if name != "signature"}
    patterns = json.loads(str(row.arguments))
    return Grant(**columns | {"caller": patterns.pop(_CALLER, ""), "arguments": patterns})
