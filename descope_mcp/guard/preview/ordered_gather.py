"""Several things at once, whose outcome does not tell in which order they ended.

What a person is shown and what their word is bound to must be the same for the same state, however
fast each read was.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import anyio

T = TypeVar("T")


async def gather(jobs: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
    """Run all jobs at once; what each returns, in the order of the jobs.

    They are started in that order. One that fails ends those that come after it. Those before it
    are waited for, so that the failure that is reported depends on no race.

    Raises:
        Exception: what the first of the jobs that fail raises.
    """
    if len(jobs) == 1:
        return [await jobs[0]()]
    results: dict[int, T] = {}
    failures: dict[int, Exception] = {}
    scopes = [anyio.CancelScope() for _ in jobs]

    async def run(number: int) -> None:
        with scopes[number]:
            try:
                results[number] = await jobs[number]()
            except Exception as error:  # noqa: BLE001 - raised below, if none comes before it
                failures[number] = error
                for later in scopes[number + 1 :]:
                    later.cancel()

    async with anyio.create_task_group() as tasks:
        for number in range(len(jobs)):
            tasks.start_soon(run, number)
    if failures:
        raise failures[min(failures)]
    return [results[number] for number in range(len(jobs))]
