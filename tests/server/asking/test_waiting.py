"""A call that waits for a person's word goes on with it, wherever it is given."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import pytest
from anyio.to_thread import run_sync
from httpx2 import AsyncClient, Limits
from mcp import Client

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.server.asking import waiting_calls
from descope_mcp.server.asking.waiting_calls import WaitingCalls
from descope_mcp.server.http.admission import Admission
from descope_mcp.store.consent import approvals
from descope_mcp.store.consent.request import Request
from descope_mcp.store.store import Store
from tests.attacks.directory import Directory, changes
from tests.recorder import Recorder, recording
from tests.server.http.served import LEGACY, Served, headers, message, served
from tests.store.conftest import in_files, on_server, own
from tests.stores import close_all, reopened, replica

__all__ = ["in_files", "on_server", "own"]
pytestmark = pytest.mark.anyio

ERAS = ("auto", "legacy")
DELETE: dict[str, Any] = {"operation": "DeleteUser", "arguments": {"loginId": "ada"}}
LONG = 20.0


@pytest.fixture
async def recorder() -> AsyncIterator[Recorder]:
    async with recording(Directory().answer) as one:
        yield one


@pytest.fixture
def other(own: Store, tmp_path: Path) -> Iterator[Store]:
    """The store of another replica, or of another process of this machine."""
    yield replica(own, tmp_path / "replica") if own.is_shared else reopened(own)
    close_all()


class Told:
    """What a client shows while its call goes on."""

    def __init__(self) -> None:
        self.said: list[str] = []

    async def __call__(self, progress: float, total: float | None, text: str | None) -> None:
        self.said.append(text or "")


async def pending(store: Store, count: int = 1) -> list[Request]:
    """The requests that wait, as soon as there are so many."""
    found: list[Request] = []
    with anyio.fail_after(LONG):
        while len(found) < count:
            await anyio.sleep(0.02)
            found = await run_sync(lambda: approvals.requests(store, pending=True))
    return found


@asynccontextmanager
async def called(client: Client, told: Told | None, tool: str, given: Any) -> AsyncIterator[Any]:
    """A call under way; what it answered is appended to what this gives."""
    answers: list[Any] = []

    async def call() -> None:
        more = {"progress_callback": told} if told else {}
        answers.append((await client.call_tool(tool, given, **more)).structured_content)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call)
        yield answers


@pytest.mark.parametrize("era", ERAS)
async def test_a_yes_on_another_replica_lets_the_call_go_on(
    recorder: Recorder, catalog: Catalog, own: Store, other: Store, era: str
) -> None:
    services = recorder.services(catalog, store=own, patience=LONG)
    async with served(services) as server, server.client("ada", era) as client:
        told = Told()
        async with called(client, told, "descope_destructive", DELETE) as answers:
            (request,) = await pending(other)
            await _until(lambda: any("waits for a person" in said for said in told.said))
            assert await run_sync(lambda: approvals.answer(other, request.number, approved=True))
        (answer,) = answers
    assert answer["change"]
    assert answer["consent"]["by"]
    assert any(f"Request {request.number} waits" in said for said in told.said)
    assert len(changes(recorder)) == 1
    assert [one.status for one in approvals.requests(other)] == ["used"]


@pytest.mark.parametrize("era", ERAS)
async def test_a_no_ends_the_call_with_its_reason(
    recorder: Recorder, catalog: Catalog, in_files: Store, era: str
) -> None:
    services = recorder.services(catalog, store=in_files, patience=LONG)
    async with (
        served(services) as server,
        server.client("ada", era) as client,
        called(client, Told(), "descope_destructive", DELETE) as answers,
    ):
        (request,) = await pending(in_files)
        approvals.answer(in_files, request.number, approved=False, reason="Not this one")
        await _until(lambda: bool(answers))
    assert answers[0]["rule"] == "denied"
    assert "Not this one" in answers[0]["message"]
    assert changes(recorder) == []


async def test_nobody_answers_in_time_and_who_calls_again_waits_on(
    recorder: Recorder, catalog: Catalog, in_files: Store
) -> None:
    services = recorder.services(catalog, store=in_files, patience=0.3)
    async with served(services) as server, server.client("ada") as client:
        first = await client.call_tool("descope_destructive", DELETE, progress_callback=Told())
        assert first.structured_content["waitsFor"] == "person"
        assert "Nobody answered" in first.structured_content["message"]
        again = (await client.call_tool("descope_destructive", DELETE)).structured_content
        # Without a way to tell the person: it waits, since the agent knows of the request.
        assert "Nobody answered" in again["message"]
        assert again["request"] == first.structured_content["request"]
        (request,) = approvals.requests(in_files)
        approvals.answer(in_files, request.number, approved=True)
        done = (await client.call_tool("descope_destructive", DELETE)).structured_content
    assert done["change"]
    assert len(approvals.requests(in_files)) == 1


async def test_nobody_waits_for_who_cannot_have_heard(
    recorder: Recorder, catalog: Catalog, in_files: Store
) -> None:
    services = recorder.services(catalog, store=in_files, patience=600)
    async with served(services) as server, server.client("ada") as client:
        with anyio.fail_after(LONG):
            first = await client.call_tool("descope_destructive", DELETE)
    assert "Nobody answered" not in first.structured_content["message"]


async def test_a_plan_waits_too(recorder: Recorder, catalog: Catalog, in_files: Store) -> None:
    services = recorder.services(catalog, store=in_files, patience=LONG)
    async with (
        served(services) as server,
        server.client("ada") as client,
        called(client, Told(), "descope_plan", {"steps": [DELETE]}) as answers,
    ):
        (request,) = await pending(in_files)
        assert changes(recorder) == []
        approvals.answer(in_files, request.number, approved=True)
        await _until(lambda: bool(answers))
    assert len(changes(recorder)) == 1, answers
    assert approvals.requests(in_files)[0].status == "used"


@pytest.mark.parametrize("era", ERAS)
async def test_who_cancels_ends_the_waiting_and_not_the_request(
    recorder: Recorder, catalog: Catalog, in_files: Store, era: str
) -> None:
    services = recorder.services(catalog, store=in_files, patience=LONG)
    async with served(services) as server, server.client("ada", era) as client:
        with anyio.CancelScope() as scope:
            async with called(client, Told(), "descope_destructive", DELETE):
                await pending(in_files)
                scope.cancel()
        await _until(lambda: not _listeners())
        assert [one.status for one in approvals.requests(in_files)] == ["pending"]
        (request,) = approvals.requests(in_files)
        approvals.answer(in_files, request.number, approved=True)
        await anyio.sleep(0.5)
        assert changes(recorder) == []
        done = (await client.call_tool("descope_destructive", DELETE)).structured_content
        assert done["change"]


async def test_an_older_client_that_hangs_up_leaves_no_call_behind(
    recorder: Recorder, catalog: Catalog, in_files: Store
) -> None:
    """The connection of the call ends, and the session does not."""
    services = recorder.services(catalog, store=in_files, patience=LONG)
    sent = {"accept": "application/json, text/event-stream"}
    about = {"name": "test", "version": "1"}
    hello = {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": about}
    call = {"name": "descope_destructive", "arguments": DELETE, "_meta": {"progressToken": 1}}
    async with served(services) as server, server.http() as http:

        async def post(method: str, params: Any, **more: Any) -> Any:
            body = {"jsonrpc": "2.0", "method": method, "params": params, **more}
            return await http.post("/mcp", json=body, headers=sent)

        begun = await post("initialize", hello, id=1)
        sent["mcp-session-id"] = begun.headers["mcp-session-id"]
        sent["mcp-protocol-version"] = LEGACY
        await post("notifications/initialized", {})
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(partial(post, "tools/call", call, id=2))
            await _until(lambda: _waiting(server) == 1)
            tasks.cancel_scope.cancel()
        await _until(lambda: _waiting(server) == 0)
        assert "ada" not in server.application.admission._open
        (request,) = approvals.requests(in_files)
        approvals.answer(in_files, request.number, approved=True)
        await anyio.sleep(0.5)
        assert changes(recorder) == []
    assert approvals.request(in_files, request.number).status == "approved"  # type: ignore[union-attr]


async def test_of_one_call_sent_twice_one_runs(
    recorder: Recorder, catalog: Catalog, in_files: Store
) -> None:
    services = recorder.services(catalog, store=in_files, patience=LONG)
    async with (
        served(services) as server,
        server.client("ada") as one,
        server.client("ada") as two,
        called(one, Told(), "descope_destructive", DELETE) as first,
        called(two, Told(), "descope_destructive", DELETE) as second,
    ):
        (request,) = await pending(in_files)
        await _until(lambda: _waiting(server) == 2)
        approvals.answer(in_files, request.number, approved=True)
        await _until(lambda: bool(first and second))
    answers = [first[0], second[0]]
    assert len([one for one in answers if "change" in one]) == 1
    assert [one["rule"] for one in answers if "error" in one] == ["used"]
    assert len(changes(recorder)) == 1
    assert len(approvals.requests(in_files)) == 1


async def test_a_server_that_ends_answers_those_that_wait(
    recorder: Recorder, catalog: Catalog, in_files: Store
) -> None:
    services = recorder.services(catalog, store=in_files, patience=LONG)
    answers: list[str] = []
    async with (
        served(services) as server,
        server.http() as http,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(by_hand, http, "ada", DELETE, answers)
        await _until(lambda: _waiting(server) == 1)
        server.serving.end()
        await _until(lambda: bool(answers))
    assert "waitsFor" in answers[0]


async def by_hand(http: AsyncClient, caller: str, target: Any, answers: list[str]) -> None:
    """A call of 2026-07-28 that asks for progress; its answer, as it came."""
    given = message("tools/call", {"name": "descope_destructive", "arguments": target})
    given["params"]["_meta"]["progressToken"] = 1
    sent = {**headers("tools/call", "descope_destructive"), "x-caller": caller}
    answers.append((await http.post("/mcp", json=given, headers=sent, timeout=240)).text)


async def test_a_thousand_waiting_calls_share_one_listener(in_files: Store) -> None:
    waiting, answered = WaitingCalls(), Counter[str]()
    numbers = [_filed(in_files, f"b{number}") for number in range(20)]
    # Nothing is asked of it but when the server ends.
    ctx: Any = SimpleNamespace(request=None, lifespan_context=anyio.Event())

    async def one(number: int) -> None:
        until = time.monotonic() + 200
        answered[await waiting.answer(ctx, in_files, number, until, anyio.sleep_forever)] += 1

    async with anyio.create_task_group() as tasks:
        for number in range(1_000):
            tasks.start_soon(one, numbers[number % 20])
        await anyio.sleep(1)
        assert len(_listeners()) == 1
        for number in numbers[:19]:
            answer = partial(approvals.answer, in_files, number, approved=number % 2 > 0)
            assert await run_sync(answer)
        await _until(lambda: answered.total() == 950, 200)
        tasks.cancel_scope.cancel()
    assert answered == {"approved": 500, "denied": 450}
    await _until(lambda: not _listeners())


def _filed(store: Store, binding: str) -> int:
    request = approvals.file(
        store,
        project="P1",
        caller="ada",
        operation="DeleteUser",
        binding=binding,
        question="",
        typed="",
    )
    assert request
    return request.number


async def test_calls_that_wait_leave_room_for_others(
    recorder: Recorder, catalog: Catalog, on_server: Store
) -> None:
    each, targets = 3, 5
    services = recorder.services(catalog, store=on_server, patience=300)
    answers: list[str] = []

    async with (
        served(services) as server,
        AsyncClient(base_url=server.path(""), limits=Limits(max_connections=None)) as http,
        anyio.create_task_group() as tasks,
    ):
        # More than it has calls that are looked at once, fewer than those that wait.
        server.application.admission._most_of_one = 6
        for number in range(each * targets):
            target = {**DELETE, "arguments": {"loginId": f"user{number % targets}"}}
            tasks.start_soon(by_hand, http, "ada", target, answers)
            await _until(lambda n=number: _waiting(server) == n + 1)
        assert len(_listeners()) == 1
        assert _open(server.application.admission) == 0
        async with server.client("ada") as client:
            read = {"operation": "LoadUser", "arguments": {"loginId": "ada"}}
            assert not (await client.call_tool("descope_read", read)).is_error
        for request in await run_sync(lambda: approvals.requests(on_server, pending=True)):
            approvals.answer(on_server, request.number, approved=True)
        await _until(lambda: len(answers) == each * targets, 240)
    assert all('"isError":false' in one.replace(" ", "") or "rule" in one for one in answers)
    assert len(changes(recorder)) == targets == len(approvals.requests(on_server))


def _listeners() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name == waiting_calls.LISTENER]


def _waiting(server: Served) -> int:
    return server.application.waiting.count


def _open(admission: Admission) -> int:
    return admission._open.total()


async def _until(true: Callable[[], bool], seconds: float = LONG) -> None:
    with anyio.fail_after(seconds):
        while not true():  # noqa: ASYNC110 - what is waited for tells nobody
            await anyio.sleep(0.02)
