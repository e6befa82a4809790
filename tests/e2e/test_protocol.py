"""What the specification demands beside the calls, as raw JSON lines, in both eras."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest
from starlette.responses import JSONResponse, Response

from tests.e2e.wire import LEGACY, MODERN, Wire, meta, pointed_at, wired
from tests.recorder import Recorded, Recorder, recording

pytestmark = pytest.mark.anyio

SLOW = {"name": "LoadUser", "arguments": {"loginId": "slow"}}


class Era:
    """One connection of an era: its requests carry what that era demands.

    What is asked of Descope for `SLOW` is answered when `released` is set.
    """

    def __init__(self, wire: Wire, recorder: Recorder, released: asyncio.Event, version: str):
        self.wire, self.recorder, self.released = wire, recorder, released
        self.modern = version == MODERN
        self.envelope = {"_meta": meta()} if self.modern else {}

    async def request(self, method: str, **params: Any) -> dict[str, Any]:
        return await self.wire.request(method, {**params, **self.envelope})

    async def raw(self, number: Any, method: str, **params: Any) -> None:
        """Send a request under an id of the test's choice."""
        message = {"jsonrpc": "2.0", "id": number, "method": method}
        await self.wire.line(json.dumps({**message, "params": {**params, **self.envelope}}))

    async def slow_one(self, number: Any) -> None:
        """Send the slow call, and wait until Descope has it."""
        before = len(self.recorder.requests)
        await self.raw(number, "tools/call", **SLOW)
        with anyio.fail_after(20):
            while len(self.recorder.requests) == before:  # noqa: ASYNC110 - it tells nobody
                await anyio.sleep(0.01)

    def answers(self, number: Any) -> list[dict[str, Any]]:
        """What has been said under this id so far; 1 and "1" are two ids."""
        said = map(json.loads, self.wire.lines)
        return [one for one in said if one.get("id") == number and type(one["id"]) is type(number)]


#: Every revision that is served.
REVISIONS = (MODERN, LEGACY, "2025-06-18", "2025-03-26", "2024-11-05")


@pytest.fixture(scope="module", params=REVISIONS)
async def era(request: pytest.FixtureRequest) -> AsyncIterator[Era]:
    released = asyncio.Event()

    async def answer(request: Recorded) -> Response:
        login = dict(request.query).get("loginId", "")
        if login == "slow":
            await released.wait()
        return JSONResponse({"user": {"name": login}})

    async with recording(answer) as recorder, wired(env=pointed_at(recorder.url)) as wire:
        if request.param != MODERN:
            offered = await wire.initialize(version=request.param)
            assert offered["result"]["protocolVersion"] == request.param
        connection = Era(wire, recorder, released, request.param)
        assert "result" in await connection.request("tools/list")
        yield connection
        released.set()


@pytest.mark.parametrize(
    "method", ["tools/list", "resources/list", "resources/templates/list", "prompts/list"]
)
async def test_a_cursor_that_was_never_given_out_is_an_error(era: Era, method: str) -> None:
    for cursor in ("bogus", ""):
        answer = await era.request(method, cursor=cursor)
        assert answer["error"]["code"] == -32602
        assert answer["error"]["message"].startswith("Unknown cursor")
    assert "result" in await era.request(method)


@pytest.mark.parametrize("name", ["descope_nothing", "LodUser", "", "x" * 5000])
async def test_unknown_tools_are_an_error_of_one_kind(era: Era, name: str) -> None:
    error = (await era.request("tools/call", name=name, arguments={}))["error"]
    assert error["code"] == -32602
    assert error["message"].startswith("Unknown tool")
    assert len(error["message"]) < 500
    if name == "LodUser":
        assert "LoadUser" in error["message"]


@pytest.mark.parametrize("method", ["nothing/here", "tools/nothing", "", "sampling/createMessage"])
async def test_unknown_methods_are_an_error(era: Era, method: str) -> None:
    assert (await era.request(method))["error"]["code"] == -32601


