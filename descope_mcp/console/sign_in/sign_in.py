"""How somebody becomes known: a provider, or a link that this machine's terminal shows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from descope_mcp.console.sign_in.sessions import Session

if TYPE_CHECKING:
    from descope_mcp.console.console import Console

#: Pages that somebody can be led back to.
_PATH = re.compile(r"(?:[a-z0-9-]+(?:/[A-Za-z0-9-]+)*)?")


class NotKnown(Exception):
    """Nobody can say any more who somebody is, or which roles they have: they sign in again."""


class NotNow(Exception):
    """Whoever knows it does not answer: nothing is done, and the session stays."""


class SignIn(Protocol):
    """One of the ways."""

    def routes(self, console: Console) -> list[Route]:
        """The pages that it needs."""

    async def asked(self, console: Console, request: Request) -> Response:
        """What somebody is answered who is not signed in."""

    async def looked_again(self, session: Session, *, deciding: bool) -> Session:
        """The session, with who it is by now and which roles they have.

        `deciding` asks for newer word than a page needs.

        Raises:
            NotKnown: that cannot be said any more.
            NotNow: nobody answers.
        """


def way_back(path: str) -> str:
    """A path below the prefix, "" if it is none of ours."""
    return path if len(path) <= 200 and _PATH.fullmatch(path) else ""
