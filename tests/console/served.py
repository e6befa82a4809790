"""The console on a loopback socket, in a thread of its own, and links to sign in by."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import anyio

from descope_mcp.api.client import Client
from descope_mcp.api.credentials import Credentials
from descope_mcp.call.services import Services
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.console.console import Console
from descope_mcp.console.origins import Origins
from descope_mcp.console.sign_in import one_time_link
from descope_mcp.console.sign_in.one_time_link import LinkSignIn
from descope_mcp.console.sign_in.sign_in import SignIn
from descope_mcp.console.standalone import Standalone
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.server.http import serving
from descope_mcp.store.store import Store


@dataclass
class Served:
    """A running console; ``opened`` ends with it."""

    store: Store
    origin: str
    opened: ExitStack = field(default_factory=ExitStack)

    @property
    def link(self) -> str:
        """A new link that signs in once."""
        return one_time_link.link(self.store, self.origin)

    def path(self, path: str = "") -> str:
        """The address of a page."""
        return f"{self.origin}/console/{path}"


def services(catalog: Catalog, store: Store) -> Services:
    """What nothing is called by."""
    client = Client("http://127.0.0.1:9", Credentials("P2abc", "key"), catalog.errors, 5.0)
    return Services(catalog, client, Policy(), store)


@contextmanager
def served(
    given: Services, sign_in: SignIn | None = None, *, port: int = 0, origin: str = ""
) -> Iterator[Served]:
    """The console until the context ends; `origin` is what it is called, if that is elsewhere."""
    listener = serving.listening("127.0.0.1", port)
    here = f"http://127.0.0.1:{listener.getsockname()[1]}"
    console = Console(given, Origins([origin or here]), sign_in or LinkSignIn("ada"))
    server = Standalone(console, listener)

    async def run() -> None:
        await server.run()
        await given.client.close()

    thread = threading.Thread(target=anyio.run, args=(run,))
    thread.start()
    try:
        running = Served(given.store, here)
        with running.opened:
            yield running
    finally:
        server.end()
        thread.join(20)
        assert not thread.is_alive()
