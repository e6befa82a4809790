"""Where a secret goes if the database fails after Descope has shown it: a file beside the database.

The file is made before the call is sent and is filled with noise, so that writing over it needs
neither a database nor free room on the disk. What was rescued is taken in by the next transaction
that finds it.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from descope_mcp.store.errors import StoreError
from descope_mcp.store.key import Key
from descope_mcp.store.private_files import private_directory, private_file

_SPARE = "spare"
_PREFIX = "rescued-"
_ROOM = 64 * 1024


def prepare(directory: Path) -> None:
    """Make the spare file, if it is not there.

    Raises:
        StoreError: the directory takes no files.
    """
    spare = private_directory(directory) / _SPARE
    if not spare.exists():
        made = private_file(directory / f".{_SPARE}.{uuid.uuid4().hex}")
        _write(made, os.urandom(_ROOM))
        # In one step, since another process may be about to use it up.
        made.replace(spare)


def save(directory: Path, key: Key, rows: list[dict[str, Any]]) -> None:
    """Write `rows` over the spare file, encrypted.

    Raises:
        StoreError: that fails too.
    """
    path = directory / f"{_PREFIX}{uuid.uuid4().hex}"
    try:
        # Another process may have used the spare file up, or is about to.
        (directory / _SPARE).rename(path)
    except OSError:
        private_file(path)
    _write(path, key.seal(json.dumps(rows)).encode() + b"\n")


def rescued(directory: Path, key: Key) -> Iterator[tuple[Path, list[dict[str, Any]]]]:
    """What was saved, file by file; a file that does not open is left where it is."""
    for path in directory.glob(f"{_PREFIX}*"):
        try:
            text = path.read_bytes().partition(b"\n")[0].decode("ascii")
            yield path, json.loads(key.unseal(text))
        except (OSError, ValueError, StoreError):
            continue


def _write(path: Path, content: bytes) -> None:
    """Write over the beginning of a file, on the blocks that it has."""
    try:
        with path.open("r+b") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise StoreError(f"the file {path} cannot be written: {error.strerror}") from None
