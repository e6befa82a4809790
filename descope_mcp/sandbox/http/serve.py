"""Running the sandbox on a loopback port, inside the event loop that is already there."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Generator, Iterable
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import anyio
import uvicorn
from starlette.types import ASGIApp

from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.http.app import HasRoute, Seeds, create_app
from descope_mcp.sandbox.http.faults import Protocol


@dataclass(frozen=True, slots=True)
class Sandbox:
    """Where the sandbox is, and the credentials that it accepts."""

    url: str
    project_id: str
    management_key: str


class Place(NamedTuple):
    """Where to listen.

    Attributes:
        port: 0 takes any that is free.
        address: of an interface of this machine.
        names: by which it is called, beside the loopback ones.
    """

    port: int = 0
    address: str = "127.0.0.1"
    names: frozenset[str] = frozenset()


#: A free port that only this machine reaches.
HERE = Place()


class _Server(uvicorn.Server):
    """A server that leaves the process's signals to the process."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


@asynccontextmanager
async def running(
    operations: Iterable[HasRoute],
    state: State,
    place: Place = HERE,
    seeds: Seeds | None = None,
) -> AsyncIterator[Sandbox]:
    """The sandbox, accepting connections until the context is left.

    With `seeds` the control interface and the inspector are there, too.

    Raises:
        OSError: the port is taken, or this machine has no such address.
    """
    async with listening(create_app(operations, state, seeds, place.names), place) as url:
        yield Sandbox(url, state.project_id, state.management_key)


@asynccontextmanager
async def listening(app: ASGIApp, place: Place = HERE) -> AsyncIterator[str]:
    """The URL of `app`, which accepts connections until the context is left.

    Raises:
        OSError: the port is taken, or this machine has no such address.
    """
    # asyncio turns Nagle's delay off only where the protocol is named; without that every answer
    # takes 40 ms.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((place.address, place.port))
        server = _Server(
            uvicorn.Config(
                app,
                http=Protocol,
                log_config=None,
                log_level="critical",
                access_log=False,
                lifespan="off",
                timeout_graceful_shutdown=1,
            )
        )
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            while not server.started:
                if task.done():
                    await task
                    raise RuntimeError("the sandbox did not start")
                await asyncio.sleep(0.005)
            # All interfaces have no address of their own; from here it is the loopback one.
            shown = "127.0.0.1" if place.address == "0.0.0.0" else place.address
            yield f"http://{shown}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            with anyio.CancelScope(shield=True):
                await task
