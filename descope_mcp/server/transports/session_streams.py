"""The SDK's two streams over bytes: every line is answered or is a notification.

They feed the SDK's server in place of its own, which drops what it cannot read, gives up accepted
requests when the input ends, and pays three changes of thread for a call.
"""

from __future__ import annotations

import logging
from collections import deque
from functools import partial
from types import TracebackType

import anyio
import mcp_types as types
from mcp.shared.message import ServerMessageMetadata, SessionMessage

from descope_mcp.server.transports import messages
from descope_mcp.server.transports.byte_streams import Sink, Source
from descope_mcp.server.transports.lines import Oversized, Splitter
from descope_mcp.server.transports.messages import NoMessage

log = logging.getLogger(__name__)

#: So many requests are open at once; then no more is read until one is answered.
MOST_OPEN = 1000


class Exchange:
    """The requests that wait for an answer: `open` ones of the client, `asked` ones of the server.

    Of the latter, nobody answers those that are `lost`.
    """

    def __init__(self) -> None:
        self.open: set[types.RequestId] = set()
        self.asked: set[types.RequestId] = set()
        self.lost: set[types.RequestId] = set()
        self._changed = anyio.Event()

    async def settled(self, number: types.RequestId) -> None:
        """The client's request is answered, or never will be."""
        self.open.discard(number)
        self.change()

    def full(self) -> bool:
        """Whether too many are open. While the server asks, the answer has to be read."""
        return len(self.open) >= MOST_OPEN and not self.asked

    def change(self) -> None:
        """Tell the reader that something has changed."""
        self._changed.set()

    async def changed(self) -> None:
        """Wait until something has changed."""
        self._changed = anyio.Event()
        await self._changed.wait()


class Incoming:
    """What the client says, as the SDK reads it. Ends when all that was accepted is answered."""

    def __init__(self, source: Source, sink: Sink, exchange: Exchange) -> None:
        self._source, self._sink, self._exchange = source, sink, exchange
        self._splitter = Splitter()
        self._lines: deque[bytes | Oversized] = deque()
        self.ended = False

    def end(self) -> None:
        """Take no more requests."""
        self.ended = True
        self._lines.clear()
        self._source.stop()
        self._exchange.change()

    async def receive(self) -> SessionMessage:
        """The next message.

        Raises:
            EndOfStream: there will be none, and every request is answered.
        """
        while True:
            if message := self._nobody_answers():
                return message
            if self._lines and not self._exchange.full():
                if message := await self._accept(self._lines.popleft()):
                    return message
            elif self.ended and not self._lines and not self._exchange.open:
                raise anyio.EndOfStream
            elif self.ended or self._exchange.full():
                await self._exchange.changed()
            else:
                await self._read()

    async def _read(self) -> None:
        data = await self._source.read()
        if self.ended:
            return
        self.ended = not data
        self._lines += self._splitter.feed(data) if data else self._splitter.finish()

    async def _accept(self, line: bytes | Oversized) -> SessionMessage | None:
        """The message on a line; one that is none is answered here."""
        try:
            message = messages.decode(line)
            if isinstance(message, types.JSONRPCRequest):
                return SessionMessage(message, self._opened(message.id))
        except NoMessage as no:
            try:
                await self._sink.write(messages.encode(no.answer))
            except OSError:
                self.end()
            return None
        if isinstance(message, types.JSONRPCResponse | types.JSONRPCError):
            # Some clients send numbers back as text.
            self._exchange.asked -= {n for n in self._exchange.asked if str(n) == str(message.id)}
        return SessionMessage(message) if message else None

    def _opened(self, number: types.RequestId) -> ServerMessageMetadata:
        """Note a request as open.

        Raises:
            NoMessage: another one has its id. Two answers with one id could not be told apart, so
                that this one has none.
        """
        if number in self._exchange.open:
            text = f"The id {str(number)[:40]} is that of a request that is not answered yet."
            raise NoMessage(types.INVALID_REQUEST, text)
        self._exchange.open.add(number)
        unanswered = partial(self._exchange.settled, number)
        return ServerMessageMetadata(on_request_unanswered=unanswered)

    def _nobody_answers(self) -> SessionMessage | None:
        """What a request to the client is answered when the client has hung up."""
        exchange = self._exchange
        if self.ended and not self._lines:
            exchange.lost |= exchange.asked
        if not exchange.lost:
            return None
        number = exchange.lost.pop()
        exchange.asked.discard(number)
        return SessionMessage(messages.error(number, types.CONNECTION_CLOSED, "Connection closed"))

    async def aclose(self) -> None:
        """Take no more requests."""
        self.end()

    def __aiter__(self) -> Incoming:
        return self

    async def __anext__(self) -> SessionMessage:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def __aenter__(self) -> Incoming:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        await self.aclose()
        return None


class Outgoing:
    """What the server says, as the SDK writes it: one message, one write."""

    def __init__(self, sink: Sink, exchange: Exchange, incoming: Incoming) -> None:
        self._sink, self._exchange, self._incoming = sink, exchange, incoming
        #: Nobody reads what is written.
        self.broken = anyio.Event()

    async def send(self, item: SessionMessage) -> None:
        """Write one message.

        Raises:
            BrokenResourceError: nobody reads any more.
        """
        message = item.message
        if isinstance(message, types.JSONRPCRequest):
            self._exchange.asked.add(message.id)
            self._exchange.change()
        line = self._line(message)
        if (
            isinstance(message, types.JSONRPCResponse | types.JSONRPCError)
            and message.id is not None
        ):
            # Before it is written: with the answer the client may use the id again.
            await self._exchange.settled(message.id)
        try:
            await self._sink.write(line)
        except OSError:
            self.broken.set()
            raise anyio.BrokenResourceError from None

    def _line(self, message: types.JSONRPCMessage) -> bytes:
        """The line of a message; where it cannot be written, what does least harm."""
        try:
            return messages.encode(message)
        except ValueError:
            # No text of the error: it repeats what could not be written.
            log.error("a message could not be written")  # noqa: TRY400
        if isinstance(message, types.JSONRPCResponse):
            return messages.encode(
                messages.error(message.id, types.INTERNAL_ERROR, "The answer is not text.")
            )
        if isinstance(message, types.JSONRPCRequest):
            self._exchange.lost.add(message.id)
        return b""

    async def aclose(self) -> None:
        """Nothing: what is left is written when the serving ends."""

    async def __aenter__(self) -> Outgoing:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        await self.aclose()
        return None
