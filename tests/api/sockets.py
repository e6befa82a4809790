"""Loopback servers that misbehave in a chosen way, one behaviour per request."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from descope_mcp.api.client import Client, quietly
from descope_mcp.api.credentials import Credentials
from descope_mcp.api.response import Answer
from descope_mcp.api.transport import Waiting
from descope_mcp.catalog.catalog import Catalog

from ..recorder import ACCESS_KEY, AUTH_KEY, MANAGEMENT_KEY, PROJECT

#: One read and one change of the management plane.
READ, CHANGE = "LoadAllPermissions", "DeleteUser"
ARGUMENTS: dict[str, dict[str, Any]] = {READ: {}, CHANGE: {"loginId": "ada"}}

Behaviour = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Server:
    """Where it listens, every request as it arrived, and how many ran at the same time."""

    url: str
    requests: list[bytes] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0


@asynccontextmanager
async def serving(
    *behaviours: Behaviour | bytes, port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Server]:
    """A server that treats the nth request with the nth behaviour, and the rest with the last.

    Bytes are sent as they are; the connection is closed after each request.
    """

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            server.requests.append(await _request(reader))
            behaviour = behaviours[min(len(server.requests), len(behaviours)) - 1]
            server.at_once += 1
            server.most_at_once = max(server.most_at_once, server.at_once)
            if isinstance(behaviour, bytes):
                writer.write(behaviour)
            else:
                await behaviour(writer)
            await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            server.at_once -= 1
            writer.close()

    listener = await asyncio.start_server(handle, "127.0.0.1", port, ssl=tls)
    scheme = "https" if tls else "http"
    server = Server(f"{scheme}://127.0.0.1:{listener.sockets[0].getsockname()[1]}")
    async with listener:
        yield server


async def _request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = int(line.partition(b":")[2])
    return head + await reader.readexactly(length)


def answer(
    status: int = 200, body: bytes | object = b"{}", headers: tuple[tuple[str, str], ...] = ()
) -> bytes:
    """A whole answer on the wire; a body that is no bytes is sent as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(content)}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def closed_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


ALL_KEYS = Credentials(PROJECT, MANAGEMENT_KEY, AUTH_KEY, ACCESS_KEY)


async def call(
    url: str,
    catalog: Catalog,
    name: str,
    arguments: Mapping[str, Any] | None = None,
    *,
    seconds: float = 10.0,
    waiting: Waiting = quietly,
) -> Answer:
    """One call through a client of its own."""
    operation = catalog[name]
    client = Client(url, ALL_KEYS, catalog.errors, seconds)
    try:
        return await client.run(
            operation,
            ARGUMENTS.get(name, {}) if arguments is None else arguments,
            call_id="c1",
            repeatable=operation.effect == "read",
            waiting=waiting,
        )
    finally:
        await client.close()
