"""What may be seen of records, requests and answers: everything but secrets."""

from __future__ import annotations

from typing import Any

from descope_mcp.catalog.arguments.validation import SEALED
from descope_mcp.catalog.secret_shapes import names_secret, scan
from descope_mcp.sandbox.engine.fields import Record
from descope_mcp.sandbox.engine.tables import Table
from descope_mcp.sandbox.seed_files.fresh_secrets import without


def masked(value: Any, secret_fields: frozenset[str] = frozenset()) -> Any:
    """A copy of a JSON value without what is a secret: by its field's name, or by its look."""
    return scan(_by_name(value, secret_fields))


def masked_record(table: Table, record: Record) -> Record:
    """A record without its secrets."""
    shown: Record = masked(without(table, record, lambda _: SEALED))
    return shown


def _by_name(value: Any, names: frozenset[str]) -> Any:
    if isinstance(value, dict):
        return {
            name: SEALED
            if isinstance(item, str) and item and (name in names or names_secret(name))
            else _by_name(item, names)
            for name, item in value.items()
        }
    return [_by_name(item, names) for item in value] if isinstance(value, list) else value
