"""The reads that look at the calls of a plan: none twice, so many at once, so many in all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import anyio

from descope_mcp.call.assessment.judge import Around
from descope_mcp.call.checked import Checked
from descope_mcp.call.services import Services
from descope_mcp.catalog.operation import Operation
from descope_mcp.guard.preview.read_budget import Reader, thrifty
from descope_mcp.guard.preview.rights.named_roles import Definition
from descope_mcp.guard.preview.rights.planned_roles import with_planned_roles

#: So many calls are looked at side by side, and so often all of them may read.
AT_ONCE = 8
MOST_READS = 2_000


class SharedReads:
    """What the calls of one plan have read so far; things are as they were then."""

    def __init__(self, services: Services) -> None:
        self._run = services.client.run
        self._turns = anyio.CapacityLimiter(AT_ONCE)
        self._read = thrifty(self._ask, MOST_READS)

    async def _ask(self, operation: Operation, arguments: dict[str, Any]) -> dict[str, Any]:
        async with self._turns:
            answer = await self._run(operation, arguments, call_id="plan", repeatable=True)
            return answer.data

    def of_one(self) -> Reader:
        """A reader for one call, within the bounds of one."""
        return thrifty(self._read)

    def around(self, checked: Checked, roles: Sequence[Definition]) -> Around:
        """What makes the reader of a call of its own: with the reads of all, and what is planned.

        A call with handles reads for itself, since only its requests carry what they stand for.
        """

        def of(own: Reader) -> Reader:
            return thrifty(with_planned_roles(own if checked.opened else self._read, roles))

        return of
