"""Only this machine is answered: a page that some other host serves cannot reach the sandbox.

A browser sends what a page asks for to whatever address the page's host name stands for, and a
stranger's name can stand for 127.0.0.1 (DNS rebinding): the `Host` then is the stranger's. A page
that calls the loopback address itself says in `Origin` where it comes from.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from descope_mcp.sandbox.engine.errors import FORBIDDEN, DescopeError


class LocalOnly:
    """Refuses requests that name another host than this one, or that come from its pages.

    `names` are those that this one has beside the loopback ones, as in a network of containers.
    """

    def __init__(self, app: ASGIApp, names: frozenset[str] = frozenset()) -> None:
        self._app = app
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse before anything else has looked at the request."""
        if scope["type"] != "http" or is_local(scope["headers"], self._names):
            await self._app(scope, receive, send)
            return
        refused = DescopeError(FORBIDDEN, "The sandbox answers requests of this machine alone")
        await JSONResponse(refused.body(), FORBIDDEN.status)(scope, receive, send)


def is_local(headers: Iterable[tuple[bytes, bytes]], names: frozenset[str] = frozenset()) -> bool:
    """Whether there is one `Host`, a loopback name or one of `names`, and no other `Origin`."""
    named: dict[bytes, list[str]] = {b"host": [], b"origin": []}
    for name, value in headers:
        if name in named:
            named[name].append(value.decode("latin-1"))
    hosts = [f"http://{host}" for host in named[b"host"]]
    return len(hosts) == 1 and all(_is_own(origin, names) for origin in (*hosts, *named[b"origin"]))


def _is_own(origin: str, names: frozenset[str]) -> bool:
    """Whether an origin is of this machine; ``null``, that of hidden pages, is not."""
    found = _ORIGIN.fullmatch(origin.lower())
    host = found[1].strip("[]") if found else ""
    if host in names:
        return True
    # RFC 6761, section 6.3: whatever ends so is this machine.
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


#: Scheme, host and port, and nothing else.
_ORIGIN = re.compile(r"https?://([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?")
