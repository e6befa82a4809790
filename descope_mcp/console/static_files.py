"""The files that are the same for everybody: a browser keeps them as long as they are the same."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources

from starlette.requests import Request
from starlette.responses import Response

#: By name, what each is.
FILES = {
    "console.css": "text/css; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
    "manifest.webmanifest": "application/manifest+json",
}
#: Of what is asked for as it is now; another content has another address.
_KEPT = "private, max-age=31536000, immutable"


def address(name: str) -> str:
    """The file below the pages, with what tells this content from another."""
    return f"{name}?{hashlib.blake2b(_content(name), digest_size=6).hexdigest()}"


async def sent(request: Request) -> Response:
    """The file that a request names."""
    name = request.url.path.rpartition("/")[2]
    asked = f"{name}?{request.url.query}"
    headers = {"Cache-Control": _KEPT} if asked == address(name) else {}
    return Response(_content(name), media_type=FILES[name], headers=headers)


@cache
def _content(name: str) -> bytes:
    return resources.files(__package__).joinpath("static", name).read_bytes()
