"""The store as its users hold it: opened by the first call that needs it.

A server that only reads never opens it, and does not pay for loading the database library.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from descope_mcp.store.key import Key, load

if TYPE_CHECKING:
    from descope_mcp.store.database import Database


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
        self._database: Database | None = None
        self._key: Key | None = None
        # Calls use the store from several threads, and the first ones come at once.
        self._opening = threading.Lock()

    @property
    def database(self) -> Database:
        """The database.

        Raises:
            StoreError: it cannot be opened.
        """
        from descope_mcp.store.database import Database

        with self._opening:
            self._database = self._database or Database(self.directory)
            return self._database

    @property
    def key(self) -> Key:
        """The key.

        Raises:
            StoreError: it cannot be read.
        """
        with self._opening:
            self._key = self._key or load(self.key_file)
            return self._key

    def fault(self) -> str:
        """What would keep a change from being recorded, "" if nothing would.

        Nothing is made, changed or migrated: this is for somebody who only wants to know.
        """
        from descope_mcp.store.database import version_fault
        from descope_mcp.store.private_files import fault

        places = ((self.directory, True), (self.key_file.parent, True), (self.key_file, False))
        found = (fault(path, directory=directory) for path, directory in places)
        return next(filter(None, found), "") or version_fault(self.directory)

    def close(self) -> None:
        """Let go of the files, if they were opened."""
        if self._database:
            self._database.close()
