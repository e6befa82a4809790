"""A real server process, spoken to line by line: also what no well-behaved client would send."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import anyio
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

from tests.preloaded import PRELOADED
from tests.recorder import EVERY_SERVER, MANAGEMENT_KEY, PROJECT, STORE_SETTINGS

MODERN = "2026-07-28"
LEGACY = "2025-11-25"
ASKABLE: dict[str, Any] = {"elicitation": {}}


def environment(**settings: str) -> dict[str, str]:
    """This process's environment with nobody's credentials but the given settings.

    What is meant for the interpreter that runs the tests, others are not told.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in STORE_SETTINGS or not name.startswith(("DESCOPE_", "PYTHON"))
    }
    return {**kept, **EVERY_SERVER, **settings}


def pointed_at(url: str) -> dict[str, str]:
    """The environment of a server whose Descope is a recorder."""
    return environment(
        DESCOPE_BASE_URL=url, DESCOPE_PROJECT_ID=PROJECT, DESCOPE_MANAGEMENT_KEY=MANAGEMENT_KEY
    )


class Wire:
    """Both ends of the pipe.

    Every line that the server writes is kept in `lines`, its notifications in `notices`, and
    what it says on stderr in `errors`.
    """

    def __init__(self, process: Process) -> None:
        self.process = process
        self.lines: list[str] = []
        self.notices: list[dict[str, Any]] = []
        self.errors = b""
        self._asked: list[dict[str, Any]] = []
        self._answers: dict[Any, dict[str, Any]] = {}
        self._heard = anyio.Event()
        self._ids = itertools.count(1)

    async def read(self) -> None:
        """Keep what the server writes, until it hangs up."""
        assert self.process.stdout is not None
        stream = BufferedByteReceiveStream(self.process.stdout)
        while True:
            try:
                line = (await stream.receive_until(b"\n", 10_000_000)).decode()
            except (anyio.IncompleteRead, anyio.EndOfStream, anyio.ClosedResourceError):
                return
            self.lines.append(line)
            message = json.loads(line)
            if "method" not in message:
                self._answers[message.get("id")] = message
            elif "id" in message:
                self._asked.append(message)
            else:
                self.notices.append(message)
            self._heard.set()
            self._heard = anyio.Event()

    async def read_errors(self) -> None:
        """Keep what the server says on stderr."""
        assert self.process.stderr is not None
        async for chunk in self.process.stderr:
            self.errors += chunk

    async def line(self, text: str | bytes) -> None:
        """Send one line as it is."""
        assert self.process.stdin is not None
        raw = text if isinstance(text, bytes) else text.encode()
        await self.process.stdin.send(raw + b"\n")

    async def send(self, method: str, params: Mapping[str, Any] | None = None) -> int:
        """Send a request; its id."""
        number = next(self._ids)
        message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params or {}}
        await self.line(json.dumps(message))
        return number

    async def notify(self, method: str, params: Mapping[str, Any] | None = None) -> None:
        """Send a notification."""
        await self.line(json.dumps({"jsonrpc": "2.0", "method": method, "params": params or {}}))

    async def answer(self, number: int | str | None) -> dict[str, Any]:
        """The response with this id: ``{"result": ...}`` or ``{"error": ...}``."""
        with anyio.fail_after(20):
            while number not in self._answers:
                await self._heard.wait()
        return self._answers.pop(number)

    async def asked(self) -> dict[str, Any]:
        """The next request that the server sends."""
        with anyio.fail_after(20):
            while not self._asked:
                await self._heard.wait()
        return self._asked.pop(0)

    async def reply(self, asked: Mapping[str, Any], **outcome: Any) -> None:
        """Answer a request of the server with ``result=`` or ``error=``."""
        await self.line(json.dumps({"jsonrpc": "2.0", "id": asked["id"], **outcome}))

    async def request(self, method: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Send a request and wait for its response."""
        return await self.answer(await self.send(method, params))

    async def initialize(
        self, capabilities: Mapping[str, Any] | None = None, version: str = LEGACY
    ) -> dict[str, Any]:
        """The handshake of the older revisions."""
        params = {
            "protocolVersion": version,
            "capabilities": capabilities or {},
            "clientInfo": {"name": "wire", "version": "1"},
        }
        answer = await self.request("initialize", params)
        await self.notify("notifications/initialized")
        return answer

    async def call(
        self,
        name: str,
        arguments: Any,
        *,
        capabilities: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> dict[str, Any]:
        """Call a tool as a client of 2026-07-28 would."""
        return await self.answer(await self.send_call(name, arguments, capabilities, **more))

    async def send_call(
        self, name: str, arguments: Any, capabilities: Mapping[str, Any] | None = None, **more: Any
    ) -> int:
        """Send what `call` sends, without waiting."""
        params = {"name": name, "arguments": arguments, "_meta": meta(capabilities), **more}
        return await self.send("tools/call", params)

    async def stop_listening(self) -> None:
        """Close the server's stdout."""
        assert self.process.stdout is not None
        await self.process.stdout.aclose()

    async def hang_up(self) -> None:
        """Close the server's stdin."""
        assert self.process.stdin is not None
        await self.process.stdin.aclose()


def meta(capabilities: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The envelope that each request of 2026-07-28 carries; without a way to ask, but for more."""
    return {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": capabilities or {},
        "io.modelcontextprotocol/clientInfo": {"name": "wire", "version": "1"},
    }


@asynccontextmanager
async def wired(*arguments: str, env: Mapping[str, str] | None = None) -> AsyncIterator[Wire]:
    """``descope-mcp serve`` as a process; it ends with the context, if not by itself."""
    process = await anyio.open_process([PRELOADED, "serve", *arguments], env=env or environment())
    wire = Wire(process)
    async with process, anyio.create_task_group() as tasks:
        tasks.start_soon(wire.read)
        tasks.start_soon(wire.read_errors)
        try:
            yield wire
        finally:
            if process.returncode is None:
                process.kill()
            tasks.cancel_scope.cancel()
