"""Files and directories that only their owner may read.

What is made here is private from the start. What somebody else made is never changed: it is used
if nobody else can get at what is kept in it, and refused with a remedy if somebody can.
"""

from __future__ import annotations

import os
import shlex
import stat
import uuid
from contextlib import suppress
from pathlib import Path

from descope_mcp.store.errors import StoreError

#: Nobody but the owner may write into a directory, and nobody else may do anything with a file.
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_OPEN_TO_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def private_directory(path: Path) -> Path:
    """The directory, made if need be for its owner only; nobody else may write into it.

    Raises:
        StoreError: it cannot be made, belongs to somebody else, or is too open.
    """
    _placed(path)
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        _refuse_open(path, path.stat(), _WRITABLE_BY_OTHERS, "go-w")
    except OSError as error:
        raise StoreError(f"the directory {path} cannot be used: {error.strerror}") from None
    return path


def private_file(path: Path) -> Path:
    """The file, made empty if need be, open to its owner only.

    One that is there is not opened: closing it again would drop every lock that SQLite holds on it
    in this process ("How To Corrupt An SQLite Database File", section 2.2).

    Raises:
        StoreError: it cannot be made, belongs to somebody else, or is too open.
    """
    try:
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode):
            raise StoreError(f"{path} is not a regular file; choose another DESCOPE_MCP_STATE")
        _refuse_open(path, found, _OPEN_TO_OTHERS, "go-rwx")
    except OSError as error:
        raise StoreError(f"the file {path} cannot be used: {error.strerror}") from None
    return path


def read_private(path: Path) -> bytes:
    """What the file holds, after making sure that nobody else can read it.

    Raises:
        StoreError: somebody else can.
    """
    return private_file(path).read_bytes()


def appear(path: Path, content: bytes) -> None:
    """Make a private file that is there as a whole or not at all; leave one that is there.

    Raises:
        StoreError: it cannot be made.
    """
    if path.exists():
        return
    try:
        made = _whole(path, content)
        try:
            with suppress(FileExistsError):
                os.link(made, path)
        finally:
            made.unlink()
    except OSError as error:
        raise StoreError(f"the file {path} cannot be made: {error.strerror}") from None


def replace(path: Path, content: bytes) -> None:
    """Put a private file in the place of another, as a whole and on disk.

    Raises:
        StoreError: it cannot be written.
    """
    try:
        made = _whole(path, content)
        made.replace(path)
    except OSError as error:
        raise StoreError(f"the file {path} cannot be written: {error.strerror}") from None


def _whole(path: Path, content: bytes) -> Path:
    """A new file beside `path`, on disk."""
    made = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        made.unlink(missing_ok=True)
        raise
    return made


def fault(path: Path, *, directory: bool) -> str:
    """What would keep the path from being used, "" if nothing would. Nothing is made or changed."""
    try:
        _placed(path)
        if not path.exists():
            return _not_to_be_made(path)
        masks = (_WRITABLE_BY_OTHERS, "go-w") if directory else (_OPEN_TO_OTHERS, "go-rwx")
        _refuse_open(path, path.stat(), *masks)
    except StoreError as error:
        return str(error)
    except OSError as error:
        return f"{path} cannot be used: {error.strerror}"
    if directory != path.is_dir():
        return f"{path} is {'not a' if directory else 'a'} directory"
    return "" if os.access(path, os.R_OK | os.W_OK) else f"{path} cannot be written to"


def _not_to_be_made(path: Path) -> str:
    """Why what is not there could not be made, "" if it could."""
    above = next(parent for parent in path.parents if parent.exists())
    if not above.is_dir():
        return f"{path} cannot be made: {above} is not a directory"
    if not os.access(above, os.W_OK | os.X_OK):
        return f"{path} cannot be made: {above} cannot be written to"
    return ""


def _placed(path: Path) -> None:
    """Refuse what would depend on where the process was started.

    Raises:
        StoreError: the path begins at a home directory that this account does not have.
    """
    if not path.is_absolute():
        raise StoreError(
            f"there is no home directory for {path}; "
            "name absolute paths in DESCOPE_MCP_STATE and DESCOPE_MCP_KEY_FILE"
        )


def _refuse_open(path: Path, found: os.stat_result, mask: int, closing: str) -> None:
    """Refuse what another account owns or can get at; it is no place for secrets.

    Raises:
        StoreError: with what closes it.
    """
    if not hasattr(os, "getuid"):
        return
    # What root owns, root could read anyway.
    if found.st_uid not in (os.getuid(), 0):
        raise StoreError(f"{path} belongs to another account; choose another DESCOPE_MCP_STATE")
    if found.st_mode & mask:
        raise StoreError(
            f"{path} is open to other accounts (mode {stat.S_IMODE(found.st_mode):o}); "
            f"close it (chmod {closing} {shlex.quote(str(path))}) or choose another place"
        )
