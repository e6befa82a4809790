"""One caller does not take what others need: room, sessions, time."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import anyio
import pytest
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.caller import Caller
from descope_mcp.server.http import application
from descope_mcp.server.http.admission import Admission
from descope_mcp.server.http.callers import LOCAL, seat
from descope_mcp.server.http.sessions import IDLE, Sessions
from tests.recorder import Recorded, recording
from tests.server.http.served import LEGACY, MODERN, served

pytestmark = pytest.mark.anyio


def request(caller: Caller, method: str = "POST", **given: str) -> Scope:
    sent = [(name.replace("_", "-").encode(), value.encode()) for name, value in given.items()]
    scope: Scope = {"type": "http", "method": method, "path": "/mcp", "headers": sent}
    seat(scope, caller)
    return scope


class Caught:
    """What an application sends."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.ended = False

    async def __call__(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], dict(message["headers"])
        else:
            self.ended = not message.get("more_body", False)


async def nothing() -> Any:
    await anyio.sleep_forever()


async def slow(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await anyio.sleep_forever()


async def test_one_caller_has_so_many_requests_and_others_have_room() -> None:
    admission = Admission(slow, most=5, most_of_one=2)
    ada, eve = Caller("ada"), Caller("eve")
    async with anyio.create_task_group() as tasks:
        for caller in (ada, ada, eve):
            tasks.start_soon(admission, request(caller), nothing, Caught())
        await anyio.wait_all_tasks_blocked()
        one_more, other, local, full = Caught(), Caught(), Caught(), Caught()
        await admission(request(ada), nothing, one_more)
        assert (one_more.status, one_more.headers[b"retry-after"]) == (429, b"1")
        tasks.start_soon(admission, request(eve), nothing, other)
        tasks.start_soon(admission, request(LOCAL), nothing, local)
        await anyio.wait_all_tasks_blocked()
        assert other.status == local.status == 200
        await admission(request(Caller("bob")), nothing, full)
        assert full.status == 503
        admission.cut()
    again = Caught()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(admission, request(ada), nothing, again)
        await anyio.wait_all_tasks_blocked()
        assert again.status == 200
        tasks.cancel_scope.cancel()


async def test_what_ends_says_so_and_leaves_no_answer_half_sent() -> None:
    async def waiting(scope: Scope, receive: Receive, send: Send) -> None:
        await anyio.sleep_forever()

    begun, silent = Caught(), Caught()
    for app, caught in ((slow, begun), (waiting, silent)):
        admission = Admission(app)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(admission, request(Caller("ada")), nothing, caught)
            await anyio.wait_all_tasks_blocked()
            admission.end()
            late = Caught()
            await admission(request(Caller("ada")), nothing, late)
            assert late.status == 503
            admission.cut()
        await admission.answered()
    assert (begun.status, begun.ended) == (200, True)
    assert (silent.status, silent.ended) == (503, True)


async def test_one_caller_has_so_many_sessions() -> None:
    now = [0.0]
    opened = iter(range(100))

    async def manager(scope: Scope, receive: Receive, send: Send) -> None:
        sent = dict(scope["headers"])
        number = sent.get(b"mcp-session-id") or str(next(opened)).encode()
        modern = sent.get(b"mcp-protocol-version") == b"2026-07-28"
        answered = [] if modern else [(b"mcp-session-id", number)]
        await anyio.lowlevel.checkpoint()
        await send({"type": "http.response.start", "status": 200, "headers": answered})

    sessions = Sessions(manager, most=2, now=lambda: now[0])
    ada = Caller("ada")

    async def status(caller: Caller, method: str = "POST", **given: str) -> int:
        caught = Caught()
        await sessions(request(caller, method, **given), nothing, caught)
        return caught.status

    assert [await status(ada) for _ in range(3)] == [200, 200, 429]
    assert await status(Caller("eve")) == 200
    assert [await status(LOCAL) for _ in range(4)] == [200] * 4
    # One of 2026-07-28 opens none.
    assert await status(ada, mcp_protocol_version="2026-07-28") == 200
    # A header that belongs to that revision makes a request none of it.
    assert await status(ada, mcp_method="initialize") == 429
    assert await status(ada, "DELETE", mcp_session_id="0") == 200
    assert [await status(ada), await status(ada)] == [200, 429]
    now[0] = IDLE + 1
    assert await status(ada) == 200


async def test_sessions_that_are_opened_at_once_are_counted_with_those_that_are_open() -> None:
    opened = iter(range(100))

    async def manager(scope: Scope, receive: Receive, send: Send) -> None:
        await anyio.lowlevel.checkpoint()
        if scope["method"] == "GET":  # without a session the SDK refuses it
            await send({"type": "http.response.start", "status": 400, "headers": []})
            return
        number = str(next(opened)).encode()
        headers = [(b"mcp-session-id", number)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})

    sessions = Sessions(manager, most=3)
    found: list[int] = []

    async def send_one(method: str) -> None:
        caught = Caught()
        await sessions(request(Caller("ada"), method), nothing, caught)
        found.append(caught.status)

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(send_one, "POST")
    assert sorted(found) == [200, 200, 200, 429, 429]
    # What opened none gives its place back.
    sessions, found = Sessions(manager, most=1), []
    for method in ("GET", "GET", "POST", "POST"):
        await send_one(method)
    assert found == [400, 400, 200, 429]


