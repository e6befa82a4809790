"""A running sandbox on a real socket, and a client that calls it by operation name."""

from __future__ import annotations

import json
import pickle
from collections.abc import AsyncIterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from descope_mcp.catalog.build import openapi
from descope_mcp.catalog.build.openapi import Contract, Endpoint
from descope_mcp.catalog.build.yaml_source import read_yaml
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.http.serve import Sandbox, running
from descope_mcp.sandbox.seeds import organisations

from .answers import checked

SPECS = Path(__file__).parents[2] / "tool_specs"


@dataclass
class Client:
    """Calls operations of the sandbox; `expect` is the status that the call must have."""

    http: httpx.AsyncClient
    endpoints: dict[str, Endpoint]
    sandbox: Sandbox
    state: State

    async def send(
        self, operation: str, headers: dict[str, str] | None = None, /, **arguments: Any
    ) -> httpx.Response:
        endpoint = self.endpoints[operation]
        path = endpoint.path
        for name in [name for name in arguments if f"{{{name}}}" in path]:
            path = path.replace(f"{{{name}}}", quote(str(arguments.pop(name)), safe=""))
        key = f"Bearer {self.sandbox.project_id}:{self.sandbox.management_key}"
        body = {"params": arguments} if endpoint.method == "GET" else {"json": arguments}
        return await self.http.request(
            endpoint.method,
            path,
            headers={"Authorization": key, **(headers or {})},
            **body,  # type: ignore[arg-type]
        )

    async def call(self, operation: str, expect: int = 200, /, **arguments: Any) -> Any:
        response = await self.send(operation, **arguments)
        assert response.status_code == expect, response.text
        return response.json()

    async def error(self, operation: str, expect: int, /, **arguments: Any) -> str:
        """The error code of a call that must fail."""
        return str((await self.call(operation, expect, **arguments))["errorCode"])

    async def user(self, login_id: str) -> Any:
        return (await self.call("LoadUser", loginId=login_id))["user"]


# Not for the whole session: while an event loop of the tests is kept, no other can be run.
@pytest.fixture(scope="package")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def spec() -> Contract:
    document = json.loads((SPECS / "openapi.json").read_text(encoding="utf-8"))
    return openapi.load(document, read_yaml(SPECS / "repairs.yaml"))


@pytest.fixture(scope="session")
def endpoints(spec: Contract) -> dict[str, Endpoint]:
    return {e.name: e for e in spec.endpoints.values()}


@pytest.fixture(scope="package")
async def service(
    anyio_backend: str, endpoints: dict[str, Endpoint]
) -> AsyncIterator[tuple[Sandbox, State]]:
    state = organisations.acme(keys=1)
    async with running(endpoints.values(), state) as sandbox:
        yield sandbox, state


@pytest.fixture(scope="session")
def pristine() -> bytes:
    """The organisation as it is at the beginning; making it anew takes ten times as long."""
    return pickle.dumps(organisations.acme(keys=1))


@pytest.fixture
async def client(
    service: tuple[Sandbox, State],
    endpoints: dict[str, Endpoint],
    spec: Contract,
    pristine: bytes,
) -> AsyncIterator[Client]:
    """A client of the one running sandbox, in which everything is as at the beginning.

    Every answer it gets is checked, and at the end that no record was changed in place.
    """
    sandbox, state = service
    fresh = pickle.loads(pristine)
    for field in fields(State):
        setattr(state, field.name, getattr(fresh, field.name))
    kept: dict[tuple[str, str], str] = {
        (name, key): json.dumps(record)
        for name, rows in state.rows.items()
        for key, record in rows.records.items()
    }
    state.save = lambda written: kept.update(
        {(table.name, key): json.dumps(record) for table, key, _, record in written}
    )
    hooks = {"response": [checked(spec)]}
    # There is no TLS here, and reading the certificates is most of what making a client takes.
    url = sandbox.url
    async with httpx.AsyncClient(base_url=url, event_hooks=hooks, verify=False) as http:
        yield Client(http, endpoints, sandbox, state)
    for (name, key), text in kept.items():
        record = state.rows[name].records.get(key)
        assert json.dumps(record) == text, f"{name} {key} was changed without state.change"
