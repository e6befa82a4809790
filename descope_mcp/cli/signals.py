"""Ending on SIGINT and SIGTERM, whatever the process was born with.

Both may be ignored: by a shell that starts something in the background, by the kernel for the
first process of a container. Neither gives Python a handler of its own.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager


@contextmanager
def calling(end: Callable[[], None]) -> Iterator[list[int]]:
    """Call `end` in this event loop for each such signal; the list has those that came."""
    loop = asyncio.get_running_loop()
    came: list[int] = []

    def received(number: int, frame: object) -> None:
        came.append(number)
        loop.call_soon_threadsafe(end)

    # Not the loop's own handlers, which Windows does not have.
    before = {number: signal.signal(number, received) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def exit_code(came: Sequence[int]) -> int:
    """What a process says that has ended in order after these signals, as a shell would."""
    return 128 + came[0] if came else 0
