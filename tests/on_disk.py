"""What lies in directories, read past whoever has it open."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

#: How the names of SQLite's files end.
_OF_SQLITE = (".db", "-wal", "-shm")


def on_disk(*directories: Path) -> bytes:
    """All that the files in the directories hold.

    Another process reads them: a process that closes a file of its own database by hand drops the
    locks that SQLite holds on it, and the next process that ends takes the log away
    ("How To Corrupt An SQLite Database File", section 2.2).
    """
    files = [path for place in directories for path in place.rglob("*") if path.is_file()]
    assert files
    return subprocess.run(["cat", *files], capture_output=True, check=True).stdout


def insist() -> None:
    """From now on, fail where this process opens a file of a database that it has open."""

    def opens(event: str, arguments: tuple[object, ...]) -> None:
        # With O_EXCL one that is there is not opened.
        if event != "open" or int(str(arguments[2])) & os.O_EXCL:
            return
        path = arguments[0]
        if isinstance(path, str | Path) and str(path).endswith(_OF_SQLITE) and _is_open(path):
            raise AssertionError(f"{path} is open in SQLite; read it with tests.on_disk")

    sys.addaudithook(opens)


def _is_open(path: str | Path) -> bool:
    numbers = Path("/proc/self/fd")
    if not numbers.is_dir():
        return False
    whole = os.path.realpath(path)
    for number in numbers.iterdir():
        try:
            if os.readlink(number) == whole:
                return True
        except OSError:  # closed meanwhile
            continue
    return False
