"""The recorder as a service: reads go on to the real one, and what it answers is recorded."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import NamedTuple

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from descope_mcp.catalog.operation import Operation
from descope_mcp.sandbox.engine.errors import DescopeError
from descope_mcp.sandbox.http.arguments import arguments_of
from descope_mcp.sandbox.http.local_only import LocalOnly
from descope_mcp.sandbox.http.routing import FixedPaths
from descope_mcp.sandbox.recording.recorder import Recorder

#: What of a request goes on. Cookies are somebody's session in a browser, not a client's.
_PASSED = ("authorization", "content-type", "accept", "x-descope-project-id")
_RETURNED = ("content-type", "retry-after", "cf-ray")
_OK = 200


class Answer(NamedTuple):
    """What the real service answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


#: Sends a request on: method, path with query, headers, body. Raises ConnectionError.
Forward = Callable[[str, str, Mapping[str, str], bytes], Awaitable[Answer]]


def create_proxy(
    operations: Iterable[Operation], forward: Forward, recorder: Recorder
) -> Starlette:
    """The service that passes on the reads among `operations`, and refuses everything else."""
    fixed, others = list[Route](), list[Route]()
    for one in operations:
        endpoint = _read(one, forward, recorder) if one.effect == "read" else _refused(one.name)
        (others if "{" in one.path else fixed).append(
            Route(one.path, endpoint, methods=[one.method])
        )
    return Starlette(routes=[FixedPaths(fixed), *others], middleware=[Middleware(LocalOnly)])


def _read(
    operation: Operation, forward: Forward, recorder: Recorder
) -> Callable[[Request], Awaitable[Response]]:
    paths = (*operation.secrets, *operation.secret_arguments)
    secret_fields = frozenset(path.rpartition(".")[2].removesuffix("[]") for path in paths)

    async def read(request: Request) -> Response:
        body = await request.body()
        headers = {n: v for n in _PASSED if (v := request.headers.get(n))}
        query = f"?{request.url.query}" if request.url.query else ""
        path = request.scope.get("raw_path", request.url.path.encode()).decode() + query
        try:
            answer = await forward(request.method, path, headers, body)
        except ConnectionError as error:
            return _said(502, str(error))
        if answer.status == _OK:
            try:
                arguments = await arguments_of(request)
                recorder.hear(
                    operation.name,
                    arguments,
                    json.loads(answer.body),
                    secret_fields=secret_fields,
                    project=_project(request),
                )
            except (DescopeError, ValueError):
                pass  # No JSON, as of a page or a redirect: there is nothing to record.
        kept = {n: v for n, v in answer.headers.items() if n.lower() in _RETURNED}
        return Response(answer.body, answer.status, kept)

    return read


def _refused(name: str) -> Callable[[Request], Awaitable[Response]]:
    async def refused(request: Request) -> Response:
        return _said(403, f"{name} is not a read; the recorder passes on only reads")

    return refused


def _said(status: int, text: str) -> Response:
    error = {"errorCode": "", "errorDescription": text, "errorMessage": text, "message": text}
    return JSONResponse(error, status)


def _project(request: Request) -> str:
    _, _, credential = request.headers.get("authorization", "").partition(" ")
    return credential.partition(":")[0]
