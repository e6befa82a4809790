"""The whole application on a socket, which asks who calls, and what reaches Descope."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.server.auth.configuration import Configuration, Upstream
from descope_mcp.server.auth.issuer import Issuer
from descope_mcp.server.auth.resource_server import ResourceServer
from tests.attacks.directory import Directory
from tests.recorder import Answer, Recorder, recording
from tests.server.auth.provider import ORIGIN, Provider
from tests.server.http.served import Served, headers, message, served

Tool = tuple[str, dict[str, Any]]
READ: Tool = ("descope_read", {"operation": "LoadUser", "arguments": {"loginId": "ada"}})
WRITE: Tool = ("descope_write", {"operation": "CreateTenant", "arguments": {"name": "acme"}})
DELETE: Tool = ("descope_destructive", {"operation": "DeleteUser", "arguments": {"loginId": "ada"}})


@dataclass
class World:
    """A server and who issues its tokens."""

    server: Served
    descope: Recorder
    provider: Provider

    async def call(
        self,
        token: str | list[tuple[str, str]] | None,
        tool: Tool = READ,
        path: str = "/mcp",
        era: str = "modern",
    ) -> Any:
        """The answer to one call with a token, or with headers as they are."""
        name, arguments = tool
        params = {"name": name, "arguments": arguments}
        sent, body = headers("tools/call", name), message("tools/call", params)
        if era == "legacy":
            sent = {"accept": sent["accept"], "mcp-protocol-version": "2025-06-18"}
            body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        given = token if isinstance(token, list) else []
        if isinstance(token, str):
            given = [("authorization", f"Bearer {token}")]
        async with self.server.http(None) as http:
            return await http.post(path, json=body, headers=[*sent.items(), *given])


@asynccontextmanager
async def standing(
    provider: Provider,
    catalog: Catalog,
    upstreams: Sequence[Upstream] = (),
    policy: Policy | None = None,
    answer: Answer = Directory().answer,  # noqa: B008 - nobody changes it here
) -> AsyncIterator[World]:
    """A world, for as long as the context lasts."""
    async with recording(answer) as descope:
        services = descope.services(catalog, policy=policy or Policy())
        issuers = (Issuer("acme", provider.issuer),)
        guard = ResourceServer(Configuration(ORIGIN, issuers, tuple(upstreams)), services)
        parts = {"permit": guard.permit, "routes": guard.routes, "rights": guard.rights.of}
        try:
            async with served(
                services, authenticate=guard.authenticate, stateless=True, **parts
            ) as server:
                yield World(server, descope, provider)
        finally:
            await guard.rights.close()
