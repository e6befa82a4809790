"""Addresses that people write for an API or a page: scheme and host, no query, no user."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

#: What a URL may be written with (RFC 3986, section 2), without query, fragment and user.
_BASE_URL = re.compile(r"https?://[A-Za-z0-9.:\[\]/_~%!$&'()*+,;=-]+")


def host(base_url: str) -> str:
    """The host of a base URL, "" of anything that is none."""
    try:
        url = urlsplit(base_url)
        port = url.port
    except ValueError:
        # What stands in brackets is no address, or the port is out of range.
        return ""
    return url.hostname or "" if port != 0 and _BASE_URL.fullmatch(base_url) else ""


def is_loopback(name: str) -> bool:
    """Whether a host is this machine."""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
