"""The store as its users hold it: opened by the first call that needs it.

A server that only reads never opens it, and does not pay for loading the database library.
"""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from descope_mcp.store.errors import KeyChanged
from descope_mcp.telemetry.stages import stage

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from descope_mcp.store.database import Database, Place
    from descope_mcp.store.databases.postgres_url import PostgresUrl
    from descope_mcp.store.journal.late_outcomes import Outcome
    from descope_mcp.store.key import Key
    from descope_mcp.store.key_source import KeySource
    from descope_mcp.store.open_store import Opened


#: Thirty days, in seconds.
RETENTION = 30 * 24 * 3600.0


class Store:
    """Where the state is and where its key is; both are made at first use.

    Opening is not cached when it fails, so that a mended directory needs no restart.
    """

    def __init__(
        self,
        directory: Path,
        key_file: Path,
        retention: float = RETENTION,
        *,
        url: PostgresUrl | None = None,
        key: KeySource | None = None,
    ) -> None:
        """A store that is not opened yet.

        Args:
            directory: where the data is, or what a machine keeps of it if a server has it.
            key_file: where the key is; not in `directory`.
            retention: for how many seconds personal data is kept for undo.
            url: of the database, if it is on a server.
            key: what gives the key, if it is not in the file.
        """
        self.directory = directory
        self.key_file = key_file
        self.retention = retention
        self.url = url
        self.key_source = key
        self._opened: Opened | None = None
        # Calls use the store from several threads, and the first ones come at once.
        self._opening = threading.Lock()
        self._reports: list[str] = []
        #: See `store.journal.late_outcomes`.
        self.late: deque[Outcome] = deque()

    @property
    def is_shared(self) -> bool:
        """Whether other machines may use it."""
        return self.url is not None

    @property
    def kind(self) -> str:
        """What it consists of, for a person who has to look after it."""
        return (
            "the database, the key and the state directory" if self.url else "the state directory"
        )

    @property
    def name(self) -> str:
        """Where it is, for a person: without user and password."""
        return self.url.name if self.url else str(self.directory)

    @property
    def state(self) -> str:
        """Where it is, which tells it from other stores with the same key.

        Links are not followed: one that is put in its place does not make another store of it.
        """
        return self.url.identity if self.url else os.path.normpath(self.directory)

    @property
    def setting(self) -> tuple[str, str]:
        """What tells another process of it: a setting, and its value without user and password."""
        return "DESCOPE_MCP_DATABASE_URL" if self.url else "DESCOPE_MCP_STATE", self.name

    @property
    def key_name(self) -> str:
        """Where its key is, for a person."""
        return self.key_source.name if self.key_source else str(self.key_file)

    @property
    def database(self) -> Database:
        """The database.

        Raises:
            WrongKey: it belongs to another key.
            StoreError: it cannot be opened.
        """
        return self._open().database

    @property
    def key(self) -> Key:
        """The key.

        Raises:
            WrongKey: it belongs to another database.
            StoreError: it cannot be read.
        """
        return self._open().key

    @property
    def witness_file(self) -> Path:
        """Where this machine remembers what it has seen of the store.

        Raises:
            StoreError: the store cannot be opened.
        """
        return self._open().witness_file

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A transaction that holds the write lock; it ends with the context, or is undone.

        Raises:
            KeyChanged: another process has replaced the key; what was signed with the old one
                must not be written.
            StoreError: the database cannot be read or written.
        """
        try:
            with stage("transaction", database="postgresql" if self.url else "sqlite"):
                store = self._open()
                with store.database.begin(store.key.id) as connection:
                    yield connection
        except KeyChanged:
            self.reopen()
            raise

    @contextmanager
    def changes(self) -> Iterator[Callable[[float], bool]]:
        """Listen for changes of approvals, grants and what else people decide, of whatever process.

        What it gives waits for the next one, for so many seconds: True as soon as something may
        have changed, so look again; False if nothing has. Nothing is missed that comes after the
        context was entered, so look once more inside of it before you wait.

        SQLite is looked at five times a second; PostgreSQL tells it at once (LISTEN), on a
        connection of its own.

        Raises:
            StoreError: the store cannot be used.
        """
        with self.database.changes() as wait:
            yield wait

    def report(self, what: str) -> None:
        """Note what somebody has to be told with the next answer."""
        if what not in self._reports:
            self._reports.append(what)

    @contextmanager
    def witnessing(self) -> Iterator[Path]:
        """The file that remembers what was seen of the store, which nobody else writes meanwhile.

        Raises:
            StoreError: it cannot be used.
        """
        from descope_mcp.store.integrity import witness

        if self.is_shared and sys.platform != "win32":
            # Other machines have files of their own, so that the database need not be locked.
            with witness.locked(self.witness_file):
                yield self.witness_file
        else:
            with self.database.begin():
                yield self.witness_file

    def take_reports(self) -> tuple[str, ...]:
        """What has been noted, once."""
        taken, self._reports = tuple(self._reports), []
        return taken

    def fault(self) -> str:
        """What would keep a change from being recorded, "" if nothing would.

        Nothing is made, changed or migrated: this is for somebody who only wants to know.
        """
        from descope_mcp.store import database
        from descope_mcp.store.private_files import fault

        places = [(self.directory, True)]
        if not self.key_source:
            places += [(self.key_file.parent, True), (self.key_file, False)]
        found = (fault(path, directory=directory) for path, directory in places)
        return next(filter(None, found), "") or database.fault(self._place)

    @property
    def is_new(self) -> bool:
        """Whether nothing was kept here so far; nothing is made by asking.

        Raises:
            StoreError: the server of the database does not say.
        """
        if self._opened:
            return False
        has_key = self.key_source is None and self.key_file.exists()
        return not (has_key or self._place.is_there)

    def open_ahead(self) -> None:
        """Open it if it was used before, so that no call has to wait for that; nothing is made.

        Raises:
            StoreError: it cannot be opened now; the next use tries again.
        """
        if not self.is_new:
            self._open()

    def reopen(self) -> None:
        """Open it anew at the next use: the key is another."""
        self.close()
        self._opened = None

    def close(self) -> None:
        """Let go of it, if it was opened."""
        if self._opened:
            self._opened.database.close()

    @property
    def _place(self) -> Place:
        if self.url:
            from descope_mcp.store.databases.postgres import Postgres

            return Postgres(self.url)
        from descope_mcp.store.databases.sqlite import Sqlite

        return Sqlite(self.directory)

    def _open(self) -> Opened:
        if self._opened:
            return self._opened
        from descope_mcp.store.open_store import Parts, opened

        with self._opening:
            if not self._opened:
                parts = Parts(
                    self._place,
                    self.state,
                    self.directory,
                    self.key_file,
                    self.key_source,
                    self.is_shared,
                )
                self._opened = opened(parts)
            return self._opened
