"""From an operation and its checked arguments to one HTTP request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from anyio import CancelScope

from descope_mcp import __version__
from descope_mcp.api.credentials import Credentials, authorization
from descope_mcp.api.errors import NotSendable
from descope_mcp.catalog.operation import Operation

#: Descope writes the value of this header into its audit records.
CALL_ID_HEADER = "x-external-rid"
#: In characters of path and query; httpx takes some more, most fronts take less.
LONGEST_URL = 60_000


@dataclass(slots=True, eq=False)
class Flight:
    """Whether a request may have run: if its sender ends then, nobody knows what became of it.

    ``scope`` keeps the one try that is being made from being cancelled; to cancel it is to give up
    knowing.
    """

    on_its_way: bool = False
    scope: CancelScope | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One request below the base URL. What is not shown may hold a secret: never print it.

    ``target`` is path and query, ``template`` the path as the contract has it, with no values in
    it.
    """

    method: str
    target: str = field(repr=False)
    body: bytes | None = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    template: str = ""


def build(
    operation: Operation, arguments: Mapping[str, Any], credentials: Credentials, call_id: str
) -> Request:
    """The request of one call.

    Args:
        operation: what is called.
        arguments: as `catalog.arguments.check` returned them.
        credentials: of the server.
        call_id: ties the request to Descope's audit record.

    Raises:
        MissingCredential: nothing can be sent without it.
        NotSendable: an argument fits no URL.
    """
    path = operation.path
    query: list[tuple[str, str]] = []
    body: dict[str, Any] = {}
    has_body = any(place.where == "body" for place in operation.places.values())
    given = ""
    for name, value in arguments.items():
        where, wire_name = operation.places[name]
        if where == "path":
            path = path.replace("{" + wire_name + "}", quote(str(value), safe=""))
        elif where == "query":
            items = value if isinstance(value, list) else [value]
            query += [(wire_name, _text(item)) for item in items]
        elif where == "credential":
            given = value
        elif where == "body":
            body[wire_name] = value
    target = f"{path}?{urlencode(query)}" if query else path
    if len(target) > LONGEST_URL:
        raise NotSendable(f"{operation.name}: the arguments are too long for a URL.", _SHORTER)
    headers = {
        "Accept": "application/json",
        "User-Agent": f"descope-mcp/{__version__}",
        CALL_ID_HEADER: call_id,
    }
    bearer = authorization(operation, credentials, given)
    if bearer is not None:
        headers["Authorization"] = bearer
    content: bytes | None = None
    if has_body or operation.method in ("POST", "PUT", "PATCH"):
        whole: Any = body.get(operation.array_body, []) if operation.array_body else body
        content = json.dumps(whole, separators=(",", ":")).encode()
        headers["Content-Type"] = "application/json"
    return Request(operation.method, target, content, headers, operation.path)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        # JSON Schema takes 5.0 for an integer; the service's query parser does not.
        return str(int(value))
    return str(value)


_SHORTER = "Pass fewer or shorter values."
