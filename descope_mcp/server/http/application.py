"""The ASGI application: layers from the outermost to the protocol's own session manager.

Who calls is found by a layer that is passed in; it works on headers. What has to know the message
to allow it is another, inside of the limits.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Any

import anyio
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.routing import BaseRoute, Router
from starlette.types import ASGIApp, Scope

from descope_mcp.call.services import Services
from descope_mcp.guard.caller import Caller
from descope_mcp.server import app
from descope_mcp.server.asking.elicitation import Context
from descope_mcp.server.asking.waiting_calls import WaitingCalls
from descope_mcp.server.http import bodies, request_state, sessions
from descope_mcp.server.http.admission import Admission
from descope_mcp.server.http.bodies import Bodies
from descope_mcp.server.http.callers import Layer, caller_of
from descope_mcp.server.http.framing import Framing
from descope_mcp.server.http.health import Health
from descope_mcp.server.http.hosts import Hosts
from descope_mcp.server.http.response_headers import ResponseHeaders
from descope_mcp.server.http.sessions import Sessions
from descope_mcp.server.http.surfaces import Surfaces, surface_of
from descope_mcp.server.http.web_pages import web_pages

# What these log holds addresses and headers, and exceptions hold arguments.
for _name in ("mcp", "uvicorn", "sse_starlette"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class Mode:
    """How the server is reached, and how it answers.

    ``stateless`` keeps no sessions for clients of older revisions, ``json`` answers with JSON even
    where a stream could carry progress. ``toolsets`` are what ``/mcp`` lists instead of the hub.
    ``pages`` are the origins of web pages that browsers let call it.
    """

    security: TransportSecuritySettings
    stateless: bool = False
    json: bool = False
    toolsets: Sequence[str] = ()
    pages: Sequence[str] = ()


class Application:
    """The application, and what ends it in order."""

    def __init__(
        self,
        services: Services,
        mode: Mode,
        authenticate: Layer,
        *,
        rights: Callable[[Caller], Services] | None = None,
        permit: Layer = lambda inner: inner,
        routes: Sequence[BaseRoute] = (),
        ends: Sequence[Callable[[], None]] = (),
    ) -> None:
        """An application that is not running yet.

        Args:
            services: what the server itself works with.
            mode: how it is reached.
            authenticate: names who calls (`callers.seat`), or turns the request away.
            rights: what a caller may use. Callers who share rights get equal services. With None,
                all may use `services`.
            permit: may read the whole body, and turn the request away.
            routes: open to everybody, besides those of health.
            ends: called when it ends, to end what is listened to behind `routes`.
        """
        given = rights or (lambda caller: replace(services, principal=caller))

        self._ending, self._ends = anyio.Event(), ends
        self.waiting = WaitingCalls()

        def services_of(ctx: Context) -> Services:
            scope = _scope(ctx)
            return surface_of(scope).limited(given(caller_of(scope)))

        server = app.build(
            services.catalog,
            services_of,
            lambda ctx: surface_of(_scope(ctx)).toolsets,
            request_state.shared(
                services.store,
                # Replicas of one server are called by the same names.
                f"{app.NAME} {' '.join(mode.security.allowed_hosts)}",
                lambda ctx: services_of(ctx).caller,
            ),
            self._ending,
            self.waiting,
        )
        self._manager = StreamableHTTPSessionManager(
            server,
            json_response=mode.json,
            stateless=mode.stateless,
            # Hosts and origins are looked at before anything else is.
            security_settings=TransportSecuritySettings(enable_dns_rebinding_protection=False),
            max_request_body_size=bodies.LARGEST,
            session_idle_timeout=sessions.IDLE,
            max_sessions=sessions.MOST,
        )
        protocol: ASGIApp = self._manager.handle_request
        if not mode.stateless:
            protocol = Sessions(protocol)
        self.admission = Admission(Bodies(permit(protocol)))
        toolsets = [toolset.name for toolset in services.catalog.toolsets]
        known = authenticate(Surfaces(self.admission, toolsets, mode.toolsets))
        self.health = Health(services, lambda: self.admission.ending)
        router = Router(
            [*self.health.routes(), *routes],
            redirect_slashes=False,
            default=Hosts(known, mode.security),
        )
        pages = web_pages(router, mode.pages)
        self.app: ASGIApp = ResponseHeaders(Framing(pages))

    def end(self) -> None:
        """Take no more requests, ask nobody any more, and end what only listens."""
        self._ending.set()
        self.admission.end()
        for end in self._ends:
            end()

    def running(self) -> AbstractAsyncContextManager[None]:
        """The context in which it can be called, entered once."""
        return self._manager.run()


def _scope(ctx: Context) -> Scope:
    """What the layers have noted of the request that brought a message.

    Raises:
        AttributeError: no request brought it, so that nobody is known to have sent it.
    """
    request: Any = ctx.request
    scope: Scope = request.scope
    return scope
