"""Whether the server runs, and whether it can work: for balancers and orchestrators.

Both are open to everybody and tell nothing but that; why something fails is in the log.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress

import anyio
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from descope_mcp.api import reachability
from descope_mcp.api.errors import ApiFailure
from descope_mcp.call.services import Services
from descope_mcp.store.errors import StoreError

log = logging.getLogger(__name__)

#: What was found is not looked for again for so many seconds, whoever asks.
FRESH = 5.0
#: Descope has so many seconds to answer.
_PATIENCE = 3.0


class Health:
    """The two questions, and what was last found."""

    def __init__(self, services: Services, is_ending: Callable[[], bool]) -> None:
        self._services, self._is_ending = services, is_ending
        self._looking = anyio.Lock()
        self._found: dict[str, bool] = {}
        self._until = 0.0

    def routes(self) -> list[Route]:
        """``/healthz`` and ``/readyz``."""
        return [Route("/healthz", self._alive), Route("/readyz", self._ready)]

    async def begin(self) -> None:
        """Open the store, so that neither who asks nor the first change has to wait for that."""
        async with self._looking:
            with suppress(StoreError):  # every look tells of it
                await run_sync(self._services.store.open_ahead)

    async def _alive(self, request: Request) -> Response:
        return JSONResponse({"alive": True})

    async def _ready(self, request: Request) -> Response:
        if self._is_ending():
            return JSONResponse({"ready": False, "ending": True}, 503)
        async with self._looking:
            if time.monotonic() >= self._until:
                self._found = {"store": await self._store(), "api": await self._api()}
                self._until = time.monotonic() + FRESH
        ready = all(self._found.values())
        return JSONResponse({"ready": ready, **self._found}, 200 if ready else 503)

    async def _store(self) -> bool:
        fault = await run_sync(self._services.store.fault)
        if fault:
            log.warning("not ready: %s", fault)
        return not fault

    async def _api(self) -> bool:
        try:
            with anyio.fail_after(_PATIENCE):
                await reachability.probe(self._services.client.base_url, _PATIENCE)
        except ApiFailure as failure:
            log.warning("not ready: %s", failure.message)
        except TimeoutError:
            log.warning("not ready: Descope does not answer within %.0f s", _PATIENCE)
        else:
            return True
        return False
