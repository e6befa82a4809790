"""How much a preview may read, and that it reads nothing twice."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import anyio

from descope_mcp.api.errors import ApiFailure
from descope_mcp.catalog.operation import Operation
from descope_mcp.guard.preview.failures import TooMuchToRead

#: How often one step may read, where the call names several things or the answer has pages.
MOST_READS = 10
#: How often all steps and counts together may read.
MOST_READS_IN_ALL = 20

#: Runs one read through the API core: ``(operation, arguments) -> data of the answer``.
Reader = Callable[[Operation, dict[str, Any]], Awaitable[dict[str, Any]]]


def thrifty(read: Reader, most: int = MOST_READS_IN_ALL) -> Reader:
    """A reader that asks no question twice, and not more than `most` of them.

    Who asks what is just being asked waits for the same answer, or the same failure.
    """
    known: dict[str, dict[str, Any] | ApiFailure] = {}
    asked: dict[str, anyio.Event] = {}
    reads = 0

    async def ask(key: str, operation: Operation, arguments: dict[str, Any]) -> None:
        nonlocal reads
        if reads == most:
            raise TooMuchToRead(f"It takes more than {most} reads.")
        reads += 1
        asked[key] = anyio.Event()
        try:
            known[key] = await read(operation, arguments)
        except ApiFailure as error:
            known[key] = error
        finally:
            # Also when whoever asked is ended: then one of those who wait asks instead.
            asked.pop(key).set()

    async def thrifty(operation: Operation, arguments: dict[str, Any]) -> dict[str, Any]:
        key = json.dumps([operation.name, arguments], sort_keys=True)
        while key not in known:
            if key in asked:
                await asked[key].wait()
            else:
                await ask(key, operation, arguments)
        answer = known[key]
        if isinstance(answer, ApiFailure):
            raise answer
        return answer

    return thrifty
