"""The names under which the server may be reached, and the web pages that may call it.

A page that a browser shows can send requests to this machine, and under a name of its own once
that name points here (DNS rebinding). So every request names a host that was allowed, and one from
a page an origin that was (MCP, Transports, Security Warning).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence

from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from descope_mcp.server.http.refusal import refusal

#: The private networks of an organisation are no wider (RFC 1918, RFC 4193).
_WIDEST = 8
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_HOST = re.compile(r"([a-z0-9.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?")
_ORIGIN = re.compile(r"https?://([a-z0-9.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?")


class NotAllowed(Exception):
    """A name that cannot be allowed, or a binding that needs some; the text has the remedy."""


def is_loopback(host: str) -> bool:
    """Whether an address to bind to is reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def allowed(
    binding: str, hosts: Sequence[str], origins: Sequence[str]
) -> TransportSecuritySettings:
    """What requests are checked against.

    Args:
        binding: the address that the server listens on. Loopback has names of its own, any other
            only those of `hosts`.
        hosts: names of the server, with any port if they name none.
        origins: those of web pages; requests that are from no page have none.

    Raises:
        NotAllowed: a name is malformed, or none is given where one is needed.
    """
    local = is_loopback(binding)
    if not (local or hosts):
        raise NotAllowed(
            f"the address {binding} can be reached from other machines: name the hosts that "
            "clients call it by, --allowed-host mcp.example.com, or bind to 127.0.0.1"
        )
    for host in hosts:
        if not _HOST.fullmatch(host.lower()):
            raise NotAllowed(f"--allowed-host {host}: write a name, as mcp.example.com")
    for origin in origins:
        if not _ORIGIN.fullmatch(origin.lower()):
            raise NotAllowed(f"--allowed-origin {origin}: write an origin, as https://example.com")
    names = [*(_LOOPBACK if local else ()), *(host.lower() for host in hosts)]
    pages = [f"http://{name}" for name in _LOOPBACK] if local else []
    return TransportSecuritySettings(
        allowed_hosts=[form for name in names for form in _with_any_port(name)],
        allowed_origins=[
            *(form for page in pages for form in (page, f"{page}:*")),
            *(origin.lower() for origin in origins),
        ],
    )


def proxies(given: Sequence[str]) -> list[str]:
    """Addresses and networks of proxies, as they are compared.

    Raises:
        NotAllowed: one is neither, or a network so wide that whoever calls would be trusted.
    """
    found = []
    for text in given:
        try:
            network = ipaddress.ip_network(text)
        except ValueError:
            network = None
        if network is None or network.prefixlen < _WIDEST:
            raise NotAllowed(
                f"--trusted-proxy {text}: write the address of a proxy, as 10.0.0.7, or a network "
                f"of proxies, as 10.0.0.0/8; none is wider than /{_WIDEST}"
            )
        found.append(str(network))
    return found


def _with_any_port(name: str) -> tuple[str, ...]:
    bare = not re.search(r":\d+$", name) or name.endswith("]")
    return (name, f"{name}:*") if bare else (name,)


class Hosts:
    """A layer that turns away what calls the server by another name, or from another page."""

    def __init__(self, app: ASGIApp, settings: TransportSecuritySettings) -> None:
        self._app = app
        self._check = TransportSecurityMiddleware(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request that names an allowed host, and no other origin."""
        status = _unreadable(scope)
        if not status:
            wrong = await self._check.validate_request(Request(scope))
            if wrong is None:
                await self._app(scope, receive, send)
                return
            status = wrong.status_code
        await refusal(status, _TEXTS[status])(scope, receive, send)


_TEXTS = {
    421: "The Host of this request is not a name of this server; --allowed-host says which are.",
    403: "Pages of this origin may not call this server; --allowed-origin says which may.",
}


def _unreadable(scope: Scope) -> int:
    """The status for names that others may read otherwise, 0 if there are none.

    A form of any port allows whatever follows the colon, so that what follows has to be a port.
    """
    hosts, origins = (
        [value.decode("latin-1").lower() for name, value in scope["headers"] if name == wanted]
        for wanted in (b"host", b"origin")
    )
    if len(hosts) != 1 or not _HOST.fullmatch(hosts[0]):
        return 421
    return 403 if len(origins) > 1 or not all(map(_ORIGIN.fullmatch, origins)) else 0
