"""The tables that a report is made from, and what its queries make of them.

They live in an SQLite database in memory for as long as the report takes. Queries come from the
catalog alone, values only ever go into tables.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from typing import Any

from descope_mcp.catalog.reports.record import ARGUMENTS, COLUMNS, MISSING, ROWS, Section
from descope_mcp.catalog.reports.report import Report

#: What SQLite can hold as a number.
_LARGEST = 2**63

#: By the name of a read, the rows that it found, each with the values of its columns.
Found = Mapping[str, Sequence[Sequence[Any]]]


def answer(
    report: Report, arguments: Mapping[str, Any], found: Found, missing: Iterable[str]
) -> dict[str, Any]:
    """What the queries of a report make of what its reads found.

    Args:
        report: whose sections and table are asked for.
        arguments: of the call.
        found: by its reads; one that was not made is left out.
        missing: the reads that could not be made.

    Raises:
        sqlite3.Error: a query does not fit the tables.
    """
    with closing(sqlite3.connect(":memory:")) as database:
        _fill(database, report, arguments, found, missing)
        made = {
            name: value
            for name, section in report.sections.items()
            if (value := _section(database, section)) or not section.if_any
        }
        if report.table:
            cursor = database.execute(report.table)
            made[COLUMNS] = [column[0] for column in cursor.description]
            made[ROWS] = [list(row) for row in cursor]
    return made


def _fill(
    database: sqlite3.Connection,
    report: Report,
    arguments: Mapping[str, Any],
    found: Found,
    missing: Iterable[str],
) -> None:
    names = list(report.input_schema["properties"])
    _table(database, ARGUMENTS, names, [[arguments.get(name) for name in names]])
    _table(database, MISSING, ["read"], [[name] for name in missing])
    for name, source in report.reads.items():
        _table(database, name, source.columns, found.get(name, ()))
    for name, query in report.views.items():
        database.execute(f'CREATE VIEW "{name}" AS {query}')


def _table(
    database: sqlite3.Connection,
    name: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
) -> None:
    listed = ", ".join(f'"{column}"' for column in columns)
    places = ", ".join("?" for _ in columns)
    database.execute(f'CREATE TABLE "{name}" ({listed})')
    values = ([_cell(value) for value in row] for row in rows)
    database.executemany(f'INSERT INTO "{name}" VALUES ({places})', values)  # noqa: S608 - names of the catalog


def _cell(value: Any) -> Any:
    """A value as SQLite can hold it."""
    if isinstance(value, (dict, list)):
        value = json.dumps(value, ensure_ascii=False)
    if isinstance(value, int) and not -_LARGEST <= value < _LARGEST:
        return str(value)
    if isinstance(value, str):
        # Half of a character is no text to SQLite.
        return value.encode("utf-8", "replace").decode()
    return value


def _section(database: sqlite3.Connection, section: Section) -> Any:
    cursor = database.execute(section.query)
    if section.form == "values":
        return [row[0] for row in cursor]
    names = [column[0] for column in cursor.description]
    rows = [
        {name: value for name, value in zip(names, row, strict=True) if value is not None}
        for row in cursor
    ]
    return rows if section.form == "objects" else rows[0] if rows else {}
