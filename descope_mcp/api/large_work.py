"""Work on large values, off the event loop, on which other calls wait."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import anyio
import pydantic_core
from anyio.to_thread import run_sync

T = TypeVar("T")

#: What is done to values of more bytes than this takes longer than a thread does to start.
LARGE = 100_000
#: Threads share one interpreter: two at work on large things would slow all other calls twice.
_ONE = anyio.CapacityLimiter(1)


def size(value: object) -> int:
    """How many bytes a value takes as JSON; 0 if it is none, which its check finds out."""
    try:
        return len(pydantic_core.to_json(value))
    except ValueError:
        return 0


async def run(size: int, work: Callable[..., T], *given: object) -> T:
    """What `work` returns; done in a thread if it is about so many bytes that others would wait."""
    if size <= LARGE:
        return work(*given)
    return await run_sync(work, *given, limiter=_ONE)
