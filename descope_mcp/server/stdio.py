"""Serving on stdin and stdout, which belong to the protocol alone."""

from __future__ import annotations

from collections.abc import Sequence

import anyio
from mcp.server.stdio import stdio_server

from descope_mcp.invoke import Services
from descope_mcp.server.app import build


async def serve(services: Services, toolsets: Sequence[str] = ()) -> None:
    """Serve one client until it hangs up."""
    server = build(services, toolsets)
    try:
        async with stdio_server() as (read, write):
            await server.run(read, write, server.create_initialization_options())
    except* (BrokenPipeError, anyio.BrokenResourceError):
        # The client has closed our output: there is nobody left to tell.
        pass
