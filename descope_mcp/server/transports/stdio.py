"""Serving on stdin and stdout, which belong to the protocol alone."""

from __future__ import annotations

import gc
from collections.abc import Sequence

import anyio
from mcp.server.stdio import stdio_server

from descope_mcp.call.services import Services
from descope_mcp.server.app import build


async def serve(services: Services, toolsets: Sequence[str] = ()) -> None:
    """Serve one client until it hangs up."""
    server = build(services, toolsets)
    # Nothing made so far is ever garbage. Looking through it again and again would stop all calls
    # for a tenth of a second, most often while a large answer is worked on.
    gc.freeze()
    try:
        async with stdio_server() as (read, write):
            await server.run(read, write, server.create_initialization_options())
    except* (BrokenPipeError, anyio.BrokenResourceError):
        # The client has closed our output: there is nobody left to tell.
        pass
