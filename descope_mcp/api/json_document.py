"""One public JSON document, without a credential: what an issuer of tokens says of itself."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import anyio

from descope_mcp.api.client import quietly
from descope_mcp.api.errors import ApiFailure, Unreachable
from descope_mcp.api.request import Request
from descope_mcp.api.transport import Transport

#: In bytes; a set of keys has a few thousand.
LARGEST = 512 * 1024
_REMEDY = "Check the address, and whether this machine may reach it."


async def fetch(url: str, seconds: float) -> dict[str, Any] | None:
    """The JSON object at `url`, None if there is no such document.

    No redirect is followed, so that nobody but the host that was named is ever asked.

    Raises:
        Unreachable: nothing that could be understood came within `seconds`.
    """
    parts = urlsplit(url)
    place = f"{parts.scheme}://{parts.netloc}"
    transport = Transport(place, seconds)
    request = Request("GET", parts.path or "/", None, {"Accept": "application/json"})
    try:
        with anyio.fail_after(seconds):
            raw = await transport.send(request, repeatable=True, waiting=quietly)
    except TimeoutError:
        raise Unreachable(f"No answer from {place} in {seconds:.0f} seconds.", _REMEDY) from None
    except ApiFailure as error:
        raise Unreachable(error.message, _REMEDY) from None
    finally:
        await transport.close()
    if raw.status in (404, 410):
        return None
    try:
        found = json.loads(raw.body) if raw.status == 200 and len(raw.body) <= LARGEST else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Unreachable(f"{url} answered {raw.status} and no JSON object.", _REMEDY)
    return found
