"""SQLite in a directory that only its owner may read: the store of one machine.

Several processes share it: every transaction takes the write lock at its start (so that what it
reads is what it changes), waits for others, and is on disk when it ends (WAL, synchronous full).
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Connection as SqliteConnection
from sqlite3 import DatabaseError
from typing import Any

from sqlalchemy import URL, Connection, Engine, Executable, create_engine, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from descope_mcp.store.databases.standing import SELECT, STANDING, UNLOCKED
from descope_mcp.store.errors import StoreError
from descope_mcp.store.private_files import fault, private_directory, private_file

#: Seconds for which a transaction waits for those of others.
_PATIENCE = 10.0
_NAME = "state.db"
#: Seconds between two looks whether somebody has written: a page of shared memory is read.
_EVERY = 0.2


@dataclass(frozen=True)
class Sqlite:
    """The database in a directory, made at first use."""

    directory: Path

    @property
    def name(self) -> str:
        """Where it is, for messages."""
        return str(self.directory / _NAME)

    def engine(self) -> Engine:
        """Open it.

        Raises:
            StoreError: its directory or file cannot be used.
        """
        path = private_file(private_directory(self.directory) / _NAME)
        # Not as a URL in a text, in which ? and % in the path would mean something.
        place = URL.create("sqlite", database=str(path))
        engine = create_engine(place, connect_args={"timeout": _PATIENCE})
        event.listen(engine, "connect", _configure)
        event.listen(engine, "begin", _lock)
        return engine

    def told(self, error: Exception) -> str:
        """What an error of the database says to a person."""
        return str(getattr(error, "orig", None) or type(error).__name__)

    def version(self) -> str | None:
        """The version of its tables, None if it has none; nothing is made, changed or migrated.

        Raises:
            StoreError: it could not be used.
        """
        path = self.directory / _NAME
        if not path.exists():
            return None
        if found := fault(path, directory=False):
            raise StoreError(found)
        try:
            # A URI, since only that opens it without the right to write: not as SQLAlchemy would.
            with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
                (version,) = connection.execute(
                    "SELECT version_num FROM alembic_version"
                ).fetchone()
        except sqlite3.OperationalError:
            return None  # empty: the next change makes its tables
        except sqlite3.DatabaseError as error:
            raise StoreError(f"the store {path} cannot be used: {error}") from None
        return str(version)

    @property
    def is_there(self) -> bool:
        """Whether there is a file of it."""
        return (self.directory / _NAME).exists()

    def scrub(self, engine: Engine) -> None:
        """Empty the write-ahead log, in which what was deleted still stands.

        If others keep it in use, that is left to the next checkpoint.

        Raises:
            StoreError: the database cannot be written.
        """
        try:
            connection = engine.raw_connection()
            try:
                connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
            finally:
                connection.close()
        except (SQLAlchemyError, DatabaseError) as error:
            raise StoreError(f"the store cannot be used: {error}") from None

    def announce(self, connection: Connection) -> None:
        """Tell those who wait for a change: they see it."""

    def finish(self, connection: Connection, statements: Iterable[Executable]) -> None:
        """Execute what is left of a transaction; nothing is won by sending it together."""
        for statement in statements:
            connection.execute(statement)

    @contextmanager
    def changes(self, engine: Engine) -> Iterator[Callable[[float], bool]]:
        """What waits for somebody else's next transaction that writes (`Store.changes`)."""
        with engine.connect() as connection:
            raw: Any = connection.connection.driver_connection

            def version() -> int:
                return int(raw.execute("PRAGMA data_version").fetchone()[0])

            seen = version()

            def wait(seconds: float) -> bool:
                nonlocal seen
                end = time.monotonic() + seconds
                while (now := version()) == seen:
                    left = end - time.monotonic()
                    if left <= 0:
                        return False
                    time.sleep(min(_EVERY, left))
                seen = now
                return True

            yield wait


def _configure(connection: SqliteConnection, _: ConnectionPoolEntry) -> None:
    # Transactions are begun by `_lock`, not by the driver.
    connection.isolation_level = None
    for setting in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
        connection.execute(f"PRAGMA {setting}")


def _lock(connection: Connection) -> None:
    if connection.get_execution_options().get(UNLOCKED):
        return
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    if connection.get_execution_options().get(STANDING):
        connection.info[STANDING] = connection.exec_driver_sql(SELECT).first()