async def test_a_header_of_the_newer_revision_does_not_hide_a_session(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(application, "Sessions", partial(Sessions, most=2))
    begin = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": LEGACY,
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        },
    }
    version = "mcp-protocol-version"
    hiding = [
        [("mcp-method", "initialize")],
        [("mcp-method", "initialize"), (version, "2025-06-18")],
        [(version, "2025-06-18"), (version, MODERN)],
    ]
    async with (
        recording(lambda _: JSONResponse({})) as recorder,
        served(recorder.services(catalog)) as server,
        server.http() as client,
    ):
        found = []
        for more in [[], [], *hiding]:
            sent = [("accept", "application/json, text/event-stream"), *more]
            answer = await client.post("/mcp", json=begin, headers=sent)
            found.append((answer.status_code, "mcp-session-id" in answer.headers))
    assert found == [(200, True)] * 2 + [(429, False)] * 3


HOLD = 4.0
FAST = {"loginId": "fast"}


def _answer(seconds: float) -> Any:
    async def later() -> Response:
        await asyncio.sleep(seconds)
        return JSONResponse({"user": {"userId": "U1"}})

    def answer(recorded: Recorded) -> Any:
        given = str(recorded.query) + recorded.body.decode()
        return later() if "slow" in given else JSONResponse({"user": {"userId": "U2"}})

    return answer


#: More than one caller may have on their way.
@pytest.mark.parametrize(("slower", "many"), [("LoadUser", 70), ("CreateTenant", 15)])
@pytest.mark.parametrize("era", ["auto", "legacy"])
async def test_slow_calls_of_one_caller_do_not_hold_up_another(
    catalog: Catalog, slower: str, many: int, era: str
) -> None:
    async with (
        recording(_answer(HOLD)) as recorder,
        served(recorder.services(catalog)) as server,
        server.client("ada", era) as ada,
        server.client("eve", era) as eve,
        anyio.create_task_group() as tasks,
    ):
        tool = "descope_read" if slower == "LoadUser" else "descope_write"
        argument = "loginId" if slower == "LoadUser" else "name"
        ended: list[int] = []

        async def call(number: int) -> None:
            # Each its own target: changes of one are made one after the other.
            arguments = {argument: f"slow{number}"}
            await ada.call_tool(tool, {"operation": slower, "arguments": arguments})
            ended.append(number)

        for number in range(many):
            tasks.start_soon(call, number)
        with anyio.fail_after(20):
            while len(recorder.requests) < 10:  # noqa: ASYNC110
                await anyio.sleep(0.01)
        read = {"operation": "LoadUser", "arguments": FAST}
        done = await eve.call_tool("descope_read", read)
        assert not done.is_error
        assert ended == []
        tasks.cancel_scope.cancel()
