"""Keeping the state in a SQLite file: what a call changed is written before its answer leaves.

The file is one process's: a second one is refused, since both would work on copies of their own.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from random import Random

from descope_mcp.sandbox.engine.errors import DescopeError
from descope_mcp.sandbox.engine.fields import Record
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.engine.tables import Table

#: "DSBX" in ASCII: what says that a SQLite file is one of these.
_APPLICATION_ID = 0x44534258

_SCHEMA = """
CREATE TABLE records (
    table_name TEXT NOT NULL, key TEXT NOT NULL, place INTEGER NOT NULL, json TEXT NOT NULL,
    PRIMARY KEY (table_name, key)
)
"""
_PUT = "INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?)"
_TAKE = "DELETE FROM records WHERE table_name = ? AND key = ?"


class StateFileError(Exception):
    """The file cannot be used; the text says why and what to do."""


@contextmanager
def opened(path: Path, new: Callable[[], State]) -> Iterator[State]:
    """The state that `path` holds, else that of `new`; it is kept there until the context is left.

    Raises:
        StateFileError: the file cannot be written, is something else, or is in use.
    """
    connection = None
    try:
        connection = _connected(path)
        state = _state(connection, new)
    except (sqlite3.DatabaseError, ValueError, DescopeError, OSError) as error:
        if connection:
            connection.close()
        raise StateFileError(f"{path} cannot be used as the sandbox's state: {error}") from error
    with closing(connection):
        yield state


def _state(connection: sqlite3.Connection, new: Callable[[], State]) -> State:
    stored: dict[str, list[Record]] = {}
    for name, text in connection.execute("SELECT table_name, json FROM records ORDER BY place"):
        stored.setdefault(name, []).append(json.loads(text))
    if stored:
        # New randomness: the ids that the old one gives are in the file already.
        state = State(random=Random())
        state.replace(stored)
    else:
        state = new()
    state.save = lambda written: _save(connection, written)
    if not stored:
        state.replace(state.export())
    return state


def _connected(path: Path) -> sqlite3.Connection:
    """A connection that has the file for itself, with the table in it."""
    # It holds keys and passwords, if only made-up ones: nobody else needs to read it.
    # One that is there is not opened: closing it would drop the locks that SQLite holds on it.
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    connection = sqlite3.connect(path, isolation_level=None, timeout=0.1)
    try:
        _prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("BEGIN EXCLUSIVE")
    (found,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if not tables:
        connection.execute(_SCHEMA)
        connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
    elif found != _APPLICATION_ID:
        raise ValueError("it is a database of something else")
    connection.execute("COMMIT")
    # Survives the end of the process at any moment; only a power cut may lose the last calls.
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")


def _save(
    connection: sqlite3.Connection, written: Iterable[tuple[Table, str, int, Record | None]]
) -> None:
    connection.execute("BEGIN")
    try:
        for table, key, place, record in written:
            if record is None:
                connection.execute(_TAKE, (table.name, key))
            else:
                connection.execute(_PUT, (table.name, key, place, json.dumps(record)))
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
