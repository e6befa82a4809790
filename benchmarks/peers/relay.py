"""A relay before the sandbox that keeps what was sent to it and what it answered."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread
from urllib.parse import urlsplit

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its answer."""

    method: str
    path: str
    status: int
    answer: bytes


@dataclass(slots=True)
class Relay:
    """Where the relay listens, and what went through it."""

    address: str = ""
    exchanges: list[Exchange] = field(default_factory=list)


@contextmanager
def relaying(upstream: str) -> Iterator[Relay]:
    """A relay to the server at this address, in a thread of its own."""
    relay = Relay()
    host, port = urlsplit(upstream).hostname, urlsplit(upstream).port

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, before = await asyncio.open_connection(host, port)
        try:
            while True:
                head, body = await _message(reader)
                before.write(head + body)
                said, answer = await _message(behind)
                method, target, _ = head.split(b" ", 2)
                path = urlsplit(target.decode()).path
                status = int(said.split(b" ", 2)[1])
                relay.exchanges.append(Exchange(method.decode(), path, status, answer))
                writer.write(said + answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            before.close()

    async def serve() -> None:
        server = await asyncio.start_server(one, "127.0.0.1", 0)
        relay.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        ended = asyncio.Event()
        ends.append(lambda: loop.call_soon_threadsafe(ended.set))
        begun.set()
        await ended.wait()
        server.close()

    loop, begun, ends = asyncio.new_event_loop(), Event(), list[Callable[[], object]]()

    def relayed() -> None:
        # The runner cancels what is under way at the end.
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve())

    thread = Thread(target=relayed)
    thread.start()
    begun.wait()
    try:
        yield relay
    finally:
        ends[0]()
        thread.join()


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """The head and the body of a request or an answer; the sandbox and clients give lengths."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = _LENGTH.search(head)
    return head, await reader.readexactly(int(length[1])) if length else b""
