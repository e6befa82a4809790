"""Web addresses that everybody reads the same way, and where they lead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from descope_mcp.catalog.json_path import is_empty, leaves
from descope_mcp.guard.policy.glob import loose

#: A scheme, a bare host, perhaps a port. Browsers take a backslash for a slash and drop blanks and
#: control characters (WHATWG URL, 4.4), so that they may see another host than `urlsplit`.
_PLAIN_URL = re.compile(r"https?://[A-Za-z0-9.-]+(?::\d+)?(?:[/?#][!-\[\]-~]*)?", re.IGNORECASE)
#: A word of a text, and what makes an address of it wherever it stands.
_WORD = re.compile(r"[^\s<>\"()\[\]{}]+")
_LINK = re.compile(r"//|\\\\|https?:|^(?:www\.|javascript:|data:)", re.IGNORECASE)
_BARE = re.compile(r"(?:[^\W_][\w-]*\.)+[^\W\d_]{2,}(?::\d+)?(?:/.*)?")
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


def linked_hosts(value: Any) -> Iterator[str | None]:
    """The hosts of all addresses in texts, at any depth; None for one that may lead elsewhere.

    Mail programs make a link of a bare host, too. An address of mail is none.
    """
    for _, text in leaves(value):
        for word in _WORD.findall(loose(text)) if isinstance(text, str) else ():
            address = word.strip(".,:;!?'")
            if _LINK.search(address):
                yield host(address)
            elif _BARE.fullmatch(address):
                yield host(address.partition("/")[0].partition(":")[0])


def leads_away(value: Any, hosts: frozenset[str]) -> bool:
    """Whether an address in texts, at any depth, leads to a host that is not trusted."""
    return any(one not in hosts for one in linked_hosts(value))


def is_foreign(value: Any, hosts: frozenset[str]) -> bool:
    """Whether a URL or bare host, or one in a list of them, leads to a host that is not trusted."""
    if isinstance(value, list):
        return any(is_foreign(item, hosts) for item in value)
    return not is_empty(value) and host(value) not in hosts
