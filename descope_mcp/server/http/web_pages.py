"""What browsers ask before a page of another origin may call the server (Fetch, CORS protocol).

A page asks for leave without any credentials, so that this is answered outside of everything that
knows who calls. Which origins may call at all is decided by `hosts`; these alone get leave.
"""

from __future__ import annotations

import re
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
        origins: as `hosts.allowed` returns them: with a port, or ``:*`` for any.
    """
    forms = "|".join(re.escape(origin).replace(r":\*", r":\d{1,5}") for origin in origins)
    return CORSMiddleware(
        app,
        allow_origin_regex=forms or None,
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=_SENT,
        expose_headers=_READ,
        max_age=_KNOWN,
    )
