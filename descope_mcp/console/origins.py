"""Under which address the pages are, and that forms come from them alone.

A page of another site can send forms here, and one under a name that points to this machine (DNS
rebinding) could read the answers. So each request names the host of one of our addresses, and a
form the same address as its origin (Fetch, `Origin` header); a browser that sends none has to say
that the page is from here (Fetch Metadata, `Sec-Fetch-Site`).
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.requests import Request


class Origins:
    """The addresses of the pages; the first is the one that is written."""

    def __init__(self, origins: Sequence[str]) -> None:
        self._by_host = {urlsplit(origin).netloc.lower(): origin.lower() for origin in origins}
        self.first = origins[0].lower()

    @property
    def secure(self) -> bool:
        """Whether they are reached over TLS."""
        return self.first.startswith("https:")

    @property
    def port(self) -> int:
        """The port that they are at."""
        parts = urlsplit(self.first)
        return parts.port or (443 if self.secure else 80)

    def of(self, request: Request) -> str | None:
        """The address that a request came to, None if it is none of these."""
        hosts = request.headers.getlist("host")
        return self._by_host.get(hosts[0].lower()) if len(hosts) == 1 else None

    def sent_from_here(self, request: Request) -> bool:
        """Whether a form is from one of our pages."""
        given = request.headers.getlist("origin")
        if not given:
            return request.headers.get("sec-fetch-site") == "same-origin"
        return len(given) == 1 and given[0].lower() == self.of(request)
