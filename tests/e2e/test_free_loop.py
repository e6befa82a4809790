"""Nobody waits for somebody else's slow or large call."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import anyio
import pytest
from starlette.responses import JSONResponse, Response

from descope_mcp.api.transport import READS
from tests.e2e.wire import Wire, pointed_at, wired
from tests.recorder import Recorded, Recorder, recording

pytestmark = pytest.mark.anyio

FAST = {"name": "LoadAllTenants", "arguments": {}}
#: Nearly as much as fits on a line; to check many small texts takes longest.
LARGE = {"name": "x", "customAttributes": {f"k{n}": "v" * 20 for n in range(100_000)}}


async def _answer(request: Recorded) -> Response:
    if request.path == "/v1/mgmt/user":
        await asyncio.sleep(3)
    return JSONResponse({})


@pytest.fixture(scope="module")
async def served() -> AsyncIterator[tuple[Wire, Recorder]]:
    async with recording(_answer) as recorder, wired(env=pointed_at(recorder.url)) as wire:
        await wire.initialize()
        await wire.request("tools/call", FAST)
        yield wire, recorder


async def test_a_fast_read_does_not_wait_behind_thirty_slow_ones(
    served: tuple[Wire, Recorder],
) -> None:
    wire, recorder = served
    slow = {"name": "LoadUser", "arguments": {"loginId": "ada"}}
    before = len(recorder.requests)
    numbers = [await wire.send("tools/call", slow) for _ in range(30)]
    with anyio.fail_after(10):
        while len(recorder.requests) < before + 30:  # noqa: ASYNC110 - it tells nobody
            await anyio.sleep(0.01)
    began = time.monotonic()
    await wire.request("tools/call", FAST)
    assert time.monotonic() - began < 2.0
    for number in numbers:
        assert not (await wire.answer(number))["result"]["isError"]
    assert READS > 30


async def test_reads_go_on_beside_large_arguments(served: tuple[Wire, Recorder]) -> None:
    wire, _ = served
    numbers = [
        await wire.send("tools/call", {"name": "CreateTenant", "arguments": LARGE}),
        await wire.send(
            "tools/call",
            {
                "name": "descope_read",
                "arguments": {"operation": "SearchUsers", "arguments": {"zz": LARGE}},
            },
        ),
    ]
    waits = []
    for _ in range(20):
        began = time.monotonic()
        await wire.request("tools/call", FAST)
        waits.append(time.monotonic() - began)
    assert not (await wire.answer(numbers[0]))["result"]["isError"]
    refused = (await wire.answer(numbers[1]))["result"]["structuredContent"]
    assert refused["error"] == "invalid_arguments"
    assert sorted(waits)[10] < 0.5
