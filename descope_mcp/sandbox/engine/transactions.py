"""Writes to the rows of all tables that stay together, or not at all."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from descope_mcp.sandbox.engine.fields import Record
from descope_mcp.sandbox.engine.rows import Rows
from descope_mcp.sandbox.engine.tables import Table

#: Keeps what a transaction wrote: table, key, place, and the record or None if it is gone.
Save = Callable[[Iterable[tuple[Table, str, int, Record | None]]], None]


class _Write(NamedTuple):
    """One write, and the record with its place as they were before: None if there was none."""

    table: Table
    key: str
    before: Record | None
    serial: int


@dataclass(slots=True, kw_only=True)
class Transactions:
    """The rows, and what is being written: kept in memory, and by `save` if there is one."""

    rows: dict[str, Rows] = field(default_factory=dict)
    log: list[_Write] = field(default_factory=list)
    depth: int = 0
    save: Save | None = None
    search_delay: float = 0
    recent: list[tuple[float, _Write, Record | None]] = field(default_factory=list)

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
