"""The records of one table in order of creation, and the indexes that find them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import Any

from descope_mcp.sandbox.engine.errors import MALFORMED, DescopeError
from descope_mcp.sandbox.engine.fields import Record
from descope_mcp.sandbox.engine.tables import Table, named


class Rows:
    """The records of one table in order of creation, and where values are found in them."""

    def __init__(self, table: Table) -> None:
        self.records: dict[str, Record] = {}
        self.serials: dict[str, int] = {}
        self.created = 0
        #: By key, what is searched of a record, in one case.
        self.texts: dict[str, str] = {}
        self._searched = table.searched
        paths = [u.fields for u in table.unique] + [(r.path,) for r in table.references]
        self.indexes: dict[tuple[str, ...], dict[tuple[Any, ...], dict[str, None]]]
        self.indexes = {fields: {} for fields in paths}

    def put(self, key: str, record: Record, serial: int) -> None:
        """Add a record; `serial` is its place in the order."""
        self.records[key] = record
        self.serials[key] = serial
        self.created = max(self.created, serial)
        self.index(key)

    def take(self, key: str) -> None:
        """Remove a record."""
        self.unindex(key)
        del self.records[key], self.serials[key]

    def index(self, key: str) -> None:
        """Let the indexes find a record by the values that it has now."""
        for fields, index in self.indexes.items():
            for values in values_at(self.records[key], fields):
                index.setdefault(values, {})[key] = None
        if self._searched:
            found = (named(self.records[key], path) for path in self._searched)
            self.texts[key] = "\n".join(str(v) for values in found for _, v in values).casefold()

    def unindex(self, key: str) -> None:
        """Let no index find a record, before its values change."""
        for fields, index in self.indexes.items():
            for values in values_at(self.records[key], fields):
                keys = index.get(values, {})
                keys.pop(key, None)
                if not keys:
                    index.pop(values, None)
        self.texts.pop(key, None)

    def restore_order(self) -> None:
        """Put the records in order after one came back."""
        self.records = dict(sorted(self.records.items(), key=lambda kv: self.serials[kv[0]]))


def values_at(record: Mapping[str, Any], fields: tuple[str, ...]) -> Iterator[tuple[Any, ...]]:
    """What an index over `fields` finds the record by."""
    if len(fields) == 1:
        found: Iterable[tuple[Any, ...]] = ((value,) for _, value in named(record, fields[0]))
    else:
        found = product(*([value for _, value in named(record, path)] for path in fields))
    for values in found:
        for value in values:
            if isinstance(value, list | dict):
                raise DescopeError(MALFORMED, f"The {fields[0]} field has a wrong type")
        yield values
