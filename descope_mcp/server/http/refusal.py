"""What a client is told that is turned away before its message is read."""

from __future__ import annotations

from collections.abc import Mapping

import mcp_types as types
from starlette.responses import Response


def refusal(status: int, text: str, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON-RPC error without an id, which nobody has read yet, under an HTTP status."""
    code = types.INVALID_REQUEST if status < 500 else types.INTERNAL_ERROR
    error = types.ErrorData(code=code, message=text)
    body = types.JSONRPCError(jsonrpc="2.0", id=None, error=error)
    return Response(
        body.model_dump_json(by_alias=True, exclude_unset=True),
        status,
        headers,
        "application/json",
    )
