"""The transport of a real process: every line is answered, and every way to end is in order."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from starlette.responses import JSONResponse, Response

from descope_mcp.cli.main import FAILED
from descope_mcp.store.journal.entries import entries
from descope_mcp.store.journal.entry import Entry
from tests.e2e.wire import ASKABLE, LEGACY, environment, meta, pointed_at, wired
from tests.preloaded import COMMAND
from tests.recorder import Recorded, Recorder, recording, shared_store

pytestmark = pytest.mark.anyio

ADD = {"name": "CreateTenant", "arguments": {"name": "New"}}
READ = {"name": "LoadAllTenants", "arguments": {}}
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": LEGACY,
        "capabilities": {},
        "clientInfo": {"name": "pipe", "version": "1"},
    },
}
INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}


def _request(number: int, method: str, params: Any = None) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params or {}}


def _lines(*messages: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(message).encode() + b"\n" for message in messages)


def _answers(written: bytes) -> dict[Any, dict[str, Any]]:
    return {message["id"]: message for message in map(json.loads, written.splitlines())}


def _taking(seconds: float, reads: float = 0.0) -> Any:
    """An upstream whose changes and reads take their time."""

    async def answer(request: Recorded) -> Response:
        changes = request.path.endswith("/create")
        await asyncio.sleep(seconds if changes else reads)
        return JSONResponse({"id": "T1"} if changes else {"tenants": []})

    return answer


async def _arrived(recorder: Recorder, count: int = 1) -> None:
    with anyio.fail_after(10):
        while len(recorder.requests) < count:  # noqa: ASYNC110 - it tells nobody
            await anyio.sleep(0.01)


async def test_every_line_is_answered() -> None:
    large = b'{"params": {"a": "' + b"x" * 5_000_000 + b'"}, "jsonrpc": "2.0", "id": 904}'
    bad = [
        (b"{", None, -32700, "Parse error"),
        (b'{"jsonrpc": "2.0", "id": 901, "method": "ping", "params": {', 901, -32700, "Parse"),
        (b'{"jsonrpc": "2.0", "id": 902, "params": {"a": "\\ud83d"}}', 902, -32600, "surrogate"),
        (
            b'{"jsonrpc": "2.0", "id": 903}',
            903,
            -32600,
            "The message has neither a method nor a result.",
        ),
        (large, 904, -32600, "at most 4194304 are taken"),
        (b'[{"jsonrpc": "2.0", "id": 905}]', None, -32600, "Batches are not served"),
    ]
    async with wired("--sandbox") as wire:
        await wire.initialize()
        before = len(wire.lines)
        for line, number, code, said in bad:
            await wire.line(line)
            error = (await wire.answer(number))["error"]
            assert (error["code"], said in error["message"]) == (code, True)
        await wire.line(b'\xef\xbb\xbf{"jsonrpc": "2.0", "id": 906, "method": "ping"}\r')
        assert (await wire.answer(906))["result"] == {}
        assert len(wire.lines) == before + len(bad) + 1


@pytest.mark.parametrize("modern", [True, False], ids=["modern", "legacy"])
async def test_what_was_piped_in_is_answered_after_the_end_of_the_input(modern: bool) -> None:
    envelope = {"_meta": meta()} if modern else {}
    calls = [
        _request(2, "tools/call", {**READ, **envelope}),
        _request(3, "tools/call", {**ADD, **envelope}),
        _request(4, "tools/list", envelope),
    ]
    said = _lines(*([] if modern else [INITIALIZE, INITIALIZED]), *calls)[:-1]
    async with recording(_taking(0.6, 0.3)) as recorder:
        process = await anyio.run_process(
            [COMMAND, "serve"], input=said, env=pointed_at(recorder.url), check=False
        )
    assert process.returncode == 0
    answers = _answers(process.stdout)
    assert answers.keys() == {2, 3, 4} | ({1} if not modern else set())
    assert not answers[2]["result"]["isError"]
    assert not answers[3]["result"]["isError"]
    assert b"Traceback" not in process.stderr


async def test_a_question_that_nobody_can_answer_any_more_is_no_yes() -> None:
    async with wired("--sandbox") as wire:
        await wire.initialize(ASKABLE)
        users = await wire.request("tools/call", {"name": "SearchUsers", "arguments": {}})
        user = users["result"]["structuredContent"]["answer"]["users"][0]["loginIds"][0]
        number = await wire.send(
            "tools/call", {"name": "DeleteUser", "arguments": {"loginId": user}}
        )
        await wire.asked()
        await wire.hang_up()
        answer = await wire.answer(number)
        assert answer["result"]["structuredContent"]["waitsFor"] == "person"
        with anyio.fail_after(10):
            assert await wire.process.wait() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_waits_for_the_change_that_is_on_its_way(number: int) -> None:
    async with (
        recording(_taking(2.0, 6.0)) as recorder,
        wired(env=pointed_at(recorder.url)) as wire,
    ):
        await wire.initialize()
        read = await wire.send("tools/call", READ)
        change = await wire.send("tools/call", ADD)
        await _arrived(recorder, 2)
        wire.process.send_signal(number)
        given_up = await wire.answer(read)
        assert given_up["error"]["message"] == "Connection closed"
        with anyio.fail_after(10):
            assert await wire.process.wait() == 128 + number
        assert (await wire.answer(change))["result"]["isError"] is False
        assert b"Traceback" not in wire.errors
    assert _last().result == "done"


async def test_a_second_signal_waits_for_nothing_and_the_journal_says_unknown() -> None:
    async with (
        recording(_taking(6.0)) as recorder,
        wired(env=pointed_at(recorder.url)) as wire,
    ):
        await wire.initialize()
        change = await wire.send("tools/call", ADD)
        await _arrived(recorder)
        began = time.monotonic()
        wire.process.terminate()
        await anyio.sleep(0.3)
        wire.process.terminate()
        with anyio.fail_after(10):
            assert await wire.process.wait() == 128 + signal.SIGTERM
            await wire.answer(change)
        assert time.monotonic() - began < 5
        assert b"Traceback" not in wire.errors
    assert _last().result == "unknown"


@pytest.mark.parametrize("command", ["serve", "sandbox"])
def test_where_sigint_is_ignored_from_birth_it_ends_the_process(command: str) -> None:
    _ends([COMMAND, command], lambda process: process.send_signal(signal.SIGINT))


@pytest.mark.skipif(
    subprocess.run(["unshare", "--pid", "--fork", "true"], check=False).returncode != 0
    if shutil.which("unshare")
    else True,
    reason="nobody here may make a process the first of its kind",
)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("command", ["serve", "sandbox"])
def test_the_first_process_of_a_container_ends_with_a_signal(command: str, number: int) -> None:
    def first(process: subprocess.Popen[bytes]) -> None:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
        os.kill(int(children), number)

    _ends(["unshare", "--pid", "--fork", COMMAND, command], first, number)


def _ends(
    command: list[str],
    kill: Callable[[subprocess.Popen[bytes]], None],
    number: int = signal.SIGINT,
) -> None:
    """Start `command` where SIGINT is ignored, wait until it is there, and let `kill` end it."""

    def deafened() -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment(), preexec_fn=deafened
    ) as process:
        try:
            assert process.stdin
            assert process.stdout
            if "serve" in command:
                process.stdin.write(_lines(INITIALIZE))
                process.stdin.flush()
            process.stdout.readline()
            if "sandbox" in command:
                process.stdout.readline()
                process.stdout.readline()
            kill(process)
            assert process.wait(10) == 128 + number
            assert process.stderr
            assert b"Traceback" not in process.stderr.read()
        finally:
            process.kill()


async def test_nothing_but_the_protocol_is_on_stdout(tmp_path: Path) -> None:
    script = tmp_path / "noisy.py"
    script.write_text(
        """
