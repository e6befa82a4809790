"""The ASGI application: routes from the catalog, errors in Descope's form."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Protocol

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from descope_mcp.catalog.catalog import Route as CatalogRoute
from descope_mcp.sandbox import areas  # noqa: F401 - registers the handlers
from descope_mcp.sandbox.engine import recorded_answers
from descope_mcp.sandbox.engine.errors import INTERNAL, NO_METHOD, NO_ROUTE, DescopeError
from descope_mcp.sandbox.engine.fields import copied
from descope_mcp.sandbox.engine.registry import HANDLERS, Answer, Reply
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.http.arguments import arguments_of
from descope_mcp.sandbox.http.callers import authorized
from descope_mcp.sandbox.http.control import Control
from descope_mcp.sandbox.http.controls import Controls
from descope_mcp.sandbox.http.faults import Endpoint, Faults
from descope_mcp.sandbox.http.inspector.routes import Inspector
from descope_mcp.sandbox.http.local_only import LocalOnly
from descope_mcp.sandbox.http.own_paths import OWN
from descope_mcp.sandbox.http.rate_limits import RateLimits
from descope_mcp.sandbox.http.request_log import OPERATION, Logged, RequestLog
from descope_mcp.sandbox.http.routing import FixedPaths

#: How the names of operations begin that see writes late if they are told to.
_LISTS = ("Search", "LoadAll", "List")

Seeds = Mapping[str, Callable[[], State]]


class HasRoute(Protocol):
    """What the sandbox needs to know of an operation."""

    @property
    def name(self) -> str:
        """What handlers are registered under."""

    @property
    def method(self) -> str:
        """The HTTP method in capitals."""

    @property
    def path(self) -> str:
        """The path, with placeholders in braces."""

    @property
    def schemes(self) -> Sequence[str]:
        """The credentials of which one must be presented, as the catalog calls them."""


def create_app(
    operations: Iterable[HasRoute],
    state: State,
    seeds: Seeds | None = None,
    names: frozenset[str] = frozenset(),
) -> Starlette:
    """The service for `operations`, on `state`.

    With `seeds` it has the control interface, which can begin anew with each of them. It is called
    by loopback names, and by `names`.

    Raises:
        ValueError: a handler has no operation, or an operation no handler.
    """
    known = list(operations)
    if unknown := HANDLERS.keys() - {operation.name for operation in known}:
        raise ValueError(f"handlers of unknown operations: {', '.join(sorted(unknown))}")
    missing = sorted(operation.name for operation in known if operation.name not in HANDLERS)
    if missing:
        raise ValueError(f"operations without a handler: {', '.join(missing)}")
    faults, rate_limits = Faults(), RateLimits(state.time)
    middleware = [Middleware(_WithRay), Middleware(LocalOnly, names=names)]
    fixed, others = list[Route](), list[Route]()
    for one in known:
        endpoint = faults.around(one.name, _endpoint(one, state))
        endpoint = _named(one.name, rate_limits.around(one.path, one.schemes, endpoint))
        routes = others if "{" in one.path else fixed
        routes.append(Route(one.path, endpoint, methods=[one.method]))
    if seeds:
        requests = RequestLog(
            state.time,
            lambda: state.project_id,
            {one.name: one.secret_fields for one in known if isinstance(one, CatalogRoute)},
        )
        names_of_all = frozenset(one.name for one in known)
        controls = Controls(state, seeds, faults, rate_limits, requests, names_of_all)
        fixed += [*Control(controls).routes(), *Inspector(controls).routes()]
        middleware.append(Middleware(Logged, log=requests, own=OWN))
    return Starlette(
        # Fixed paths go before those with placeholders, which might match them too.
        routes=[FixedPaths(fixed), *others],
        middleware=middleware,
        exception_handlers={
            DescopeError: _failed,
            HTTPException: _not_routed,
            Exception: _broken,
        },
    )


def _named(name: str, endpoint: Endpoint) -> Endpoint:
    """`endpoint`, which tells the log of requests whose it is."""

    async def named(request: Request) -> Response:
        request.scope[OPERATION] = name
        return await endpoint(request)

    return named


def _endpoint(operation: HasRoute, state: State) -> Callable[[Request], Awaitable[Response]]:
    handler = HANDLERS[operation.name]

    async def endpoint(request: Request) -> Response:
        _ = state.project  # E011008 once it is deleted
        caller = authorized(request, operation.schemes, state, company=handler.company)
        arguments = await arguments_of(request)
        if recorded := recorded_answers.found(state, operation.name, arguments):
            return _response(copied(recorded["answer"]))
        with state.calling(caller):
            if state.search_delay and operation.name.startswith(_LISTS):
                with state.before_recent_writes():
                    answer = copied(handler(state, arguments))
            else:
                answer = handler(state, arguments)
        return _response(answer)

    return endpoint


def _response(answer: Answer) -> Response:
    reply = answer if isinstance(answer, Reply) else Reply({} if answer is None else answer)
    made = Response if isinstance(reply.body, str) else JSONResponse
    response = made(reply.body, status_code=reply.status, headers=dict(reply.headers))
    for cookie in reply.cookies:
        response.headers.append("set-cookie", cookie)
    return response


class _WithRay:
    """Gives every answer the id that Descope's support asks for, as Cloudflare sets it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                ray = f"{secrets.token_hex(8)}-BOX".encode()
                message["headers"] = [*message["headers"], (b"cf-ray", ray)]
            await send(message)

        await self._app(scope, receive, marked)


async def _failed(request: Request, error: Exception) -> Response:
    assert isinstance(error, DescopeError)
    return JSONResponse(error.body(), status_code=error.kind.status)


async def _not_routed(request: Request, error: Exception) -> Response:
    """A path that no operation has, or another method on one that does."""
    assert isinstance(error, HTTPException)
    kind = NO_METHOD if error.status_code == NO_METHOD.status else NO_ROUTE
    return await _failed(request, DescopeError(kind, f"No {request.method} {request.url.path}"))


async def _broken(request: Request, error: Exception) -> Response:
    return await _failed(request, DescopeError(INTERNAL))
