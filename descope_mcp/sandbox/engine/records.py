"""The records of all tables, with their indexes and transactions.

Only `add`, `change` and `delete` write. What they hand out is the record itself: it is to be read,
never written to, and neither are the lists and objects in it (build new ones for `change`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple

from descope_mcp.sandbox.engine import constraints
from descope_mcp.sandbox.engine.errors import INVALID, DescopeError
from descope_mcp.sandbox.engine.fields import Record, copied
from descope_mcp.sandbox.engine.ids import new_id
from descope_mcp.sandbox.engine.rows import Rows
from descope_mcp.sandbox.engine.tables import TABLES, Reference, Table, named, referring, replaced

#: Keeps what a transaction wrote: table, key, place, and the record or None if it is gone.
Save = Callable[[Iterable[tuple[Table, str, int, Record | None]]], None]


class _Write(NamedTuple):
    """One write, and the record with its place as they were before: None if there was none."""

    table: Table
    key: str
    before: Record | None
    serial: int


@dataclass(slots=True, kw_only=True)
class Records:
    """What is stored, and where it is kept: in memory, and by `save` if there is one."""

    random: Random
    rows: dict[str, Rows] = field(default_factory=dict)
    log: list[_Write] = field(default_factory=list)
    depth: int = 0
    save: Save | None = None
    search_delay: float = 0
    recent: list[tuple[float, _Write, Record | None]] = field(default_factory=list)
    #: The id of the next record whose kind it fits, instead of a random one.
    pinned: str = ""

    def add(self, table: Table, record: Mapping[str, Any]) -> Record:
        """Store a new record: the template's fields, those of `record`, and an id if it has none.

        Raises:
            DescopeError: something that must be unique is taken, or a reference names nothing.
        """
        new = {**copied(dict(table.template)), **record}
        if table.letter and not new.get(table.key):
            new[table.key] = self.new_id(table.letter)
        if new[table.key] in self.rows_of(table).records:
            taken = [u.taken for u in table.unique if u.fields == (table.key,)]
            if not taken:
                raise ValueError(f"{table.name} has {new[table.key]} already")
            raise DescopeError(taken[0], f"{taken[0].description}: {new[table.key]}")
        constraints.check(self, table, new, new)
        self._write(table, new[table.key], new)
        return new

    def get(self, table: Table, key: str) -> Record:
        """The record with this key, or the table's error."""
        record = self.rows_of(table).records.get(key)
        if record is None:
            raise DescopeError(table.missing, f"{table.missing.description}: {key}")
        return record

    def find(self, table: Table, **fields: Any) -> Record | None:
        """The first record that has these values; at once if the table declares them unique."""
        return next(iter(self._found(table, fields)), None)

    def all(self, table: Table, **fields: Any) -> list[Record]:
        """Every record, or every one that has these values, in order of creation.

        A path is given as ``**{"userTenants[].tenantId": ...}``.
        """
        return list(self._found(table, fields) if fields else self.rows_of(table).records.values())

    def containing(self, table: Table, text: str) -> set[str]:
        """The keys of the records with `text`, whatever its case, in a field that is searched."""
        wanted = text.casefold()
        return {key for key, searched in self.rows_of(table).texts.items() if wanted in searched}

    def change(self, table: Table, record: Mapping[str, Any], fields: Mapping[str, Any]) -> Record:
        """Write `fields` into the record; the references that name it by one of them follow.

        Raises:
            DescopeError: as for `add`.
        """
        key = record[table.key]
        before = self.get(table, key)
        new = {**before, **fields}
        constraints.check(self, table, new, fields)
        for other, reference in referring(table):
            if reference.by in fields and before[reference.by] != new[reference.by]:
                self._follow(table, before, other, reference, new[reference.by])
        # What followed may have been a field of this very record.
        return self._write(table, key, {**self.get(table, key), **fields})

    def delete(self, table: Table, key: str) -> Record:
        """Take a record away, and do with the references to it what they declare.

        Raises:
            DescopeError: there is no such record, or a reference forbids it.
        """
        record = self.get(table, key)
        for other, reference in referring(table):
            if reference.on_delete != "keep":
                self._follow(table, record, other, reference, None)
        if key in self.rows_of(table).records:
            self._write(table, key, None)
        return record

    def export(self) -> dict[str, list[Record]]:
        """Every record by its table's name."""
        return {n: list(rows.records.values()) for n, rows in self.rows.items() if rows.records}

    def replace(self, records: Mapping[str, Iterable[Record]]) -> None:
        """Put `records`, as `export` gives them, in the place of everything.

        Raises:
            DescopeError: there is no such table, or something is not unique or names nothing.
        """
        with self.transaction():
            for name, rows in self.rows.items():
                for key in list(rows.records):
                    self._write(TABLES[name], key, None)
            self.merge(records)

    def merge(self, records: Mapping[str, Iterable[Record]]) -> None:
        """Put `records` beside those that are there, or in their place, with what they leave out.

        They may name one another in any order.

        Raises:
            DescopeError: as for `replace`; ``at`` says which record it is.
        """
        with self.transaction():
            for name, items in records.items():
                if name not in TABLES:
                    raise DescopeError(INVALID, f"There is no table {name}")
                table = TABLES[name]
                for item in items:
                    new = {**copied(dict(table.template)), **item}
                    if table.letter and not new.get(table.key):
                        new[table.key] = self.new_id(table.letter)
                    if not isinstance(new.get(table.key), str):
                        raise DescopeError(INVALID, f"A record of {name} has no key")
                    self._write(table, new[table.key], new)
            for name, rows in self.rows.items():
                for key, record in rows.records.items():
                    try:
                        constraints.check(self, TABLES[name], record, record)
                    except DescopeError as error:
                        error.at = (name, key)
                        raise

    def new_id(self, letter: str) -> str:
        """A new id, which begins with the letter of its kind."""
        if self.pinned and self.pinned.startswith(letter):
            pinned, self.pinned = self.pinned, ""
            return pinned
        return new_id(self.random, letter)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """If the context is left by an exception, nothing that was written in it stays.

        Transactions may lie in one another. What the outermost wrote is saved before it ends.
        """
        start = len(self.log)
        self.depth += 1
        try:
            yield
            if self.depth == 1:
                self._commit()
        except BaseException:
            self._undo(start)
            raise
        finally:
            self.depth -= 1

    def _commit(self) -> None:
        if self.save and self.log:
            written = {(write.table.name, write.key): write.table for write in self.log}
            self.save(
                (table, key, rows.serials.get(key, 0), rows.records.get(key))
                for (_, key), table in written.items()
                for rows in (self.rows_of(table),)
            )
        if self.search_delay:
            self._remember()
        self.log.clear()

    def _remember(self) -> None:
        """Note what was written and when, for as long as searches do not see it."""
        now = time.monotonic()
        self.recent = [item for item in self.recent if item[0] > now - self.search_delay]
        for write in self.log:
            record = self.rows_of(write.table).records.get(write.key)
            self.recent.append((now, write, None if record is None else dict(record)))

    @contextmanager
    def before_recent_writes(self) -> Iterator[None]:
        """In this context everything is as it was `search_delay` seconds ago; it must not write."""
        now = time.monotonic()
        hidden = [item for item in self.recent if item[0] > now - self.search_delay]
        tables = {write.table.name for _, write, _ in hidden}
        serials = {name: dict(self.rows[name].serials) for name in tables}
        for _, write, _ in reversed(hidden):
            self._set(self.rows_of(write.table), write.key, write.before, write.serial)
        self._restore_order(tables)
        try:
            yield
        finally:
            for _, write, after in hidden:
                serial = serials[write.table.name].get(write.key, 0)
                self._set(self.rows_of(write.table), write.key, after, serial)
            self._restore_order(tables)

    def _restore_order(self, names: Iterable[str]) -> None:
        for name in names:
            self.rows[name].restore_order()

    def rows_of(self, table: Table) -> Rows:
        """Where the records of `table` are."""
        rows = self.rows.get(table.name)
        if rows is None:
            rows = self.rows[table.name] = Rows(table)
        return rows

    def _found(self, table: Table, fields: Mapping[str, Any]) -> Iterator[Record]:
        rows = self.rows_of(table)
        if fields.keys() == {table.key}:
            record = rows.records.get(fields[table.key])
            yield from () if record is None else (record,)
            return
        for names, index in rows.indexes.items():
            if fields.keys() == set(names):
                keys = index.get(tuple(fields[name] for name in names), {})
                # A change puts a key last in the index, whatever its age.
                for key in sorted(keys, key=rows.serials.__getitem__):
                    yield rows.records[key]
                return
        for record in rows.records.values():
            if all(any(v == want for _, v in named(record, n)) for n, want in fields.items()):
                yield record

    def _follow(
        self, table: Table, record: Record, other: Table, reference: Reference, new: Any
    ) -> None:
        """Write `new`, or for None what a deletion asks for, wherever `other` names `record`."""
        old = record[reference.by]

        def changed(holder: Mapping[str, Any], value: Any) -> Any:
            means = value == old and constraints.meaning(self, reference, holder, value) is record
            return new if means else value

        for holder in self.all(other, **{reference.path: old}) if old else []:
            after = replaced(holder, reference.path, changed, drop=reference.on_delete == "drop")
            if after == holder:
                continue
            if new is not None or reference.on_delete in ("drop", "clear"):
                self._write(other, holder[other.key], after)
            elif reference.on_delete == "refuse":
                assert reference.in_use is not None
                raise DescopeError(reference.in_use)
            elif holder is not record:
                self.delete(other, holder[other.key])

    def _write(self, table: Table, key: str, record: Record | None) -> Record:
        """Put `record`, or for None nothing, in the place of what is there."""
        if not self.depth:
            with self.transaction():
                return self._write(table, key, record)
        rows = self.rows_of(table)
        present = rows.records.get(key)
        before = None if present is None else dict(present)
        self.log.append(_Write(table, key, before, rows.serials.get(key, 0)))
        return self._set(rows, key, record, rows.serials.get(key) or rows.created + 1)

    def _set(self, rows: Rows, key: str, record: Record | None, serial: int) -> Record:
        present = rows.records.get(key)
        if record is None:
            if present is not None:
                rows.take(key)
            return {}
        if present is None:
            rows.put(key, record, serial)
            return record
        # It stays the same object, so that whoever holds the record sees the change.
        rows.unindex(key)
        new = dict(record)
        present.clear()
        present.update(new)
        rows.index(key)
        return present

    def _undo(self, start: int) -> None:
        """Take back every write since `start`, the last first."""
        unordered: set[str] = set()
        while len(self.log) > start:
            table, key, before, serial = self.log.pop()
            rows = self.rows_of(table)
            if before is not None and key not in rows.records:
                unordered.add(table.name)
            self._set(rows, key, before, serial)
        self._restore_order(unordered)