async def test_a_notification_that_nobody_knows_is_passed_over(era: Era) -> None:
    await era.wire.notify("notifications/nothing", {"a": 1})
    await era.wire.notify("notifications/cancelled", {"requestId": 987654})
    await era.wire.notify("notifications/cancelled", {})
    assert "result" in await era.request("tools/list")


async def test_a_hundred_calls_at_once_do_not_wait_for_a_slow_one(era: Era) -> None:
    slow = await era.wire.send("tools/call", {**SLOW, **era.envelope})
    numbers = {}
    for n in range(100):
        call = {"name": "LoadUser", "arguments": {"loginId": f"u{n}"}, **era.envelope}
        numbers[n] = await era.wire.send("tools/call", call)
    for n, number in numbers.items():
        (content,) = (await era.wire.answer(number))["result"]["content"]
        assert f'"name":"u{n}"' in content["text"].replace(" ", "")
    ids = [json.loads(line).get("id") for line in era.wire.lines]
    assert slow not in ids
    era.released.set()
    assert "result" in await era.wire.answer(slow)
    ids = [json.loads(line).get("id") for line in era.wire.lines]
    assert len(ids) == len(set(ids))


async def test_what_is_cancelled_is_never_answered(era: Era) -> None:
    era.released.clear()
    await era.slow_one("given up")
    cancelled = {"requestId": "given up", "reason": "enough"}
    await era.wire.notify("notifications/cancelled", cancelled)
    assert "result" in await era.request("tools/list")
    era.released.set()
    await anyio.sleep(0.5)
    assert "result" in await era.request("tools/list")
    assert era.answers("given up") == []
    # Nobody waits for it any more: its id may be used again.
    await era.raw("given up", "tools/list")
    assert "result" in await era.wire.answer("given up")


async def test_an_id_that_waits_for_its_answer_is_nobody_elses(era: Era) -> None:
    era.released.clear()
    await era.slow_one(900)
    before = len(era.recorder.requests)
    for method, params in (("tools/call", SLOW), ("tools/list", {})):
        await era.raw(900, method, **params)
        refused = await era.wire.answer(None)
        assert refused["error"]["code"] == -32600
        said = "The id 900 is that of a request that is not answered yet."
        assert refused["error"]["message"] == said
    # A text is another id than the number that it spells.
    await era.raw("900", "tools/list")
    assert "tools" in (await era.wire.answer("900"))["result"]
    assert era.answers(900) == []
    era.released.set()
    assert "content" in (await era.wire.answer(900))["result"]
    assert len(era.answers(900)) == 1
    assert len(era.recorder.requests) == before
    # Its answer is there: then it may be used again.
    await era.raw(900, "tools/list")
    assert "tools" in (await era.wire.answer(900))["result"]


async def test_what_belongs_to_the_other_era_is_unknown(era: Era) -> None:
    """`ping` and `logging/setLevel` were taken out, `server/discover` came."""
    gone = await era.request("ping")
    assert gone["error"]["code"] == -32601 if era.modern else gone["result"] == {}
    new = await era.request("server/discover")
    assert MODERN in new["result"]["supportedVersions"] if era.modern else "error" in new


async def test_an_older_client_is_offered_a_version_that_is_served() -> None:
    async with wired("--sandbox") as wire:
        asked = {"capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}
        # Before the handshake nothing is served but ping.
        assert (await wire.request("ping"))["result"] == {}
        assert (await wire.request("tools/list"))["error"]["code"] == -32602
        answer = await wire.request("initialize", {**asked, "protocolVersion": "1999-01-01"})
        assert answer["result"]["protocolVersion"] == LEGACY


async def test_a_version_that_is_not_served_is_refused_with_those_that_are() -> None:
    async with wired("--sandbox") as wire:
        envelope = {
            "_meta": {**meta(), "io.modelcontextprotocol/protocolVersion": "2099-01-01"},
        }
        error = (await wire.request("tools/list", envelope))["error"]
        assert error["code"] == -32022
        assert error["data"]["supported"] == [MODERN]
        # The connection is of the newer era all the same, which knows no handshake.
        late = await wire.request("initialize", {"protocolVersion": LEGACY})
        assert late["error"]["code"] == -32022
        assert "result" in await wire.request("tools/list", {"_meta": meta()})
