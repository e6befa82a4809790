"""Faults that calls meet when somebody asked for them, to see how a client takes it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakValueDictionary

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from descope_mcp.sandbox.engine.errors import INTERNAL, RATE_LIMIT, DescopeError

Endpoint = Callable[[Request], Awaitable[Response]]

#: From here on it is Cloudflare that answers, and not in JSON.
_EDGE = 520

#: The open connections by the address of the client and of the sandbox.
_connections: MutableMapping[object, asyncio.BaseTransport] = WeakValueDictionary()


class Fault(BaseModel):
    """What happens to calls of `operation`; fields that are left out do nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel)

    operation: str = Field("*", description="An operation's name, or * for all.")
    latency: float = Field(0, ge=0, le=60, description="Seconds before the answer.")
    status: int | None = Field(None, ge=400, le=599, description="The answer's status instead.")
    retry_after: int | None = Field(None, ge=0, description="A Retry-After header beside `status`.")
    drop: bool = Field(False, description="Close the connection without an answer.")
    truncate: bool = Field(False, description="End the answer half-way.")
    applied: bool = Field(False, description="With `status` or `drop`: the call takes effect.")
    times: int | None = Field(None, ge=1, description="How many calls; none: until cleared.")


@dataclass(slots=True)
class Faults:
    """The faults that are set, and how many calls each has still to meet."""

    set: list[tuple[Fault, int | None]] = field(default_factory=list)

    def add(self, fault: Fault) -> None:
        """Let calls meet `fault`; what was added first is met first."""
        self.set.append((fault, fault.times))

    def due(self, operation: str) -> Fault | None:
        """The fault that a call of `operation` meets now."""
        for index, (fault, left) in enumerate(self.set):
            if fault.operation in ("*", operation):
                if left == 1:
                    del self.set[index]
                elif left:
                    self.set[index] = (fault, left - 1)
                return fault
        return None

    def around(self, operation: str, endpoint: Endpoint) -> Endpoint:
        """`endpoint` with the faults that are due."""

        async def faulty(request: Request) -> Response:
            fault = self.due(operation)
            if fault is None:
                return await endpoint(request)
            await asyncio.sleep(fault.latency)
            instead = _failure(fault) if fault.status else Response() if fault.drop else None
            if instead is None or fault.applied:
                response = await endpoint(request)
            if fault.drop:
                _abort(request.scope)
            if instead is not None:
                return instead
            return _Truncated(response) if fault.truncate else response

        return faulty


class Protocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
    """HTTP as uvicorn speaks it, with connections that can be dropped."""

    def connection_made(self, transport: Any) -> None:
        """Note the connection."""
        super().connection_made(transport)
        _connections[(self.client, self.server)] = transport


class _Truncated(Response):
    """The first half of an answer whose header announces the whole."""

    def __init__(self, whole: Response) -> None:
        super().__init__(whole.body, whole.status_code)
        self.raw_headers = whole.raw_headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = {"type": "http.response.start", "status": self.status_code}
        await send({**head, "headers": self.raw_headers})
        half = bytes(self.body)[: len(self.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        transport = _connections.get((scope["client"], scope["server"]))
        if transport is not None:
            transport.close()


def _abort(scope: Scope) -> None:
    transport = _connections.get((scope["client"], scope["server"]))
    if isinstance(transport, asyncio.WriteTransport):
        transport.abort()


def _failure(fault: Fault) -> Response:
    assert fault.status is not None
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    if fault.status >= _EDGE:
        page = f"<html><body><h1>Error {fault.status}</h1></body></html>"
        return HTMLResponse(page, fault.status, headers)
    kind = RATE_LIMIT if fault.status == RATE_LIMIT.status else INTERNAL
    return JSONResponse(DescopeError(kind).body(), fault.status, headers)
