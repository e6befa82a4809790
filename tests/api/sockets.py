"""Loopback servers that misbehave in a chosen way, one behaviour per request."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import json
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

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
    *behaviours: Behaviour | bytes,
    port: int = 0,
    tls: ssl.SSLContext | None = None,
    host: str = "127.0.0.1",
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

    listener = await asyncio.start_server(handle, host, port, ssl=tls)
    scheme = "https" if tls else "http"
    shown = f"[{host}]" if ":" in host else host
    server = Server(f"{scheme}://{shown}:{listener.sockets[0].getsockname()[1]}")
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


def self_signed(pem: Path, address: str = "127.0.0.1") -> ssl.SSLContext:
    """A server's certificate that nobody has signed but itself; `pem` gets it with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, address)])
    now = datetime.datetime.now(datetime.UTC)
    own = x509.IPAddress(ipaddress.ip_address(address))
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([own]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


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


async def hanging(writer: asyncio.StreamWriter) -> None:
    """Take the request and say nothing."""
    await asyncio.sleep(5)
