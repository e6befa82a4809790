"""Serving one client on stdin and stdout, which belong to the protocol alone."""

from __future__ import annotations

from collections.abc import Sequence

import anyio

from descope_mcp.call.services import Services
from descope_mcp.server.app import alone, build
from descope_mcp.server.transports import byte_streams
from descope_mcp.server.transports.session_streams import Exchange, Incoming, Outgoing
from descope_mcp.server.transports.standard_streams import claimed

#: After a signal, reads have so many seconds to end by themselves, and the client to take answers.
_GRACE = 1.0


class Serving:
    """One client, until it hangs up, stops reading, or `end` is called."""

    def __init__(self, services: Services, toolsets: Sequence[str] = ()) -> None:
        self._client = services.client
        self._server = build(services.catalog, alone(services), lambda ctx: toolsets)
        self._ending = anyio.Event()
        self._scope = anyio.CancelScope()

    def end(self) -> None:
        """Take no more requests; what changes something is finished first.

        The second time nothing is waited for: what becomes of a change that is on its way is then
        unknown, and journalled so.
        """
        if self._ending.is_set():
            self._client.abandon()
            self._scope.cancel()
        self._ending.set()

    async def run(self) -> None:
        """Serve.

        Raises:
            OSError: stdin or stdout is closed.
        """
        with claimed() as (stdin, stdout):
            source, sink = byte_streams.source(stdin), byte_streams.sink(stdout)
            exchange = Exchange()
            incoming = Incoming(source, sink, exchange)
            outgoing = Outgoing(sink, exchange, incoming)
            try:
                with self._scope:
                    async with anyio.create_task_group() as tasks:
                        tasks.start_soon(self._end_in_order, incoming)
                        tasks.start_soon(self._end_unheard, outgoing)
                        options = self._server.create_initialization_options()
                        await self._server.run(incoming, outgoing, options)
                        await sink.flush()
                        tasks.cancel_scope.cancel()
                with anyio.move_on_after(_GRACE):
                    await sink.flush()
            finally:
                source.stop()
                sink.stop()

    async def _end_in_order(self, incoming: Incoming) -> None:
        await self._ending.wait()
        incoming.end()
        await anyio.sleep(_GRACE)
        await self._client.changed()
        self._scope.cancel()

    async def _end_unheard(self, outgoing: Outgoing) -> None:
        await outgoing.broken.wait()
        self._scope.cancel()
