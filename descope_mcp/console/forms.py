"""Forms: a bounded number of short fields, sent in a bounded time."""

from __future__ import annotations

from urllib.parse import parse_qsl

import anyio
from starlette.requests import Request

_LARGEST, _MOST_FIELDS, _SECONDS = 32 * 1024, 40, 10.0
_TYPE = "application/x-www-form-urlencoded"


class NotAForm(Exception):
    """What was sent is no form that a page of ours has."""


async def fields(request: Request) -> dict[str, str]:
    """The fields of a form, each once.

    Raises:
        NotAForm: it is none, too large or too slow.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _TYPE:
        raise NotAForm
    body = b""
    try:
        with anyio.fail_after(_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > _LARGEST:
                    raise NotAForm
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            max_num_fields=_MOST_FIELDS,
            errors="strict",
        )
    except (TimeoutError, ValueError):
        raise NotAForm from None
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotAForm
    return found