import os, subprocess, sys
from descope_mcp.server import tool_calls
real = tool_calls.ToolCall.result
async def noisy(self):
    print("a print", flush=True)
    os.write(1, b"a write\\n")
    subprocess.run(["sh", "-c", "cat; echo a child"])
    return await real(self)
tool_calls.ToolCall.result = noisy
from descope_mcp.cli.main import main
sys.argv = ["descope-mcp", "serve", "--sandbox"]
main()
"""
    )
    said = _lines(INITIALIZE, INITIALIZED, _request(2, "tools/call", READ), _request(3, "ping"))
    process = await anyio.run_process(
        [sys.executable, str(script)], input=said, env=environment(), check=False
    )
    assert _answers(process.stdout).keys() == {1, 2, 3}
    for stray in (b"a print", b"a write", b"a child"):
        assert stray in process.stderr


async def test_files_and_nothing_are_pipes_too(tmp_path: Path) -> None:
    asked, answered = tmp_path / "asked", tmp_path / "answered"
    asked.write_bytes(_lines(INITIALIZE, INITIALIZED, _request(2, "tools/list")))
    with asked.open("rb") as stdin, answered.open("wb") as stdout:
        done = await anyio.run_process(
            [COMMAND, "serve"], stdin=stdin, stdout=stdout, env=environment(), check=False
        )
    assert done.returncode == 0
    assert _answers(answered.read_bytes()).keys() == {1, 2}
    nothing = subprocess.DEVNULL
    done = await anyio.run_process(
        [COMMAND, "serve"], stdin=nothing, stdout=nothing, env=environment(), check=False
    )
    assert done.returncode == 0
    assert b"Traceback" not in done.stderr
    for command in (f"{COMMAND} serve <&-", f"{COMMAND} <&- >&-"):
        closed = await anyio.run_process(["sh", "-c", command], env=environment(), check=False)
        assert closed.returncode == FAILED
        assert b"stdin or stdout is closed" in closed.stderr.lower()
        assert b"Traceback" not in closed.stderr


async def test_what_was_done_is_no_failure_where_nobody_hears_of_it() -> None:
    call = f'{COMMAND} call CreateTenant --arguments \'{{"name": "quiet"}}\' --sandbox'
    for closed in (">&-", "<&- >&- 2>&-"):
        done = await anyio.run_process(
            ["sh", "-c", f"{call} {closed}"], env=environment(), check=False
        )
        assert (done.returncode, done.stdout) == (0, b"")
        assert b"Traceback" not in done.stderr


def test_it_ends_when_nobody_reads_what_it_says() -> None:
    pipe = subprocess.PIPE
    command = [COMMAND, "serve", "--sandbox"]
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment()
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdin.write(_lines(INITIALIZE))
        process.stdin.flush()
        process.stdout.readline()
        process.stdout.close()
        process.stdin.write(_lines(INITIALIZED, _request(2, "tools/list")))
        process.stdin.flush()
        assert process.wait(10) == 0
        assert b"Traceback" not in process.stderr.read()


def _last() -> Entry:
    return entries(shared_store(), operation="CreateTenant", limit=1)[0]
