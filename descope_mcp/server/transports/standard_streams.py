"""The process's own stdin and stdout, kept for the protocol alone.

While they are claimed, descriptor 1 leads to stderr and descriptor 0 to nothing, so that neither
a stray print nor a child process gets between the messages.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def claimed() -> Iterator[tuple[int, int]]:
    """Descriptors of what stdin and stdout were; both are as they were afterwards.

    Raises:
        OSError: one of them is closed.
    """
    if sys.__stdin__ is None or sys.__stdout__ is None:
        # They were when the process began; whatever has their numbers by now is something else.
        raise OSError("stdin or stdout is closed")
    kept = {fd: _above_the_standard_ones(fd) for fd in (0, 1)}
    posix = sys.platform != "win32"
    blocking = {fd: os.get_blocking(fd) for fd in kept.values()} if posix else {}
    diverted = os.open(os.devnull, os.O_RDONLY)
    os.dup2(diverted, 0)
    os.close(diverted)
    try:
        os.dup2(2, 1)
    except OSError:
        os.dup2(0, 1)
    try:
        yield kept[0], kept[1]
    finally:
        for fd, was in blocking.items():
            # Others may hold the same pipe or terminal.
            os.set_blocking(fd, was)
        for number, fd in kept.items():
            # The duplicate stays open: a thread may still be reading it.
            os.dup2(fd, number)


def _above_the_standard_ones(fd: int) -> int:
    """A duplicate that is not mistaken for stderr where that is closed."""
    duplicate = os.dup(fd)
    if duplicate > 2:
        return duplicate
    above = _above_the_standard_ones(fd)
    os.close(duplicate)
    return above
