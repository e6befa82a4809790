"""The store as its users hold it: opened by the first call that needs it.

A server that only reads never opens it, and does not pay for loading the database library.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from descope_mcp.store.errors import KeyChanged

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from descope_mcp.store.database import Database
    from descope_mcp.store.key import Key


#: Thirty days, in seconds.
RETENTION = 30 * 24 * 3600.0


class Store:
    """Where the state is and where its key is; both are made at first use.

    Opening is not cached when it fails, so that a mended directory needs no restart.
    """

    def __init__(self, directory: Path, key_file: Path, retention: float = RETENTION) -> None:
        """A store that is not opened yet.

        Args:
            directory: where the data is.
            key_file: where the key is; not in `directory`.
            retention: for how many seconds personal data is kept for undo.
        """
        self.directory = directory
        self.key_file = key_file
        self.retention = retention
        self._opened: tuple[Database, Key] | None = None
        # Calls use the store from several threads, and the first ones come at once.
        self._opening = threading.Lock()
        self._reports: list[str] = []

    @property
    def database(self) -> Database:
        """The database.

        Raises:
            WrongKey: it belongs to another key.
            StoreError: it cannot be opened.
        """
        return self._open()[0]

    @property
    def key(self) -> Key:
        """The key.

        Raises:
            WrongKey: it belongs to another database.
            StoreError: it cannot be read.
        """
        return self._open()[1]

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A transaction that holds the write lock; it ends with the context, or is undone.

        Raises:
            KeyChanged: another process has replaced the key; what was signed with the old one
                must not be written.
            StoreError: the database cannot be read or written.
        """
        from descope_mcp.store.open_store import written_with

        database, key = self._open()
        with database.begin() as connection:
            if not written_with(connection, key):
                self.reopen()
                raise KeyChanged
            yield connection

    def report(self, what: str) -> None:
        """Note what somebody has to be told with the next answer."""
        if what not in self._reports:
            self._reports.append(what)

    def take_reports(self) -> tuple[str, ...]:
        """What has been noted, once."""
        taken, self._reports = tuple(self._reports), []
        return taken

    def fault(self) -> str:
        """What would keep a change from being recorded, "" if nothing would.

        Nothing is made, changed or migrated: this is for somebody who only wants to know.
        """
        from descope_mcp.store.database import version_fault
        from descope_mcp.store.private_files import fault

        places = ((self.directory, True), (self.key_file.parent, True), (self.key_file, False))
        found = (fault(path, directory=directory) for path, directory in places)
        return next(filter(None, found), "") or version_fault(self.directory)

    @property
    def is_new(self) -> bool:
        """Whether nothing was kept here so far; nothing is made by asking."""
        from descope_mcp.store.database import is_there

        return not (self.key_file.exists() or is_there(self.directory))

    def reopen(self) -> None:
        """Open the files anew at the next use: the key is another."""
        self.close()
        self._opened = None

    def close(self) -> None:
        """Let go of the files, if they were opened."""
        if self._opened:
            self._opened[0].close()

    def _open(self) -> tuple[Database, Key]:
        if self._opened:
            return self._opened
        from descope_mcp.store.open_store import opened

        with self._opening:
            self._opened = self._opened or opened(self.directory, self.key_file)
            return self._opened
