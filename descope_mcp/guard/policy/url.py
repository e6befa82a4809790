"""Web addresses that everybody reads the same way, and where they lead."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from descope_mcp.catalog.json_path import is_empty

#: A scheme, a bare host, perhaps a port. Browsers take a backslash for a slash and drop blanks and
#: control characters (WHATWG URL, 4.4), so that they may see another host than `urlsplit`.
_PLAIN_URL = re.compile(r"https?://[A-Za-z0-9.-]+(?::\d+)?(?:[/?#][!-\[\]-~]*)?", re.IGNORECASE)
_PLAIN_HOST = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")


def host(value: Any) -> str | None:
    """The host, in lower case, to which a URL leads for any reader; that of a bare host is itself.

    None where readers may see different ones.
    """
    if not isinstance(value, str):
        return None
    if _PLAIN_HOST.fullmatch(value):
        return value.lower()
    if not _PLAIN_URL.fullmatch(value):
        return None
    try:
        return urlsplit(value).hostname
    except ValueError:
        return None


def is_foreign(value: Any, hosts: frozenset[str]) -> bool:
    """Whether a URL or bare host, or one in a list of them, leads to a host that is not trusted."""
    if isinstance(value, list):
        return any(is_foreign(item, hosts) for item in value)
    return not is_empty(value) and host(value) not in hosts
