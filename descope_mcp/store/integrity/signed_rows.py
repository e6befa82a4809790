"""Rows that allow or forbid something: signed, counted, and remembered beside the key.

Whoever can write the database but has not the key must gain nothing by it.

- *A row that was made or changed* has no signature that fits: it counts as absent and is reported.
- *A row that was taken out, or put back as it was once,* shows in the ledger: it holds, for each
  part of a table, the sum of the signatures of its rows (modulo 2^256, so that a row can be added
  and taken away without reading the others).
- *A ledger that was put back* is older than the one that the witness remembers.

The last two are raised as `NotAsLeft`, wherever it matters: an allowing row that is not there
allows nothing, so a part is summed up only before one of its rows counts.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Table,
    delete,
    insert,
    select,
    update,
)

from descope_mcp.store.errors import NotAsLeft
from descope_mcp.store.integrity import ledger, witness
from descope_mcp.store.integrity.row_sums import MODULUS, SUMMED, signed, sum_name, undivided_name
from descope_mcp.store.integrity.witness import Head
from descope_mcp.store.key import Key
from descope_mcp.store.tables import factor, sealed

if TYPE_CHECKING:
    from descope_mcp.store.store import Store


#: No row has a larger number.
_LARGEST = 2**31 - 1


class Book:
    """The signed rows within one transaction."""

    def __init__(self, connection: Connection, store: Store) -> None:
        """Read the ledger.

        Raises:
            NotAsLeft: it is gone, was changed, or is older than what the witness remembers.
        """
        self.connection = connection
        self.changed = False
        self._store = store
        self._seen = witness.read(store.witness_file)
        self.generation, content = ledger.read(connection, store.key, self._seen)
        self._sums: dict[str, str] = content["sums"]
        #: Confirmations that expire before this (epoch seconds) are void.
        self.void_until: float = content["void_until"]
        self._id: str = content.get("store", "")

    def rows(self, table: Table, **part: Any) -> list[Row[Any]]:
        """The genuine rows of a table, or of the part of it with these values, in their order.

        Raises:
            NotAsLeft: one is missing, or is not as it was written last.
        """
        where = [table.c[name] == value for name, value in part.items()]
        return self._proven(table, where, [sum_name(table, part)] if part else None)

    def some(self, table: Table, numbers: Collection[int]) -> list[Row[Any]]:
        """The genuine rows with these numbers; only the parts that they are in are looked at.

        Raises:
            NotAsLeft: a row of these parts is missing, or is not as it was written last.
        """
        ((name,), size) = SUMMED[table]
        found = list[Row[Any]]()
        for part in sorted({number // size for number in numbers if 0 < number <= _LARGEST}):
            where = table.c[name].between(part * size, part * size + size - 1)
            named = sum_name(table, {name: part * size})
            rows = self._proven(table, [where], [named])
            found += [row for row in rows if row._mapping[name] in numbers]
        return found

    def _proven(
        self, table: Table, where: list[ColumnElement[bool]], sums: Collection[str] | None
    ) -> list[Row[Any]]:
        self.divide(table)
        genuine, forged, whole = self._audit(table, where, sums)
        if forged:
            self._store.report(_forged(table, forged))
        if not whole:
            raise NotAsLeft(f"the rows of {table.name} are not those that were written")
        return genuine

    def _audit(
        self,
        table: Table,
        where: Collection[ColumnElement[bool]] = (),
        sums: Collection[str] | None = None,
    ) -> tuple[list[Row[Any]], list[Row[Any]], bool]:
        """The genuine and the forged rows, and whether the genuine ones are all of these sums."""
        genuine, forged = list[Row[Any]](), list[Row[Any]]()
        totals: dict[str, int] = {}
        for row in self.connection.execute(
            select(table).where(*where).order_by(*table.primary_key)
        ):
            signature = signed(self._store.key, table, row._mapping)
            if row.signature == signature:
                genuine.append(row)
                name = sum_name(table, row._mapping)
                totals[name] = (totals.get(name, 0) + int(signature, 16)) % MODULUS
            else:
                forged.append(row)
        written = [n for n in self._sums if n.partition(" ")[0] == table.name]
        expected = {n: int(self._sums[n], 16) for n in written if sums is None or n in sums}
        return genuine, forged, {n: total for n, total in totals.items() if total} == expected

    def divide(self, table: Table) -> None:
        """Sum up by its parts a table that an earlier version has summed up as a whole.

        Raises:
            NotAsLeft: a row is missing, or is not as it was written last.
        """
        undivided = undivided_name(table)
        if undivided not in self._sums:
            return
        genuine, _, _ = self._audit(table)
        totals: dict[str, int] = {}
        for row in genuine:
            name = sum_name(table, row._mapping)
            totals[name] = (totals.get(name, 0) + int(row.signature, 16)) % MODULUS
        if sum(totals.values()) % MODULUS != int(self._sums[undivided], 16):
            raise NotAsLeft(f"the rows of {table.name} are not those that were written")
        del self._sums[undivided]
        self._sums |= {name: f"{total:x}" for name, total in totals.items() if total}
        self.changed = True

    def insert(self, table: Table, **values: Any) -> Row[Any]:
        """Add a row."""
        row = self.connection.execute(insert(table).values(**values).returning(table)).one()
        return self._sign(table, row, None)

    def update(self, table: Table, row: Row[Any], **values: Any) -> Row[Any]:
        """Change a genuine row."""
        statement = update(table).where(_same(table, row)).values(**values).returning(table)
        return self._sign(table, self.connection.execute(statement).one(), row)

    def delete(self, table: Table, row: Row[Any]) -> None:
        """Take a genuine row out."""
        self.connection.execute(delete(table).where(_same(table, row)))
        self._add(table, row, -int(row.signature, 16))

    def _sign(self, table: Table, row: Row[Any], before: Row[Any] | None) -> Row[Any]:
        signature = signed(self._store.key, table, row._mapping)
        statement = update(table).where(_same(table, row)).values(signature=signature)
        row = self.connection.execute(statement.returning(table)).one()
        self._add(table, row, int(signature, 16) - (int(before.signature, 16) if before else 0))
        return row

    def _add(self, table: Table, row: Row[Any], number: int) -> None:
        name = sum_name(table, row._mapping)
        total = (int(self._sums.get(name, "0"), 16) + number) % MODULUS
        self._sums[name] = f"{total:x}"
        if not total:
            del self._sums[name]
        self.changed = True

    def close(self) -> tuple[Head, Mapping[str, Any] | None] | None:
        """Write the ledger, if something was changed.

        Returns:
            Its head and the second factor, for the witness; None if the witness knows them.
        """
        if self.changed:
            content = {"sums": self._sums, "void_until": self.void_until, "store": self._id}
            end = ledger.write(self.connection, self._store.key, self.generation + 1, content)
            self._store.database.announce(self.connection)
        elif self._seen and self.generation > self._seen.ledger[0]:
            end = ledger.head(self.connection)  # another replica has changed something
        else:
            return None
        # What was done to the second factor from outside is not remembered as if it were true.
        whole = self._audit(factor)[2]
        return end, factor_row(self.connection) if whole or not self._seen else self._seen.factor


@contextmanager
def book(store: Store) -> Iterator[Book]:
    """A transaction over the signed rows. What it changes is witnessed when the context ends.

    Raises:
        NotAsLeft: the ledger is not the one that was written last.
        StoreError: the store cannot be used, or the witness not be written.
    """
    with store.begin() as connection:
        opened = Book(connection, store)
        yield opened
        closed = opened.close()
    if closed:
        witness.advance(store, ledger=closed)


def adopt(connection: Connection, key: Key) -> None:
    """Sign every row as it is, and begin a ledger: only for what no key has signed yet."""
    for row in connection.execute(select(sealed)).all():
        signature = signed(key, sealed, row._mapping)
        connection.execute(update(sealed).where(_same(sealed, row)).values(signature=signature))
    begin(connection, key, generation=1, store=uuid.uuid4().hex)


def begin(
    connection: Connection, key: Key, *, generation: int, store: str, void: float = 0.0
) -> None:
    """Sign every row that is summed up as it is, and begin a ledger of the store with this id."""
    sums: dict[str, int] = {}
    for table in SUMMED:
        for row in connection.execute(select(table)).all():
            signature = signed(key, table, row._mapping)
            connection.execute(update(table).where(_same(table, row)).values(signature=signature))
            name = sum_name(table, row._mapping)
            sums[name] = (sums.get(name, 0) + int(signature, 16)) % MODULUS
    written = {name: f"{total:x}" for name, total in sums.items()}
    content = {"sums": written, "void_until": void, "store": store}
    ledger.write(connection, key, generation, content)


def factor_row(connection: Connection) -> dict[str, Any] | None:
    """The row of the second factor as the witness remembers it."""
    row = connection.execute(select(factor)).one_or_none()
    if row is None:
        return None
    return {name: value for name, value in row._mapping.items() if name != "signature"}


def problems(connection: Connection, store: Store) -> list[str]:
    """What is wrong with the signed rows, in sentences without personal data."""
    try:
        opened = Book(connection, store)
    except NotAsLeft as error:
        return [error.what]
    found = []
    for table in SUMMED:
        with suppress(NotAsLeft):
            opened.divide(table)
        _, forged, whole = opened._audit(table)
        found += [_forged(table, forged)] if forged else []
        found += [] if whole else [f"rows of {table.name} are missing or older than written"]
    return list(dict.fromkeys(found))


def _same(table: Table, row: Row[Any]) -> Any:
    (key,) = table.primary_key
    return key == row._mapping[key]


def _forged(table: Table, rows: list[Row[Any]]) -> str:
    return f"{len(rows)} row(s) of {table.name} were not written by this program and do not count"
