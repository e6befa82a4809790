"""A loopback server that records every request and answers what a test wants it to."""

from __future__ import annotations

import asyncio
import functools
import json
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from descope_mcp.api.client import Client
from descope_mcp.api.credentials import Credentials
from descope_mcp.call.services import Services
from descope_mcp.catalog.build import openapi
from descope_mcp.catalog.build.yaml_source import read_yaml
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.operation import Operation
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.store.store import Store

PROJECT = "P" + "2" * 27
MANAGEMENT_KEY = "K" + "m" * 120
AUTH_KEY = "K" + "a" * 120
ACCESS_KEY = "K" + "c" * 60
#: What names the store of a process.
STORE_SETTINGS = ("DESCOPE_MCP_STATE", "DESCOPE_MCP_KEY_FILE")
#: What every server of the tests is told besides: calls wait for nobody, unless a test says so.
EVERY_SERVER = {"DESCOPE_MCP_WAIT": "0"}
SPECS = Path(__file__).parent.parent / "tool_specs"
#: Arguments that are points in time, and what stands for one in a sample.
MOMENTS = frozenset(
    {"createdTime", "expireTime", "from", "to", "since"}
    | {f"{bound}{which}Time" for bound in ("from", "to") for which in ("Created", "Modified")}
)
MOMENT = "0"


@dataclass(frozen=True)
class Recorded:
    """One request as it arrived; `path` is still percent-encoded."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body) if self.body else None


Answer = Callable[[Recorded], Response | Awaitable[Response]]


@dataclass
class Recorder:
    """Where it listens, and what it has heard; abandoned is what nobody waited for the answer to.

    Only answers that take their time (awaitables) can be abandoned.
    """

    url: str
    requests: list[Recorded] = field(default_factory=list)
    abandoned: list[Recorded] = field(default_factory=list)
    _clients: list[Client] = field(default_factory=list)

    def services(self, catalog: Catalog, **changes: Any) -> Services:
        """Services whose client talks to this recorder, and is closed when the recorder ends."""
        keys = Credentials(PROJECT, MANAGEMENT_KEY, changes.pop("auth_key", ""), ACCESS_KEY)
        client = Client(self.url, changes.pop("credentials", keys), catalog.errors, 10.0)
        self._clients.append(client)
        store = changes.pop("store", None) or shared_store()
        return Services(catalog, client, changes.pop("policy", Policy()), store, **changes)


def shared_store() -> Store:
    """The store that the environment of every test names."""
    return Store(*(Path(os.environ[name]) for name in STORE_SETTINGS))


def empty(request: Recorded) -> Response:
    return Response("{}", media_type="application/json")


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


@asynccontextmanager
async def recording(answer: Answer = empty) -> AsyncIterator[Recorder]:
    """A recorder on a free loopback port, answering with `answer`."""
    # asyncio turns off Nagle's delay (40 ms an answer) only where the protocol is named.
    with socket.socket(proto=socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        recorder = Recorder(f"http://127.0.0.1:{listener.getsockname()[1]}")

        async def handle(request: Request) -> Response:
            recorded = Recorded(
                request.method,
                request.scope["raw_path"].decode(),
                list(request.query_params.multi_items()),
                request.headers,
                await request.body(),
            )
            recorder.requests.append(recorded)
            answered = answer(recorded)
            if not isinstance(answered, Awaitable):
                return answered
            response = await answered
            if await request.is_disconnected():
                recorder.abandoned.append(recorded)
            return response

        methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
        app = Starlette(routes=[Route("/{rest:path}", handle, methods=methods)])
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off")
        server = _Server(config)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:  # noqa: ASYNC110 - uvicorn tells nobody
            await asyncio.sleep(0.005)
        try:
            yield recorder
        finally:
            for client in recorder._clients:
                await client.close()
            server.should_exit = True
            await task


@functools.cache
def load_contract() -> openapi.Contract:
    """The repaired contract, to compare requests with and to make answers from; left as it is."""
    document = json.loads((SPECS / "openapi.json").read_text())
    return openapi.load(document, read_yaml(SPECS / "repairs.yaml"))


def sample(wanted: Mapping[str, Any], *, text: str = "x1") -> Any:
    """A value that fits a JSON Schema; every string is `text`, so that recipes find each other.

    A point in time is 0, which every unit has.
    """
    if "enum" in wanted:
        return wanted["enum"][0]
    if "anyOf" in wanted:
        return sample(wanted["anyOf"][0], text=text)
    match wanted.get("type"):
        case "string":
            return text
        case "integer" | "number":
            return max(0 if text == MOMENT else 1, wanted.get("minimum", 0))
        case "boolean":
            return False
        case "array":
            return [sample(wanted["items"], text=text)]
        case _:
            properties = wanted.get("properties", {})
            return {
                name: sample(value, text=MOMENT if name in MOMENTS else text)
                for name, value in properties.items()
            }


def sample_arguments(operation: Operation) -> dict[str, Any]:
    """One value for every argument of an operation."""
    found: dict[str, Any] = sample(operation.input_schema)
    return found


def sample_answer(spec: openapi.Contract, operation: Operation) -> Any:
    """An answer of the shape that the contract documents."""
    endpoint = spec.endpoints[f"{operation.method} {operation.path}"]
    return sample(spec.answer(endpoint))
