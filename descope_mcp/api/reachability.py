"""Whether something answers at the base URL, without a credential."""

from __future__ import annotations

from collections.abc import Mapping

from descope_mcp.api.client import quietly
from descope_mcp.api.request import Request
from descope_mcp.api.transport import Transport


async def headers(base_url: str, seconds: float = 10.0) -> Mapping[str, str]:
    """The headers of whatever the base URL answers to a GET of its root.

    Raises:
        Unreachable: nothing answers.
    """
    transport = Transport(base_url, seconds)
    try:
        request = Request("GET", "/", (), None, {})
        return dict((await transport.send(request, repeatable=True, waiting=quietly)).headers)
    finally:
        await transport.close()
