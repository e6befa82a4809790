"""The process: what is on its pipes, how it ends, and what it does when nobody waits for it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import anyio
import pytest
from starlette.responses import JSONResponse, Response

from tests.e2e.wire import Wire, meta, pointed_at, wired
from tests.recorder import Recorded, Recorder, recording

pytestmark = pytest.mark.anyio

ADD = {"name": "CreateTenant", "arguments": {"name": "New"}}
READ = {"name": "LoadAllTenants", "arguments": {}}


async def _slowly(request: Recorded) -> Response:
    await asyncio.sleep(0.4)
    return JSONResponse({"tenants": []})


async def _arrived(recorder: Recorder, count: int = 1) -> None:
    with anyio.fail_after(10):
        while len(recorder.requests) < count:  # noqa: ASYNC110 - it tells nobody
            await anyio.sleep(0.01)


async def _start(wire: Wire, call: dict[str, Any], *, modern: bool) -> int:
    """Send a tool call in one of the eras."""
    if not modern:
        await wire.initialize()
    return await wire.send("tools/call", {**call, **({"_meta": meta()} if modern else {})})


GARBAGE: list[bytes] = [
    b"hello",
    b"",
    b"   ",
    b"{",
    b"[]",
    b"null",
    b"42",
    b'"text"',
    b"\xff\xfe\x00\x01",
    b'{"jsonrpc": "1.0", "id": 1, "method": "ping"}',
    b'{"jsonrpc": "2.0"}',
    b'{"id": 7}',
    b'{"jsonrpc": "2.0", "id": 900, "result": {}}',
    b'{"jsonrpc": "2.0", "id": {}, "method": "tools/list"}',
    b'[{"jsonrpc": "2.0", "id": 901, "method": "tools/list"}]',
    b'{"jsonrpc": "2.0", "method": "notifications/nothing"}',
    b'{"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 12345}}',
    b"[" * 10_000,
    b"x" * 1_000_000,
]


@pytest.mark.parametrize("modern", [True, False], ids=["modern", "legacy"])
async def test_garbage_on_stdin_leaves_nothing_but_json_rpc_on_stdout(modern: bool) -> None:
    async with wired("--sandbox") as wire:
        for line in GARBAGE[:6]:
            await wire.line(line)
        if not modern:
            await wire.initialize()
        envelope = {"_meta": meta()} if modern else {}
        for line in GARBAGE:
            await wire.line(line)
            await wire.request("tools/list", envelope)
        for method, params in (
            ("nothing/here", {}),
            ("tools/call", {}),
            ("tools/call", {"name": 5}),
            ("tools/call", {"name": "LoadUser", "arguments": "x"}),
        ):
            answer = await wire.request(method, {**params, **envelope})
            assert answer["error"]["code"] in (-32601, -32602), (method, params, answer)
        assert not (await wire.request("tools/call", {**READ, **envelope}))["result"]["isError"]
        await wire.hang_up()
        with anyio.fail_after(10):
            assert await wire.process.wait() == 0
    for line in wire.lines:
        message = json.loads(line)
        assert message["jsonrpc"] == "2.0"
        assert {"result", "error", "method"} & message.keys()
    assert b"Traceback" not in wire.errors


async def test_it_ends_when_stdin_closes_before_a_word_was_said() -> None:
    async with wired("--sandbox") as wire:
        await wire.line(b"garbage")
        await wire.hang_up()
        with anyio.fail_after(15):
            assert await wire.process.wait() == 0
        await anyio.sleep(0.1)
    (line,) = wire.lines
    assert json.loads(line)["error"] == {"code": -32700, "message": "Parse error"}
    assert b"Traceback" not in wire.errors


@pytest.mark.parametrize(
    ("modern", "deaf"), [(True, True), (False, False)], ids=["modern, both ends", "legacy, stdin"]
)
async def test_a_change_is_finished_although_the_client_hung_up(modern: bool, deaf: bool) -> None:
    async with recording(_slowly) as recorder:
        async with wired(env=pointed_at(recorder.url)) as wire:
            await _start(wire, ADD, modern=modern)
            await _arrived(recorder)
            if deaf:
                await wire.stop_listening()
            await wire.hang_up()
            with anyio.fail_after(10):
                assert await wire.process.wait() == 0
        assert len(recorder.requests) == 1
        assert recorder.abandoned == []
        assert b"Traceback" not in wire.errors


@pytest.mark.parametrize("modern", [True, False], ids=["modern", "legacy"])
async def test_a_change_that_is_cancelled_is_finished_and_a_read_given_up(modern: bool) -> None:
    envelope = {"_meta": meta()} if modern else {}
    async with (
        recording(_slowly) as recorder,
        wired(env=pointed_at(recorder.url)) as wire,
    ):
        number = await _start(wire, ADD, modern=modern)
        await _arrived(recorder)
        await wire.notify("notifications/cancelled", {"requestId": number})
        assert "result" in await wire.request("tools/call", {**READ, **envelope})
        assert len(recorder.requests) == 2
        assert recorder.abandoned == []

        number = await wire.send("tools/call", {**READ, **envelope})
        await _arrived(recorder, 3)
        await wire.notify("notifications/cancelled", {"requestId": number})
        with anyio.fail_after(10):
            while not recorder.abandoned:  # noqa: ASYNC110 - it tells nobody
                await anyio.sleep(0.01)
        assert recorder.abandoned == recorder.requests[2:]


@pytest.mark.parametrize("modern", [True, False], ids=["modern", "legacy"])
async def test_a_wait_for_descope_is_told_as_progress(modern: bool) -> None:
    def busy_once(request: Recorded) -> Response:
        if len(recorder.requests) < 2:
            return Response("", 429, {"retry-after": "1"})
        return JSONResponse({"tenants": []})

    async with (
        recording(busy_once) as recorder,
        wired(env=pointed_at(recorder.url)) as wire,
    ):
        envelope = meta() if modern else {}
        if not modern:
            await wire.initialize()
        params = {**READ, "_meta": {**envelope, "progressToken": "p"}}
        answer = await wire.request("tools/call", params)
        assert not answer["result"]["isError"]
        (notice,) = wire.notices
        assert notice["method"] == "notifications/progress"
        assert notice["params"]["progressToken"] == "p"
        assert notice["params"]["message"] == "Descope answered 429; trying again in 1.0 s"


async def test_a_hundred_calls_at_once_are_all_answered() -> None:
    async with (
        recording(lambda r: JSONResponse({"user": {"name": dict(r.query)["loginId"]}})) as recorder,
        wired(env=pointed_at(recorder.url)) as wire,
    ):
        sent = [await wire.send_call("LoadUser", {"loginId": f"u{n}"}) for n in range(100)]
        for n, number in enumerate(sent):
            answer = await wire.answer(number)
            user = answer["result"]["structuredContent"]["answer"]["user"]
            assert user == {"name": f"u{n}"}


async def test_without_a_key_it_serves_and_says_what_is_missing() -> None:
    async with recording() as recorder:
        env = pointed_at(recorder.url)
        del env["DESCOPE_MANAGEMENT_KEY"]
        async with wired(env=env) as wire:
            answer = await wire.call("LoadAllTenants", {})
            assert answer["result"]["structuredContent"]["error"] == "missing_credential"
            asked = await wire.call(
                "DeleteUser", {"loginId": "ada"}, capabilities={"elicitation": {}}
            )
            assert asked["result"]["structuredContent"]["rule"] == "preview"
            await wire.hang_up()
            await wire.process.wait()
            await anyio.sleep(0.1)
        assert b"no management key; management calls will be refused" in wire.errors
        assert recorder.requests == []
