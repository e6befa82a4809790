"""Which proxy the environment names for an address, read as curl reads it.

HTTPS_PROXY, else ALL_PROXY, each in small letters first; NO_PROXY lists what is reached directly:
host names with all below them, addresses, networks (10.0.0.0/8, fd00::/8), each perhaps with a
port, or ``*`` for everything. What cannot be understood and is not needed is passed over; a proxy
that would be needed and cannot be used is named.
"""

from __future__ import annotations

import importlib.util
import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from descope_mcp.api.errors import Unreachable

_VARIABLES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
_SOCKS = ("socks5", "socks5h")
_SCHEMES = ("http", "https", *_SOCKS)
#: An entry of NO_PROXY with a port; an IPv6 address with one stands in brackets.
_WITH_PORT = re.compile(r"(?:\[([^\]]+)\]|([^:\[\]]+)):(\d{1,5})")


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy: `url` may hold a password, `place` is what may be shown of it."""

    url: str = field(repr=False)
    place: str
    variable: str


def chosen(host: str, port: int, environment: Mapping[str, str] | None = None) -> Proxy | None:
    """The proxy for an https address, None if it is reached directly.

    Raises:
        Unreachable: the one that is named cannot be used; says which variable names it.
    """
    env = os.environ if environment is None else environment
    variable = next((name for name in _VARIABLES if env.get(name)), "")
    if not variable or bypassed(host, port, env.get("no_proxy") or env.get("NO_PROXY") or ""):
        return None
    # Without a scheme it is a plain one, as it is for curl.
    url = env[variable].strip()
    url = url if "://" in url else f"http://{url}"
    try:
        parts = urlsplit(url)
        name, number = parts.hostname, parts.port
    except ValueError:
        name, number = None, None
    if not name or parts.scheme not in _SCHEMES:
        raise Unreachable(
            f"{variable} names no proxy that can be used.",
            f"Write it as http://host:port ({', '.join(_SCHEMES)} are known), or list {host} in "
            "NO_PROXY.",
        )
    if parts.scheme in _SOCKS:
        _socks(variable, host)
    shown = f"[{name}]" if ":" in name else name
    return Proxy(url, f"{shown}:{number}" if number else shown, variable)


def _socks(variable: str, host: str) -> None:
    """Make sure that SOCKS can be spoken.

    Raises:
        Unreachable: its library is not installed.
    """
    if importlib.util.find_spec("socksio") is None:
        raise Unreachable(
            f"{variable} names a SOCKS proxy, which this installation cannot speak to.",
            f"Install descope-mcp[socks], name an HTTP proxy, or list {host} in NO_PROXY.",
        )


def bypassed(host: str, port: int, no_proxy: str) -> bool:
    """Whether NO_PROXY lists this address."""
    entries = no_proxy.replace(",", " ").split()
    return any(_matches(entry, host.lower().rstrip("."), port) for entry in entries)


def _matches(entry: str, host: str, port: int) -> bool:
    if entry == "*":
        return True
    if with_port := _WITH_PORT.fullmatch(entry):
        entry = with_port[1] or with_port[2]
        if int(with_port[3]) != port:
            return False
    entry = entry.strip("[]").lower()
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        # One of them is a name; a network of the other family holds nothing.
        name = entry.removeprefix("*").strip(".")
        return bool(name) and (host == name or host.endswith(f".{name}"))
