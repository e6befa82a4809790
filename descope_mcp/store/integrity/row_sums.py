"""Which signed rows are summed up together, and what a signature covers (`signed_rows`)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import Boolean, Column, Float, Integer, Table

from descope_mcp.store.key import Key
from descope_mcp.store.tables import (
    approvals,
    confirmations,
    factor,
    grants,
    tokens,
    usage,
    vote_marks,
    votes,
)


class Parts(NamedTuple):
    """What rows of a table are summed up together: those with the same values of these columns.

    With a ``size`` it is those whose number, in the one column, is among so many that follow each
    other.
    """

    columns: tuple[str, ...] = ()
    size: int = 0


#: So many requests are proven together: they are kept for a month, and few of them are looked at.
_TOGETHER = 50
#: The tables whose rows are summed up.
SUMMED: dict[Table, Parts] = {
    approvals: Parts(("number",), _TOGETHER),
    confirmations: Parts(),
    factor: Parts(),
    grants: Parts(),
    tokens: Parts(),
    usage: Parts(("project", "rule")),
    vote_marks: Parts(("request",), _TOGETHER),
    votes: Parts(("request",), _TOGETHER),
}
#: Sums are kept modulo this.
MODULUS = 2**256
_CASTS = {Boolean: bool, Float: float, Integer: int}


def signed(key: Key, table: Table, values: Mapping[Any, Any]) -> str:
    """The signature of a row: over its table and everything in it."""
    covered = [_plain(c, values[c.name]) for c in table.columns if c.name != "signature"]
    return key.sign_row(json.dumps([table.name, *covered], separators=(",", ":")))


def _plain(column: Column[Any], value: Any) -> Any:
    """A value as it comes back from the database, whatever was put in."""
    cast = _CASTS.get(type(column.type))
    return value if cast is None or value is None else cast(value)


def sum_name(table: Table, values: Mapping[Any, Any]) -> str:
    """The name of the sum that a row belongs to."""
    columns, size = SUMMED[table]
    named = [values[name] // size if size else values[name] for name in columns]
    return f"{table.name} {json.dumps(named)}"


def undivided_name(table: Table) -> str:
    """The name of the sum of a table that earlier versions did not divide, "" if they did."""
    return f"{table.name} []" if SUMMED[table].size else ""
