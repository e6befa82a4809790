"""Speed: start, list and call, each beside its floor in the same run.

The server and its floor take turns, call by call, so that a busy machine slows both. The upstream
is a loopback server that answers the same small user to everything.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from threading import Thread
from typing import Any

_ROUNDS = 10
_CALLS = 300
_WARM = 30
_USER = json.dumps({"user": {"loginIds": ["a@b.example"], "userId": "U1", "name": "A"}}).encode()
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
    len(_USER),
    _USER,
)
_SERVE = [sys.executable, "-m", "descope_mcp", "serve"]
_FLOOR = [sys.executable, "-m", "benchmarks.floor"]


class Stdio:
    """A server process and a client that does no more than JSON lines."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        self._number = 0
        self.request(
            "initialize",
            {
                "protocolVersion": "2025-11-25",
                "capabilities": {},
                "clientInfo": {"name": "bench", "version": "1"},
            },
        )
        self._send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def request(self, method: str, params: dict[str, Any]) -> bytes:
        """The raw answer to one request."""
        self._number += 1
        self._send({"jsonrpc": "2.0", "id": self._number, "method": method, "params": params})
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def close(self) -> None:
        """Hang up and wait for the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message).encode() + b"\n")
        self._process.stdin.flush()


async def upstream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer every request on a connection with the same small user."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            for line in head.lower().split(b"\r\n"):
                if line.startswith(b"content-length:"):
                    await reader.readexactly(int(line.split(b":")[1]))
            writer.write(_ANSWER)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


@contextmanager
def running_upstream() -> Iterator[str]:
    """The URL of the loopback server."""
    loop = asyncio.new_event_loop()
    Thread(target=loop.run_forever, daemon=True).start()
    started = asyncio.run_coroutine_threadsafe(asyncio.start_server(upstream, "127.0.0.1", 0), loop)
    port = started.result().sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    loop.call_soon_threadsafe(loop.stop)


def _start(command: list[str], environment: dict[str, str]) -> float:
    """Milliseconds from the start of the process to the first list of tools."""
    began = time.perf_counter()
    server = Stdio(command, environment)
    server.request("tools/list", {})
    took = time.perf_counter() - began
    server.close()
    return took * 1000


def _times(action: Callable[[], Any], count: int) -> list[float]:
    out = []
    for _ in range(count):
        began = time.perf_counter()
        action()
        out.append((time.perf_counter() - began) * 1000)
    return out


def _row(
    name: str, ours: list[float], floor: list[float], aim: str, *, pairs: bool = False
) -> None:
    mine, least = statistics.median(ours), statistics.median(floor)
    p95 = statistics.quantiles(ours, n=20)[-1]
    ratio = mine / least
    if pairs:
        ratio = statistics.median(a / b for a, b in zip(ours, floor, strict=True))
    print(f"{name:42} {mine:9.2f} {p95:9.2f} {least:9.2f} {ratio:7.2f}  {aim}")


def main() -> None:
    """Print the table."""
    print(f"{'(milliseconds)':42} {'p50':>9} {'p95':>9} {'floor':>9} {'ratio':>7}  aim")
    with running_upstream() as url:
        environment = {
            **os.environ,
            "DESCOPE_BASE_URL": url,
            "DESCOPE_PROJECT_ID": "P" + "2" * 27,
            "DESCOPE_MANAGEMENT_KEY": "K" + "b" * 40,
        }
        for extra, name in (([], "start to first list, hub"), (["--toolsets", "all"], "... all")):
            ours: list[float] = []
            floor: list[float] = []
            turns = [([*_SERVE, *extra], ours), (_FLOOR, floor)]
            for _ in range(_ROUNDS):
                for command, taken in turns:
                    taken.append(_start(command, environment))
                turns.reverse()
            _row(name, ours, floor, "ratio 1.15" if not extra else "", pairs=True)
        _lists(environment)
        _calls(environment)


def _lists(environment: dict[str, str]) -> None:
    floor = Stdio(_FLOOR, environment)
    least = _times(lambda: floor.request("tools/list", {}), 100)
    floor.close()
    for extra, name, aim in (
        ([], "tools/list, hub", ""),
        (["--toolsets", "all"], "tools/list, all operations", "p50 5 ms"),
    ):
        server = Stdio([*_SERVE, *extra], environment)
        server.request("tools/list", {})
        _row(name, _times(partial(server.request, "tools/list", {}), 100), least, aim)
        server.close()


def _calls(environment: dict[str, str]) -> None:
    """Calls in pairs with the floor's read; the ratio is the median of those of the pairs.

    Each row has a process of its own: the system lets one wait longer that has done more.
    """
    user = {"loginId": "a@b.example"}
    through = {"operation": "LoadUser", "arguments": user}
    search = {"query": "remove a person from a tenant"}
    for name, tool, arguments, aim in (
        ("a read by its name", "LoadUser", user, "ratio 1.0"),
        ("a read through the hub", "descope_read", through, "ratio 1.0"),
        ("a search (floor: a read)", "descope_search", search, ""),
    ):
        server, floor = Stdio(_SERVE, environment), Stdio(_FLOOR, environment)
        ours: list[float] = []
        least: list[float] = []
        turns = [
            (partial(server.request, "tools/call", {"name": tool, "arguments": arguments}), ours),
            (partial(floor.request, "tools/call", {"name": "LoadUser", "arguments": user}), least),
        ]
        for turn in range(_WARM + _CALLS):
            for step, taken in turns:
                taken += _times(step, 1)[: turn >= _WARM]
            turns.reverse()
        _row(f"tools/call, {name}", ours, least, aim, pairs=True)
        server.close()
        floor.close()


if __name__ == "__main__":
    main()
