"""Whether something answers at the base URL, without a credential."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from descope_mcp.api.client import quietly
from descope_mcp.api.request import Request
from descope_mcp.api.response import is_page
from descope_mcp.api.transport import Transport


@dataclass(frozen=True, slots=True)
class Reached:
    """What answers: its headers, by which way it was reached, and what is odd about it or ""."""

    headers: Mapping[str, str]
    way: str
    oddity: str = ""


async def probe(base_url: str, seconds: float = 10.0) -> Reached:
    """What the base URL answers to a GET of its root.

    Raises:
        Unreachable: nothing answers.
    """
    transport = Transport(base_url, seconds)
    try:
        request = Request("GET", "/", None, {})
        raw = await transport.send(request, repeatable=True, waiting=quietly)
    finally:
        await transport.close()
    oddity = ""
    elsewhere = urlsplit(raw.headers.get("location", "")).hostname
    if 300 <= raw.status < 400 and elsewhere not in (None, urlsplit(base_url).hostname):
        oddity = "it sends on to another host, as the sign-in page of a network does"
    elif raw.status in (200, 511) and is_page(raw):
        oddity = "a web page answers instead of Descope, as the sign-in page of a network does"
    return Reached(dict(raw.headers), transport.way, oddity)
