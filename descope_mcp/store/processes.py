"""Processes that hold something in a store, told from those that have their number later.

A number alone is no name: in a container that was started again the same program has the same one.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from functools import cache
from pathlib import Path

#: What Linux says of a machine's boot, and of the space in which its processes are numbered.
_BOOT, _NUMBERS = Path("/proc/sys/kernel/random/boot_id"), "/proc/self/ns/pid"
#: What it says of a process: when it began, in the twentieth place after its name.
_STANDING, _BEGAN = "/proc/{}/stat", 19


def own() -> str:
    """What names this process."""
    return _named(os.getpid())


def is_own(process: str) -> bool:
    """Whether it is this one, as this or an earlier version names it."""
    return process in (own(), str(os.getpid()))


def may_live(process: str) -> bool:
    """Whether a process lives, as far as can be seen: one of another machine always may.

    One without a machine is of this one, and was named by an earlier version.
    """
    machine, _, named = process.rpartition("/")
    number, _, began = named.partition("@")
    if (machine and machine != _machine()) or not number.isdecimal():
        return True
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return not began or _began(int(number)) in ("", f"@{began}")


@cache
def _named(number: int) -> str:
    return f"{_machine()}/{number}{_began(number)}"


def _began(number: int) -> str:
    """When a process began, in the words of its system; "" where that cannot be seen."""
    try:
        standing = Path(_STANDING.format(number)).read_text(errors="replace")
        return f"@{standing.rpartition(')')[2].split()[_BEGAN]}"
    except (OSError, IndexError):
        return ""


@cache
def _machine() -> str:
    """What tells this machine from others that number their processes too.

    The host's name does not: containers may share one.
    """
    parts = [socket.gethostname()]
    with suppress(OSError):
        parts += [_BOOT.read_text().strip(), os.readlink(_NUMBERS)]
    return " ".join(parts)
