"""Files and directories that only their owner may read."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from descope_mcp.store.errors import StoreError


def private_directory(path: Path) -> Path:
    """The directory, made if need be, open to its owner only.

    Raises:
        StoreError: it cannot be made, or belongs to somebody else.
    """
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        _own(path, path.stat(), 0o700)
    except OSError as error:
        raise StoreError(f"the directory {path} cannot be used: {error.strerror}") from None
    return path


def private_file(path: Path) -> Path:
    """The file, made empty if need be, open to its owner only.

    One that is there is not opened: closing it again would drop every lock that SQLite holds on it
    in this process ("How To Corrupt An SQLite Database File", section 2.2).

    Raises:
        StoreError: it cannot be made, or belongs to somebody else.
    """
    try:
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode):
            raise StoreError(f"{path} is no plain file; choose another DESCOPE_MCP_STATE")
        _own(path, found, 0o600)
    except OSError as error:
        raise StoreError(f"the file {path} cannot be used: {error.strerror}") from None
    return path


def read_private(path: Path) -> bytes:
    """What the file holds, after making sure that nobody else can read it."""
    return private_file(path).read_bytes()


def _own(path: Path, found: os.stat_result, mode: int) -> None:
    """Close the path to others; what another account owns is no place for secrets."""
    if not hasattr(os, "getuid"):
        return
    if found.st_uid != os.getuid():
        raise StoreError(f"{path} belongs to another account; choose another DESCOPE_MCP_STATE")
    if stat.S_IMODE(found.st_mode) != mode:
        path.chmod(mode)
