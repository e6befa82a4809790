"""Calls over HTTP, beside a bare SDK server that makes the same request, and a crowd of clients.

``python -m benchmarks.http`` prints calls per second; the two servers take turns, so that a busy
machine slows both. ``python -m benchmarks.http load`` has 500 clients call for a minute, and prints
errors, waits and memory. ``--other PYTHON SCRIPT`` measures one more server, that of a script for
another interpreter, which prints where it serves.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.speed import upstream as descope

MODERN = "2026-07-28"
#: A server of this project, for everybody on this machine.
SERVE = [sys.executable, "-m", "descope_mcp", "serve", "--http", "127.0.0.1:0", "--no-auth"]
#: The loopback server that answers the same small user to everything, in a process of its own: as
#: a thread it would share the interpreter with the clients.
UPSTREAM = [sys.executable, "-m", "benchmarks.http", "upstream"]
_FLOOR = [sys.executable, "-m", "benchmarks.floor", "--http"]
_ROUNDS, _CALLS = 12, 400
_CLIENTS, _SECONDS = 500, 60.0


def request(address: str, tool: str, arguments: dict[str, object]) -> bytes:
    """A call of a tool as a client of 2026-07-28 sends it."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    params = {"name": tool, "arguments": arguments, "_meta": meta}
    body = json.dumps(
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    ).encode()
    head = (
        f"POST /mcp HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n"
        f"accept: application/json, text/event-stream\r\nmcp-protocol-version: {MODERN}\r\n"
        f"mcp-method: tools/call\r\nmcp-name: {tool}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def answer(reader: asyncio.StreamReader) -> bytes:
    """The body of an answer with a length.

    Raises:
        ValueError: the call did not succeed.
    """
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = re.search(rb"content-length: (\d+)", head)
    body = await reader.readexactly(int(length[1])) if length else b""
    if not head.startswith(b"http/1.1 200") or b'"isError":false' not in body.replace(b" ", b""):
        raise ValueError((head + body)[:300])
    return body


@contextmanager
def serving(command: Sequence[str], environment: dict[str, str]) -> Iterator[tuple[str, int]]:
    """The address of a server process, and its number."""
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if found := re.search(r"serving (http://\S+)", line):
                    yield urlsplit(found[1]).netloc, process.pid
                    return
            raise RuntimeError(f"{command} does not serve")
        finally:
            process.kill()


@contextmanager
def environment() -> Iterator[dict[str, str]]:
    """That of a server whose Descope is the loopback server, which runs as long."""
    with serving(UPSTREAM, dict(os.environ)) as (address, _):
        yield {
            **os.environ,
            "DESCOPE_BASE_URL": f"http://{address}",
            "DESCOPE_PROJECT_ID": "P" + "2" * 27,
            "DESCOPE_MANAGEMENT_KEY": "K" + "b" * 40,
        }


async def _per_second(address: str, connections: int, calls: int) -> float:
    host, _, port = address.rpartition(":")
    sent = request(address, "LoadUser", {"loginId": "a@b.example"})

    async def one() -> None:
        reader, writer = await asyncio.open_connection(host, int(port))
        for _ in range(calls // connections):
            writer.write(sent)
            await answer(reader)
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(connections)))
    return calls / (time.perf_counter() - began)


def compare(others: dict[str, list[str]]) -> None:
    """Print calls per second, and ours as a share of each other's."""
    commands = {"ours": SERVE, "bare SDK": _FLOOR, **others}
    with environment() as given, ExitStack() as stack:
        addresses = {
            name: stack.enter_context(serving(command, given))[0]
            for name, command in commands.items()
        }
        print(f"{'calls/s':24} " + " ".join(f"{name:>10}" for name in commands) + "   shares")
        for connections in (1, 16):
            rates: dict[str, list[float]] = {name: [] for name in commands}
            for turn in range(_ROUNDS + 1):
                for name, address in addresses.items():
                    calls = _CALLS if name in ("ours", "bare SDK") else 32
                    rate = asyncio.run(_per_second(address, connections, calls))
                    if turn:
                        rates[name].append(rate)
            shares = [
                statistics.median(a / b for a, b in zip(rates["ours"], rates[name], strict=True))
                for name in commands
                if name != "ours"
            ]
            shown = " ".join(f"{statistics.median(rates[name]):10.0f}" for name in commands)
            named = f"{connections:3} connections"
            print(f"{named:24} {shown}   " + " ".join(f"{share:.2f}" for share in shares))


async def crowd(address: str, clients: int, seconds: float) -> tuple[int, int, list[float]]:
    """How many calls were made and failed by so many clients at once, and how long each took."""
    host, _, port = address.rpartition(":")
    end = time.monotonic() + seconds
    took: list[float] = []
    failed = 0

    async def one(number: int) -> None:
        nonlocal failed
        sent = request(address, "LoadUser", {"loginId": f"u{number}@b.example"})
        await asyncio.sleep(number / clients)
        reader, writer = await asyncio.open_connection(host, int(port))
        while time.monotonic() < end:
            began = time.monotonic()
            writer.write(sent)
            try:
                await answer(reader)
            except (ValueError, OSError, asyncio.IncompleteReadError):
                failed += 1
                return
            took.append(time.monotonic() - began)
            # As people do, and so that all of them fit on a small machine.
            await asyncio.sleep(0.5)
        writer.close()

    await asyncio.gather(*(one(number) for number in range(clients)))
    return len(took), failed, took


def memory(process: int) -> float:
    """The resident memory of a process in MiB."""
    status = Path(f"/proc/{process}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+)", status)
    assert found
    return int(found[1]) / 1024


async def _upstream() -> None:
    server = await asyncio.start_server(descope, "127.0.0.1", 0, backlog=1_000)
    print(f"serving http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


def load(clients: int = _CLIENTS, seconds: float = _SECONDS) -> None:
    """Print what became of a crowd, third by third."""
    with environment() as given, serving(SERVE, given) as (address, process):
        print(f"{clients} clients   calls   failed   p50 ms   p95 ms   memory MiB")
        for third in range(3):
            made, failed, took = asyncio.run(crowd(address, clients, seconds / 3))
            p50, p95 = statistics.median(took) * 1e3, statistics.quantiles(took, n=20)[-1] * 1e3
            used = memory(process)
            print(f"third {third + 1}     {made:8} {failed:8} {p50:8.1f} {p95:8.1f} {used:12.1f}")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "what", nargs="?", choices=("compare", "load", "upstream"), default="compare"
    )
    parser.add_argument("--other", nargs=2, metavar=("PYTHON", "SCRIPT"))
    given = parser.parse_args()
    if given.what == "load":
        load()
        return
    if given.what == "upstream":
        asyncio.run(_upstream())
    compare({Path(given.other[1]).stem: given.other} if given.other else {})


if __name__ == "__main__":
    main()
