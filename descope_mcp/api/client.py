"""Running one operation against Descope: build, send, read."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import anyio

from descope_mcp.api import request as requests
from descope_mcp.api.credentials import Credentials
from descope_mcp.api.request import Flight
from descope_mcp.catalog.operation import Operation

if TYPE_CHECKING:
    from descope_mcp.api.response import Answer, Errors
    from descope_mcp.api.transport import Transport, Waiting


async def quietly(seconds: float, reason: str) -> None:
    """The `waiting` of a caller that does not want to know."""


class Client:
    """The authenticated way to Descope. Connects when the first call is made."""

    def __init__(
        self, base_url: str, credentials: Credentials, errors: Errors, timeout: float = 60.0
    ) -> None:
        self.base_url = base_url
        self.credentials = credentials
        self._errors = errors
        self.timeout = timeout
        self._transport: Transport | None = None
        self._flights: set[Flight] = set()
        self._landed = anyio.Event()

    async def run(
        self,
        operation: Operation,
        arguments: Mapping[str, Any],
        *,
        call_id: str,
        repeatable: bool,
        waiting: Waiting = quietly,
        flight: Flight | None = None,
        hidden: Collection[str] = (),
        caller: str = "",
    ) -> Answer:
        """Send one call and read its answer.

        A call that is not `repeatable` changes something: once it is on its way it is finished
        even if the caller hangs up, so that its outcome is known. While it still waits for its
        turn or for another try it can be cancelled, and nothing is sent.

        Args:
            operation: what to call.
            arguments: as `catalog.arguments.check` returned them.
            call_id: ends up in Descope's audit record.
            repeatable: whether sending it twice does no harm.
            waiting: told before each pause between tries.
            flight: tells, if this is cancelled, whether the request was on its way.
            hidden: secrets among the arguments, which no message may repeat.
            caller: whose calls have to make room if there are too many at once.

        Raises:
            ApiFailure: see `descope_mcp.api.errors`.
        """
        # httpx costs a tenth of a second to import; only a server that is used pays it.
        from descope_mcp.api import response as answer
        from descope_mcp.api import transport

        built = requests.build(operation, arguments, self.credentials, call_id)
        if self._transport is None:
            self._transport = transport.Transport(self.base_url, self.timeout)
        flight = flight or Flight()
        if not repeatable:
            self._flights.add(flight)
        try:
            raw = await self._transport.send(
                built, repeatable=repeatable, waiting=waiting, flight=flight, caller=caller
            )
        finally:
            self._flights.discard(flight)
            self._landed.set()
        # An error may repeat the credential; all parts of it but the project id are secret.
        _, _, bearer = built.headers.get("Authorization", "").partition(" ")
        parts = [p for p in bearer.split(":") if p not in ("", self.credentials.project_id)]
        parts += hidden
        return answer.read(operation, raw, self._errors, repeatable=repeatable, hidden=parts)

    async def changed(self) -> None:
        """Wait until no change is on its way."""
        while any(flight.on_its_way for flight in self._flights):
            self._landed = anyio.Event()
            await self._landed.wait()

    def abandon(self) -> None:
        """Wait for no change any more: each that is on its way raises OutcomeUnknown."""
        for flight in self._flights:
            if flight.scope is not None:
                flight.scope.cancel()

    async def close(self) -> None:
        """Close the connections."""
        if self._transport is not None:
            await self._transport.close()
            self._transport = None
