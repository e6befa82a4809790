"""The application on a loopback socket, and clients of it that say who they are in a header."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio
import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from descope_mcp.call.services import Services
from descope_mcp.guard.caller import Caller
from descope_mcp.server.http import hosts, serving
from descope_mcp.server.http.application import Application, Mode
from descope_mcp.server.http.callers import seat
from descope_mcp.server.http.serving import Serving

MODERN, LEGACY = "2026-07-28", "2025-11-25"


def by_header(app: ASGIApp) -> ASGIApp:
    """An authenticator that believes what it is told."""

    async def layer(scope: Scope, receive: Receive, send: Send) -> None:
        name = dict(scope["headers"]).get(b"x-caller")
        if name is None:
            await Response(status_code=401)(scope, receive, send)
            return
        seat(scope, Caller(name.decode()))
        await app(scope, receive, send)

    return layer


@dataclass
class Served:
    """A running server."""

    serving: Serving
    application: Application
    url: str

    def path(self, path: str) -> str:
        return self.url.removesuffix("/mcp") + path

    @asynccontextmanager
    async def client(
        self, caller: str = "ada", mode: str = "auto", path: str = "/mcp", **callbacks: Any
    ) -> AsyncIterator[Client]:
        """A connected client of a caller."""
        async with httpx2.AsyncClient(headers={"x-caller": caller}, timeout=30) as http:
            transport = streamable_http_client(self.path(path), http_client=http)
            async with Client(transport, mode=mode, **callbacks) as client:
                yield client

    def http(self, caller: str | None = "ada") -> httpx2.AsyncClient:
        """Requests by hand."""
        headers = {"x-caller": caller} if caller else {}
        return httpx2.AsyncClient(
            base_url=self.url.removesuffix("/mcp"), headers=headers, timeout=30
        )


@asynccontextmanager
async def served(
    services: Services,
    *,
    authenticate: Any = by_header,
    trusted_proxies: Sequence[str] = (),
    **mode: Any,
) -> AsyncIterator[Served]:
    """A server on a free port, ended in order when the context is left."""
    more = {name: mode.pop(name) for name in ("rights", "permit", "routes") if name in mode}
    security = hosts.allowed("127.0.0.1", (), mode.get("pages", ()))
    application = Application(services, Mode(security, **mode), authenticate, **more)
    listener = serving.listening("127.0.0.1", 0)
    one = Serving(application, listener, lambda: [services.client], trusted_proxies)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(one.run)
        try:
            yield Served(one, application, one.url)
        finally:
            one.end()


def message(method: str, params: dict[str, Any] | None = None, **meta: Any) -> dict[str, Any]:
    """A request of 2026-07-28."""
    envelope = {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": meta.pop("capabilities", {}),
        **meta,
    }
    return {
        "jsonrpc": "2.0",
        "id": 1,
        "method": method,
        "params": {**(params or {}), "_meta": envelope},
    }


def headers(method: str, name: str | None = None) -> dict[str, str]:
    """Those that go with it."""
    named = {"mcp-name": name} if name else {}
    return {
        "mcp-protocol-version": MODERN,
        "mcp-method": method,
        "accept": "application/json, text/event-stream",
        **named,
    }
