"""What tables demand of their records: what must be unique, and which names must mean something."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from descope_mcp.sandbox.engine.errors import DescopeError
from descope_mcp.sandbox.engine.fields import Record
from descope_mcp.sandbox.engine.rows import Rows, values_at
from descope_mcp.sandbox.engine.tables import TABLES, Reference, Table, named, top


class Stored(Protocol):
    """The records that constraints are checked against."""

    def rows_of(self, table: Table) -> Rows:
        """The records of a table, with their indexes."""
        ...

    def find(self, table: Table, **fields: Any) -> Record | None:
        """The first record that has these values."""
        ...


def check(records: Stored, table: Table, new: Record, fields: Mapping[str, Any]) -> None:
    """Check a record before it is stored; of the references only those in `fields`.

    Raises:
        DescopeError: a value has a wrong type, is taken, or names nothing.
    """
    rows = records.rows_of(table)
    for indexed in rows.indexes:
        # Fails for values of a wrong type, before anything is written.
        list(values_at(new, indexed))
    for unique in table.unique:
        for values in values_at(new, unique.fields):
            holders = rows.indexes[unique.fields].get(values, {})
            if values[0] and any(key != new[table.key] for key in holders):
                raise DescopeError(unique.taken, f"{unique.taken.description}: {values[0]}")
    for reference in table.references:
        if reference.unknown is None or top(reference.path) not in fields:
            continue
        for holder, value in named(new, reference.path):
            if value and meaning(records, reference, holder, value) is None:
                text = f"{reference.unknown.description}: {value}"
                raise DescopeError(reference.unknown, text)


def meaning(
    records: Stored, reference: Reference, holder: Mapping[str, Any], value: Any
) -> Record | None:
    """The record that `value` means where `holder` has it."""
    table = TABLES[reference.table]
    if reference.by == table.key:
        return records.rows_of(table).records.get(value)
    if not table.scope:
        return records.find(table, **{reference.by: value})
    scope = holder.get(reference.scope, "") if reference.scope else ""
    own = records.find(table, **{reference.by: value, table.scope: scope})
    return own or (records.find(table, **{reference.by: value, table.scope: ""}) if scope else None)
