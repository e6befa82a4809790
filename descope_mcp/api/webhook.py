"""One message to a URL that somebody has named, and whether it was taken."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

import anyio
import httpx

from descope_mcp.api import proxies
from descope_mcp.api.errors import Unreachable
from descope_mcp.api.transport import certificates

#: Seconds for all of it.
PATIENCE = 10.0


async def post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """Post JSON; redirects are not followed, and of the answer only the status is read.

    Raises:
        Unreachable: nothing answers in time. The text says why, and nothing of the URL.
    """
    parts = urlsplit(url)
    host, secure = parts.hostname or "", parts.scheme == "https"
    proxy = proxies.chosen(host, parts.port or 443) if secure else None
    try:
        with anyio.fail_after(PATIENCE):
            async with (
                httpx.AsyncClient(
                    proxy=proxy.url if proxy else None,
                    verify=certificates() if secure else False,
                    trust_env=False,
                    follow_redirects=False,
                    timeout=PATIENCE,
                ) as client,
                client.stream(
                    "POST",
                    url,
                    content=body,
                    headers={"content-type": "application/json", **headers},
                ) as response,
            ):
                return response.status_code
    except TimeoutError:
        raise Unreachable(f"No answer within {PATIENCE:.0f} s.", "") from None
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise Unreachable(f"No answer ({type(error).__name__}).", "") from None
