"""Which plans have begun and not ended: a file each, so that a start can tell without the database.

The journal is the truth; a file is a hint, beside it, that whoever runs the plan takes away. It
names the process that does. A process knows which plans it runs itself.
"""

from __future__ import annotations

import re
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from descope_mcp.store import processes
from descope_mcp.store.errors import StoreError

if TYPE_CHECKING:
    from descope_mcp.store.store import Store

_FOLDER = "plans"
#: For so long a plan that was left is told, in seconds; the journal has it as long as it is.
_TOLD = 7 * 24 * 3600.0
_NAME = re.compile(r"[0-9a-f-]{36}")
#: Those that this process runs.
_OWN: set[tuple[Path, str]] = set()


def begin(directory: Path, plan: str) -> None:
    """Note that a plan begins. What cannot be noted is left out."""
    _OWN.add((directory, plan))
    with suppress(OSError):
        folder = directory / _FOLDER
        folder.mkdir(mode=0o700, exist_ok=True)
        (folder / plan).write_text(processes.own(), encoding="utf-8")


def leave(directory: Path, plan: str) -> None:
    """Note that a plan runs no longer, which nobody could write into the journal."""
    _OWN.discard((directory, plan))


def end(directory: Path, plan: str) -> None:
    """Note that a plan has ended."""
    leave(directory, plan)
    with suppress(OSError):
        (directory / _FOLDER / plan).unlink(missing_ok=True)


def left(directory: Path) -> list[str]:
    """The plans that began lately, were not ended, and that no process is at any more."""
    try:
        files = sorted((directory / _FOLDER).iterdir())
        lately = [f for f in files if f.stat().st_mtime > time.time() - _TOLD]
    except OSError:
        return []
    names = [file.name for file in lately if _NAME.fullmatch(file.name)]
    return [name for name in names if not runs(directory, name)]


def left_by(store: Store, project: str, caller: str) -> list[str]:
    """Those plans that are a caller's, by the journal; none if that cannot be read."""
    names = left(store.directory)
    if not names:
        return []
    # The store's library takes a third of a second to load, which is seldom needed here.
    from descope_mcp.store.journal.entries import entries

    try:
        return [
            name
            for name in names
            if entries(store, project=project, caller=caller, call=name, limit=1)
        ]
    except StoreError:
        return []


def runs(directory: Path, plan: str) -> bool:
    """Whether the process that began a plan is still at it, as far as can be seen."""
    if (directory, plan) in _OWN:
        return True
    file = directory / _FOLDER / plan
    try:
        process = file.read_text(encoding="utf-8")
    except (FileNotFoundError, ValueError):
        return False
    except OSError:
        return True
    return bool(process) and not processes.is_own(process) and processes.may_live(process)
