"""The arguments of a call, from wherever in the request they are."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qs, unquote

from starlette.requests import Request

from descope_mcp.sandbox.engine.errors import MALFORMED, UNAUTHORIZED, DescopeError


async def arguments_of(request: Request) -> dict[str, Any]:
    """Query, path and body as one; a query parameter that is repeated is a list.

    Raises:
        DescopeError: the body is not what its type says, or the Authorization header is garbled.
    """
    query = request.query_params
    arguments: dict[str, Any] = {}
    for name in query:
        values = query.getlist(name)
        arguments[name] = values if len(values) > 1 else values[0]
    raw = await request.body()
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return {**arguments, **_client(request), **_form(raw), **request.path_params}
    try:
        body = json.loads(raw) if raw.strip() else {}
    except ValueError:
        raise DescopeError(MALFORMED, "The body is not JSON") from None
    if isinstance(body, list):
        body = {"body": body}
    if not isinstance(body, dict):
        raise DescopeError(MALFORMED, "The body must be an object")
    return {**arguments, **_client(request), **body, **request.path_params}


def _form(raw: bytes) -> dict[str, Any]:
    """The fields of a form, as OAuth clients and SAML partners send them."""
    fields = parse_qs(raw.decode(errors="replace"), keep_blank_values=True)
    return {name: values if len(values) > 1 else values[0] for name, values in fields.items()}


def _client(request: Request) -> dict[str, str]:
    """The client that identifies itself by HTTP Basic (RFC 6749, section 2.3.1)."""
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return {}
    try:
        name, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except ValueError:
        raise DescopeError(UNAUTHORIZED, "The Authorization header cannot be read") from None
    return {"client_id": unquote(name), "client_secret": unquote(secret)}
