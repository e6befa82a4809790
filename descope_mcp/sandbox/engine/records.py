"""The records of all tables: found by what is in them, written so that they fit each other.

Only `add`, `change` and `delete` write. What they hand out is the record itself: it is to be read,
never written to, and neither are the lists and objects in it (build new ones for `change`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from descope_mcp.sandbox.engine import constraints
from descope_mcp.sandbox.engine.errors import INVALID, DescopeError
from descope_mcp.sandbox.engine.fields import Record, copied
from descope_mcp.sandbox.engine.ids import new_id
from descope_mcp.sandbox.engine.tables import TABLES, Reference, Table, named, referring, replaced
from descope_mcp.sandbox.engine.transactions import Transactions


@dataclass(slots=True, kw_only=True)
class Records(Transactions):
    """What is stored."""

    random: Random
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
