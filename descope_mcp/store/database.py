"""The database of the store: SQLite in a directory that only its owner may read.

Several processes share it: every transaction takes the write lock at its start (so that what it
reads is what it changes), waits for others, and is on disk when it ends (WAL, synchronous full).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from sqlite3 import Connection as SqliteConnection
from sqlite3 import DatabaseError
from typing import Any

import sqlalchemy
from sqlalchemy import URL, Connection, Engine, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from descope_mcp.store.errors import StoreError
from descope_mcp.store.private_files import fault, private_directory, private_file

#: The newest migration; a store of another version is migrated before it is used. A migration that
#: older programs can live with (a new table, a column with a default) takes the number before it
#: and a part behind a dot, 0002.1: they go on with such a store and refuse one of another number.
HEAD = "0002.2"
#: Seconds for which a transaction waits for those of others.
_PATIENCE = 10.0
_NAME = "state.db"


class Database:
    """A database that is ready: private, migrated, shared with other processes."""

    def __init__(self, directory: Path) -> None:
        """Open the database in `directory`, made and migrated if need be.

        Raises:
            StoreError: it cannot be opened, or is of a newer version of this program.
        """
        path = private_file(private_directory(directory) / _NAME)
        # Not as a URL in a text, in which ? and % in the path would mean something.
        place = URL.create("sqlite", database=str(path))
        self._path = path
        self._engine: Engine = sqlalchemy.create_engine(place, connect_args={"timeout": _PATIENCE})
        event.listen(self._engine, "connect", _configure)
        event.listen(self._engine, "begin", _lock)
        with self._transaction() as connection:
            version = _version(connection)
        if version != HEAD and not newer(version, HEAD):
            self._migrate()

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A transaction that holds the write lock; it ends with the context, or is undone.

        Raises:
            StoreError: the database cannot be read or written, or another program has migrated it
                since it was opened.
        """
        with self._transaction() as connection:
            version = _marked(connection)
            if version != HEAD and not newer(version, HEAD):
                raise StoreError(_NEWER.format(self._path))
            yield connection

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            reason = getattr(error, "orig", None) or type(error).__name__
            raise StoreError(f"the store cannot be used: {reason}") from None

    def scrub(self) -> None:
        """Empty the write-ahead log, in which what was deleted still stands.

        If others keep it in use, that is left to the next checkpoint.

        Raises:
            StoreError: the database cannot be written.
        """
        try:
            connection = self._engine.raw_connection()
            try:
                connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
            finally:
                connection.close()
        except (SQLAlchemyError, DatabaseError) as error:
            raise StoreError(f"the store cannot be used: {error}") from None

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()

    def _migrate(self) -> None:
        from descope_mcp.store.migrations import migrate

        with self._transaction() as connection:
            try:
                migrate(connection, HEAD)
            except LookupError:
                raise StoreError(_NEWER.format(self._path)) from None


_NEWER = (
    "the store {} was made by a newer descope-mcp; use that version (restart what still runs the "
    "old one), or another DESCOPE_MCP_STATE"
)


def is_there(directory: Path) -> bool:
    """Whether there is a database in `directory`."""
    return (directory / _NAME).exists()


def version_fault(directory: Path) -> str:
    """Why the database in `directory` could not be used, "" if it could or is not there.

    Nothing is made, changed or migrated.
    """
    path = directory / _NAME
    if not path.exists():
        return ""
    if found := fault(path, directory=False):
        return found
    try:
        # A URI, since only that opens it without the right to write: not as SQLAlchemy would.
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
            (version,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError:
        return ""  # empty: the next change makes its tables
    except sqlite3.DatabaseError as error:
        return f"the store {path} cannot be used: {error}"
    known = version == HEAD or newer(version, HEAD) or str(version) < HEAD
    return "" if known else _NEWER.format(path)


def newer(version: Any, head: str) -> bool:
    """Whether a store of `version` is ahead of `head` by additions alone."""
    number, _, addition = str(version).partition(".")
    own, _, added = head.partition(".")
    return number == own and addition.isdecimal() and int(addition) > int(added or 0)


def _configure(connection: SqliteConnection, _: ConnectionPoolEntry) -> None:
    # Transactions are begun by `_lock`, not by the driver.
    connection.isolation_level = None
    for setting in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
        connection.execute(f"PRAGMA {setting}")


def _lock(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _version(connection: Connection) -> Any:
    """The version of the tables, None in an empty database."""
    if not sqlalchemy.inspect(connection).has_table("alembic_version"):
        return None
    return _marked(connection)


def _marked(connection: Connection) -> Any:
    return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
