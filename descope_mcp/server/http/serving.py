"""Listening on a socket, until the process is asked to end."""

from __future__ import annotations

import socket
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager, suppress

import anyio
import uvicorn
from starlette.types import ASGIApp

from descope_mcp.api.client import Client
from descope_mcp.server.http.application import Application
from descope_mcp.server.http.surfaces import ROOT

#: After a signal, reads have so many seconds to end by themselves, and clients to take answers.
GRACE = 1.0
#: Connections that may wait to be accepted.
_BACKLOG = 2_048
#: Longer than balancers keep a connection that nothing is sent on, so that they close it first.
_KEEP_ALIVE = 75


class _Server(uvicorn.Server):
    """A server that leaves the process's signals to the process."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def server(app: ASGIApp, trusted_proxies: Sequence[str] = ()) -> uvicorn.Server:
    """What serves an application, and says nothing of itself; its `should_exit` ends it."""
    return _Server(
        uvicorn.Config(
            app,
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            proxy_headers=bool(trusted_proxies),
            forwarded_allow_ips=list(trusted_proxies),
            timeout_keep_alive=_KEEP_ALIVE,
        )
    )


def listening(host: str, port: int) -> socket.socket:
    """A socket that takes connections: those that come before `Serving.run` wait for it.

    Raises:
        OSError: the address cannot be had; its text is a sentence.
    """
    try:
        return _bound(host, port)
    except OSError as error:
        said = f"{host}:{port} cannot be listened on: {error.strerror}"
        raise OSError(f"{said}; choose an address of this machine that is free") from None


def _bound(host: str, port: int) -> socket.socket:
    family, kind, number, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    # asyncio turns Nagle's delay off only where the protocol is named.
    listener = socket.socket(family, kind, number or socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        # Whoever reads the address and connects at once is not refused.
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


class Serving:
    """An application on a socket, until `end` is called."""

    def __init__(
        self,
        application: Application,
        listener: socket.socket,
        clients: Callable[[], Iterable[Client]],
        trusted_proxies: Sequence[str] = (),
    ) -> None:
        """Args: `clients` that changes are sent by; proxies whose forwarded headers count."""
        self._application, self._listener, self._clients = application, listener, clients
        self._ending = anyio.Event()
        self._server = server(application.app, trusted_proxies)

    def end(self) -> None:
        """Take no more requests; what changes something is finished first.

        The second time nothing is waited for: what becomes of a change that is on its way is then
        unknown, and journalled so.
        """
        if self._ending.is_set():
            for client in self._clients():
                client.abandon()
            self._application.admission.cut()
        self._ending.set()

    @property
    def url(self) -> str:
        """Where the hub is."""
        host, port = self._listener.getsockname()[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}{ROOT}"

    async def run(self) -> None:
        """Serve."""
        _allow_many_connections()
        async with self._application.running(), anyio.create_task_group() as tasks:
            tasks.start_soon(self._end_in_order)
            tasks.start_soon(self._application.health.begin)
            await self._server.serve(sockets=[self._listener])
            tasks.cancel_scope.cancel()

    async def _end_in_order(self) -> None:
        await self._ending.wait()
        admission = self._application.admission
        self._application.end()
        self._server.should_exit = True
        with anyio.move_on_after(GRACE):
            await admission.answered()
        for client in self._clients():
            await client.changed()
        with anyio.move_on_after(GRACE):
            await admission.answered()
        # Reads that take too long.
        admission.cut()


def _allow_many_connections() -> None:
    """Have as many open files as this process may have; many systems begin with a thousand."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
