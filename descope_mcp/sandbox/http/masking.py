"""What may be seen of records, requests and answers: everything but secrets."""

from __future__ import annotations

from functools import partial
from typing import Any

from descope_mcp.catalog.arguments.validation import SEALED
from descope_mcp.catalog.secret_names import seal_named, sealed_below
from descope_mcp.catalog.secret_shapes import scan, withhold
from descope_mcp.sandbox.engine.fields import Record
from descope_mcp.sandbox.engine.tables import Table
from descope_mcp.sandbox.seed_files.fresh_secrets import without


def masked(value: Any, secret_fields: frozenset[str] = frozenset()) -> Any:
    """A copy of a JSON value without what is a secret: by its field's name, or by its look.

    Names are taken as in answers of free content: anybody may have sent this, under any name.
    """
    return scan(seal_named(_by_field(value, secret_fields), withhold))


def masked_record(table: Table, record: Record) -> Record:
    """A record without its secrets."""
    shown: Record = masked(without(table, record, lambda _: SEALED))
    return shown


def _by_field(value: Any, names: frozenset[str]) -> Any:
    """Everything below one of `names` sealed, whatever its form."""
    if isinstance(value, dict):
        return {
            name: sealed_below(item, partial(withhold, name, ""))
            if name in names
            else _by_field(item, names)
            for name, item in value.items()
        }
    return [_by_field(item, names) for item in value] if isinstance(value, list) else value
