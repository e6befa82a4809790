"""The console by itself, on a socket of this machine."""

from __future__ import annotations

import socket

from starlette.routing import Router

from descope_mcp.console.console import Console
from descope_mcp.server.http import serving
from descope_mcp.server.http.framing import Framing
from descope_mcp.server.http.response_headers import ResponseHeaders


class Standalone:
    """The pages on a socket, until `end` is called."""

    def __init__(self, console: Console, listener: socket.socket) -> None:
        self._console, self._listener = console, listener
        router = Router(console.routes, redirect_slashes=False)
        self._server = serving.server(ResponseHeaders(Framing(router)))

    def end(self) -> None:
        """End in order."""
        self._console.end()
        self._server.should_exit = True

    async def run(self) -> None:
        """Serve."""
        await self._server.serve(sockets=[self._listener])
