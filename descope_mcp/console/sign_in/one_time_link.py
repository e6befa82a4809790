"""Signing in by a link that the terminal of this machine shows: it counts once, for five minutes.

It is written to the terminal itself, where `descope-mcp approvals` asks too, and nowhere else: not
to a pipe, not to the command line of a browser, which other accounts could read. Following it shows
a button, so that nothing that merely looks at links uses it up.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from descope_mcp.console.sign_in.people import Person
from descope_mcp.console.sign_in.sessions import Session
from descope_mcp.console.visit import PREFIX
from descope_mcp.store import tickets
from descope_mcp.store.store import Store

if TYPE_CHECKING:
    from descope_mcp.console.console import Console

#: Seconds for which a link counts.
COUNTS = 5 * 60.0
_PATH = "link"


class LinkSignIn:
    """Whoever has the link is the account of this machine."""

    def __init__(self, account: str) -> None:
        self._account = Person(account, account, ("approver", "administrator"))

    def routes(self, console: Console) -> list[Route]:
        """The page that a link leads to."""

        async def show(request: Request) -> Response:
            secret = request.query_params.get("s", "")
            return await console.plain(request, "link.html", secret=secret)

        async def enter(request: Request) -> Response:
            form = await console.fields(request)
            taken = await run_sync(tickets.take, console.store, "link", form.get("s", ""))
            if taken is None:
                return await console.plain(request, "link.html", 403, secret="")
            return await console.signed_in(request, self._account, {}, "")

        return [
            Route(f"/{_PATH}", console.open(show), methods=["GET"]),
            Route(f"/{_PATH}", console.open(enter), methods=["POST"]),
        ]

    async def asked(self, console: Console, request: Request) -> Response:
        """The page that says where the link is."""
        return await console.plain(request, "link.html", 401, secret="")

    async def looked_again(self, session: Session, *, deciding: bool) -> Session:
        """The account of this machine has its roles for as long as its session."""
        return session


def link(store: Store, origin: str) -> str:
    """A new link.

    Raises:
        StoreError: it cannot be kept.
    """
    secret = tickets.issue(store, "link", {}, time.time() + COUNTS)
    return f"{origin}{PREFIX}/{_PATH}?s={secret}"
