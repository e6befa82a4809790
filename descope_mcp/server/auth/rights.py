"""What a caller may use: to which project its calls go, and by which key.

Each way to Descope has a client of its own, made once, so that neither connections nor keys of two
projects are ever mixed. What is kept is kept by project already.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from descope_mcp.api.client import Client
from descope_mcp.call.services import Services
from descope_mcp.guard.caller import Caller
from descope_mcp.guard.policy import who
from descope_mcp.server.auth.configuration import Upstream


class NoRights(Exception):
    """There is no way to Descope for a caller."""


class Rights:
    """The services of every caller."""

    def __init__(self, services: Services, upstreams: Sequence[Upstream]) -> None:
        """Args: `services` of the server itself; ways to Descope, its own if there are none."""
        self._ways = [
            (upstream.who, replace(services, client=_client(services, upstream)))
            for upstream in upstreams
        ] or [({}, services)]
        self._own = services.client

    @property
    def clients(self) -> list[Client]:
        """Every way to Descope."""
        return [services.client for _, services in self._ways]

    def of(self, caller: Caller) -> Services:
        """What a caller may use: the first way that is for it.

        Raises:
            NoRights: none is.
        """
        for condition, services in self._ways:
            if who.is_meant(caller, condition, exactly=True):
                return replace(services, principal=caller)
        raise NoRights

    def refused(self, caller: Caller) -> str:
        """Why a caller may not do anything here, "" if it may."""
        try:
            self.of(caller)
        except NoRights:
            return "No key of this server is for this caller; ask whoever runs it."
        return ""

    async def close(self) -> None:
        """Close the ways that were made here."""
        for client in self.clients:
            if client is not self._own:
                await client.close()


def _client(services: Services, upstream: Upstream) -> Client:
    timeout = services.client.timeout
    return Client(upstream.base_url, upstream.credentials, services.catalog.errors, timeout)
