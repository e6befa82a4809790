"""Reads that a look at a call will ask for, known from the look that came before a person's yes.

A look asks step by step, since a step needs what the one before it found. After the yes nearly
always the same is asked, so all of it is asked at once: every answer is as new as it would be, and
what has become different meanwhile is asked for as if nothing had been foreseen. Only this process
knows of it; another one takes the steps one by one.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from descope_mcp.api.client import Client
from descope_mcp.api.errors import ApiFailure
from descope_mcp.call.outcome import Call
from descope_mcp.call.services import Services
from descope_mcp.catalog.operation import Operation
from descope_mcp.guard.preview.failures import TooMuchToRead
from descope_mcp.guard.preview.ordered_gather import gather
from descope_mcp.guard.preview.read_budget import MOST_READS_IN_ALL, Reader

#: An operation and its arguments.
Read = tuple[Operation, dict[str, Any]]

#: So many calls wait for a person at a time in what is remembered; the oldest make room.
_MOST = 256
#: Bytes of a call's arguments; larger ones are not worth the comparison.
_LONGEST = 100_000
_KNOWN: WeakKeyDictionary[Client, OrderedDict[str, Sequence[Read]]] = WeakKeyDictionary()


class Noted:
    """A reader that notes what it was asked."""

    def __init__(self, read: Reader) -> None:
        self._read = read
        self.asked: list[Read] = []

    async def __call__(self, operation: Operation, arguments: dict[str, Any]) -> dict[str, Any]:
        """What `read` answers."""
        if (operation, arguments) not in self.asked:
            self.asked.append((operation, arguments))
        return await self._read(operation, arguments)


def keep(call: Call, size: int, services: Services, reads: Sequence[Read]) -> None:
    """Remember what was read for a call of `size` bytes about which a person is asked now.

    Only where as much again may be read, if all has become different.
    """
    if size > _LONGEST or len(reads) > MOST_READS_IN_ALL // 2:
        return
    key = _key(call)
    known = _KNOWN.setdefault(services.client, OrderedDict())
    known[key] = reads
    known.move_to_end(key)
    if len(known) > _MOST:
        known.popitem(last=False)


def asked_again(
    call: Call, size: int, services: Services, read: Reader
) -> Callable[[], Awaitable[None]]:
    """Asks through `read` what is foreseen for a call that a person said yes to; never fails."""
    known = _KNOWN.get(services.client)
    reads = known.pop(_key(call), ()) if known and size <= _LONGEST else ()

    async def one(operation: Operation, arguments: dict[str, Any]) -> None:
        # Whoever needs the answer meets the same failure.
        with suppress(ApiFailure, TooMuchToRead):
            await read(operation, arguments)

    async def all_at_once() -> None:
        await gather([partial(one, *each) for each in reads])

    return all_at_once


def _key(call: Call) -> str:
    return json.dumps([call.caller, call.operation, call.arguments], sort_keys=True)
