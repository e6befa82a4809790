"""The ASGI application: routes from the catalog, authorization, errors in Descope's form."""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from descope_mcp.sandbox import (
    access_keys,
    audit,
    projects,
    roles,
    sso,
    tenant_settings,
    tenants,
    user_attributes,
    user_credentials,
    user_fields,
    user_search,
    users,
)
from descope_mcp.sandbox.errors import (
    INTERNAL,
    MALFORMED,
    NO_METHOD,
    NO_PROJECT,
    NO_ROUTE,
    NOT_IN_SANDBOX,
    UNAUTHORIZED,
    DescopeError,
)
from descope_mcp.sandbox.registry import HANDLERS
from descope_mcp.sandbox.state import Caller, State

#: The areas; importing them registers their handlers.
AREAS = (
    access_keys,
    audit,
    projects,
    roles,
    sso,
    tenant_settings,
    tenants,
    user_attributes,
    user_credentials,
    user_fields,
    user_search,
    users,
)


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


def create_app(operations: Iterable[HasRoute], state: State) -> Starlette:
    """The service for `operations`, on `state`.

    Raises:
        ValueError: a handler is registered under a name that no operation has.
    """
    known = list(operations)
    if unknown := HANDLERS.keys() - {operation.name for operation in known}:
        raise ValueError(f"handlers of unknown operations: {', '.join(sorted(unknown))}")
    # Fixed paths go before those with placeholders, which might match them too; what has a
    # handler goes first because routes are tried one after the other.
    known.sort(key=lambda o: ("{" in o.path, o.name not in HANDLERS))
    return Starlette(
        routes=[Route(o.path, _endpoint(o, state), methods=[o.method]) for o in known],
        exception_handlers={
            DescopeError: _failed,
            HTTPException: _not_routed,
            Exception: _broken,
        },
    )


def _endpoint(operation: HasRoute, state: State) -> Callable[[Request], Awaitable[Response]]:
    handler = HANDLERS.get(operation.name)

    async def endpoint(request: Request) -> Response:
        caller = _authorize(request, operation.schemes, state)
        arguments = await _arguments(request)
        if handler is None:
            text = f"The sandbox does not have {operation.name} yet"
            raise DescopeError(NOT_IN_SANDBOX, text)
        with state.calling(caller):
            answer = handler(state, arguments)
        return JSONResponse({} if answer is None else answer)

    return endpoint


def _authorize(request: Request, schemes: Sequence[str], state: State) -> Caller:
    """Check ``Bearer <project>[:<user credential>][:<management key>]``.

    An operation without schemes takes anybody. Of several schemes one must be satisfied.

    Raises:
        DescopeError: 401 for a wrong or missing credential, E011008 for another project.
    """
    address = request.client.host if request.client else ""
    rid = request.headers.get("x-external-rid", "")
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    project, *credentials = value.strip().split(":")
    if schemes and (kind.lower() != "bearer" or not project):
        raise DescopeError(UNAUTHORIZED, "The Authorization header is missing")
    if schemes and project != state.project["id"]:
        raise DescopeError(NO_PROJECT, f"Project not found: {project}")
    if schemes and not any(_satisfies(scheme, credentials, state) for scheme in schemes):
        raise DescopeError(UNAUTHORIZED, "The credential is missing or not valid")
    actor = state.management_key_id if "management_key" in schemes else ""
    return Caller(actor=actor, address=address, external_rid=rid)


def _satisfies(scheme: str, credentials: Sequence[str], state: State) -> bool:
    match scheme, credentials:
        case "project", _:
            return True
        case "management_key", [*_, key]:
            return hmac.compare_digest(key.encode(), state.management_key.encode())
        case "access_key", [key, *_]:
            return access_keys.opened_by(state, key) is not None
        # Nothing in the sandbox issues sessions yet, so no JWT is one of its own.
        case _:
            return False


async def _arguments(request: Request) -> dict[str, Any]:
    """Query, path and body as one; a query parameter that is repeated is a list."""
    query = request.query_params
    arguments: dict[str, Any] = {}
    for name in query:
        values = query.getlist(name)
        arguments[name] = values if len(values) > 1 else values[0]
    raw = await request.body()
    try:
        body = json.loads(raw) if raw.strip() else {}
    except ValueError:
        raise DescopeError(MALFORMED, "The body is not JSON") from None
    if isinstance(body, list):
        body = {"body": body}
    if not isinstance(body, dict):
        raise DescopeError(MALFORMED, "The body must be an object")
    return {**arguments, **body, **request.path_params}


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
