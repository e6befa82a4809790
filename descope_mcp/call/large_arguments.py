"""Work on large arguments: bounded, and off the event loop, on which other calls wait."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import anyio
import pydantic_core
from anyio.to_thread import run_sync

from descope_mcp.call.outcome import LARGE, Failed, Instead

T = TypeVar("T")

#: In bytes of JSON. To check, scan and record so much takes seconds; more would be no call that a
#: person could be shown, and a list of things can be sent in parts.
LARGEST_ARGUMENTS = 1_000_000
#: Threads share one interpreter: two at work on large things would slow all other calls twice.
_ONE = anyio.CapacityLimiter(1)


def size(arguments: object) -> int:
    """How many bytes arguments take as JSON; 0 if they are none, which their check finds out."""
    try:
        return len(pydantic_core.to_json(arguments))
    except ValueError:
        return 0


def bounded(arguments: object) -> int:
    """The size of arguments.

    Raises:
        Instead: it is more than is taken.
    """
    found = size(arguments)
    if found > LARGEST_ARGUMENTS:
        message = (
            f"The arguments take {found} bytes as JSON; at most {LARGEST_ARGUMENTS} are taken."
        )
        remedy = "Nothing was sent. Make several calls, each with a part of them."
        raise Instead(Failed("invalid_arguments", message, remedy))
    return found


async def run(size: int, work: Callable[..., T], *given: object) -> T:
    """What `work` returns; done in a thread if it is about so many bytes that others would wait."""
    if size <= LARGE:
        return work(*given)
    return await run_sync(work, *given, limiter=_ONE)
