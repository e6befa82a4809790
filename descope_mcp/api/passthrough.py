"""Requests of somebody else, sent on as they are: no retries, no reading of answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import httpx

from descope_mcp.api import proxies
from descope_mcp.api.connection_failures import reason
from descope_mcp.api.transport import LARGEST_ANSWER, certificates

#: Method, path with query, headers and body; gives status, headers and body.
Send = Callable[
    [str, str, Mapping[str, str], bytes], Awaitable[tuple[int, Mapping[str, str], bytes]]
]


@asynccontextmanager
async def passthrough(base_url: str, seconds: float) -> AsyncIterator[Send]:
    """What sends requests on to `base_url`. No cookies are kept and no redirect is followed.

    It raises ConnectionError where there is no answer within so many seconds, or one that is
    larger than LARGEST_ANSWER.

    Raises:
        Unreachable: the proxy or the certificates that the environment names cannot be used.
    """
    url = httpx.URL(base_url)
    secure = url.scheme == "https"
    proxy = proxies.chosen(url.host, url.port or 443) if secure else None
    async with httpx.AsyncClient(
        base_url=base_url.rstrip("/"),
        timeout=seconds,
        follow_redirects=False,
        proxy=proxy.url if proxy else None,
        verify=certificates() if secure else False,
        trust_env=False,
    ) as client:

        async def send(
            method: str, path: str, headers: Mapping[str, str], body: bytes
        ) -> tuple[int, Mapping[str, str], bytes]:
            try:
                answer = await client.request(method, path, headers=dict(headers), content=body)
            except httpx.HTTPError as error:
                raise ConnectionError(f"No answer from {url.host} ({reason(error)})") from None
            finally:
                client.cookies.clear()
            if len(answer.content) > LARGEST_ANSWER:
                raise ConnectionError(f"The answer of {url.host} is too large")
            return answer.status_code, answer.headers, answer.content

        yield send
