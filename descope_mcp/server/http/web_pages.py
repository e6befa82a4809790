"""What browsers ask before a page of another origin may call the server (Fetch, CORS protocol).

A page asks for leave without any credentials, so that this is answered outside of everything that
knows who calls. Only origins that somebody has named get leave: on a machine of one's own `hosts`
takes requests from pages of that machine too, but not every such page is to read the answers.
"""

from __future__ import annotations

from collections.abc import Sequence

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

#: What clients of the protocol send (MCP, Transports) beside what every page may.
_SENT = (
    *("Authorization", "Content-Type", "Last-Event-ID", "Mcp-Method", "Mcp-Name"),
    *("Mcp-Protocol-Version", "Mcp-Session-Id"),
)
#: What they have to read of an answer.
_READ = ("Mcp-Session-Id", "Retry-After", "WWW-Authenticate")
#: Seconds for which a browser need not ask again.
_KNOWN = 600


def web_pages(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """A layer around `app` that lets pages of `origins` read its answers.

    Args:
        app: what they call.
        origins: scheme, host and, where it is not the usual one, port.
    """
    return CORSMiddleware(
        app,
        allow_origins=[origin.lower() for origin in origins],
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=_SENT,
        expose_headers=_READ,
        max_age=_KNOWN,
    )
