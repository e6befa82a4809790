"""A server process that is asked to end while somebody waits for it."""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from starlette.responses import JSONResponse, Response

from descope_mcp.store.journal.entries import entries
from tests.e2e.agent import Person
from tests.e2e.wire import pointed_at
from tests.preloaded import COMMAND
from tests.recorder import Recorded, Recorder, recording, shared_store

pytestmark = pytest.mark.anyio

ADD = {"operation": "CreateTenant", "arguments": {"name": "New"}}
DELETE = {"operation": "DeleteTenant", "arguments": {"id": "T1", "cascade": True}}


@contextmanager
def process(recorder: Recorder, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [COMMAND, "serve", "--http", "127.0.0.1:0", "--no-auth", *options]
    with subprocess.Popen(
        command, env=pointed_at(recorder.url), stderr=subprocess.PIPE, text=True
    ) as one:
        assert one.stderr is not None
        try:
            said = one.stderr.readline()
            url = re.search(r"serving (http://\S+)", said)
            assert url, said
            yield one, url[1]
        finally:
            one.kill()


def _taking(seconds: float) -> Callable[[Recorded], Awaitable[Response]]:
    async def answer(request: Recorded) -> Response:
        if request.method == "POST" and request.path.endswith("/create"):
            await asyncio.sleep(seconds)
        return JSONResponse({"id": "T1", "name": "Acme"})

    return answer


async def _arrived(recorder: Recorder) -> None:
    with anyio.fail_after(20):
        # Reads come before it; who hangs up then has changed nothing.
        while not any(one.path.endswith("/create") for one in recorder.requests):  # noqa: ASYNC110
            await anyio.sleep(0.02)


async def _ended(one: subprocess.Popen[str], seconds: float) -> int:
    with anyio.fail_after(seconds):
        while one.poll() is None:  # noqa: ASYNC110
            await anyio.sleep(0.02)
    assert one.returncode is not None
    return one.returncode


@pytest.mark.parametrize("era", ["auto", "legacy"])
async def test_a_signal_waits_for_the_change_that_is_on_its_way(era: str) -> None:
    answers: list[Any] = []
    async with recording(_taking(6.0)) as recorder:
        with process(recorder) as (one, url):
            async with Client(url, mode=era) as client, anyio.create_task_group() as tasks:
                # It would look at the list after the call.
                await client.list_tools()

                async def call() -> None:
                    answers.append(await client.call_tool("descope_write", ADD))

                tasks.start_soon(call)
                await _arrived(recorder)
                one.send_signal(signal.SIGTERM)
            assert await _ended(one, 15) == 128 + signal.SIGTERM
            assert one.stderr is not None
            assert one.stderr.read() == ""
    assert [answer.is_error for answer in answers] == [False]
    assert _last().result == "done"


async def test_a_form_and_a_stream_are_ended() -> None:
    asked = anyio.Event()
    answers: list[Any] = []

    class Slow(Person):
        async def __call__(self, context: Any, params: Any) -> Any:
            asked.set()
            await anyio.sleep_forever()

    async with recording(_taking(0)) as recorder:
        with process(recorder) as (one, url):
            async with httpx2.AsyncClient(timeout=30) as http:
                transport = streamable_http_client(url, http_client=http, terminate_on_close=False)
                async with (
                    Client(transport, mode="legacy", elicitation_callback=Slow()) as client,
                    anyio.create_task_group() as tasks,
                ):
                    await client.list_tools()

                    async def call() -> None:
                        answers.append(await client.call_tool("descope_destructive", DELETE))

                    tasks.start_soon(call)
                    await asked.wait()
                    one.send_signal(signal.SIGTERM)
                    # The stream for notices, and the form: neither has an end of its own.
                    assert await _ended(one, 15) == 128 + signal.SIGTERM
                    tasks.cancel_scope.cancel()
    assert [answer.structured_content["rule"] for answer in answers] == ["ended"]
    assert all(not request.path.endswith("/delete") for request in recorder.requests)


async def test_a_second_signal_waits_for_nothing_and_the_journal_says_unknown() -> None:
    async with recording(_taking(9.0)) as recorder:
        with process(recorder) as (one, url):
            async with httpx2.AsyncClient(timeout=30) as http:
                transport = streamable_http_client(url, http_client=http)
                async with Client(transport) as client, anyio.create_task_group() as tasks:

                    async def call() -> None:
                        with pytest.raises(Exception, match=r"."):
                            await client.call_tool("descope_write", ADD)

                    tasks.start_soon(call)
                    await _arrived(recorder)
                    one.terminate()
                    await anyio.sleep(0.3)
                    one.terminate()
                    assert await _ended(one, 7) == 128 + signal.SIGTERM
                    tasks.cancel_scope.cancel()
    assert _last().result == "unknown"


@pytest.mark.parametrize("options", [(), ("--json-answers",), ("--stateless",)])
@pytest.mark.parametrize("era", ["auto", "legacy"])
async def test_the_change_of_a_client_that_hangs_up_is_finished(
    era: str, options: tuple[str, ...]
) -> None:
    async with recording(_taking(1.0)) as recorder:
        with process(recorder, *options) as (_, url):
            async with httpx2.AsyncClient(timeout=30) as http:
                transport = streamable_http_client(url, http_client=http, terminate_on_close=False)
                async with Client(transport, mode=era) as client:
                    with anyio.move_on_after(15):
                        async with anyio.create_task_group() as tasks:
                            tasks.start_soon(client.call_tool, "descope_write", ADD)
                            await _arrived(recorder)
                            tasks.cancel_scope.cancel()
            before = time.monotonic()
            while _last().result != "done":
                assert time.monotonic() - before < 10, _last()
                await anyio.sleep(0.1)
        assert recorder.abandoned == []


def _last() -> Any:
    """The newest entry of the journal."""
    return entries(shared_store(), operation="CreateTenant", limit=1)[0]
