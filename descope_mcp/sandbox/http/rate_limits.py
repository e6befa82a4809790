"""The rate limits that Descope documents, for one client. Off unless they are asked for."""

from __future__ import annotations

import math
import re
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from descope_mcp.sandbox.engine.errors import RATE_LIMIT, DescopeError

Endpoint = Callable[[Request], Awaitable[Response]]


class Limit(NamedTuple):
    """At most `calls` in `seconds` to the paths that match."""

    paths: re.Pattern[str]
    calls: int
    seconds: int


_CREATING_USERS = Limit(re.compile(r"/v\d/mgmt/user/create(/batch)?"), 100, 60)
_USERS = Limit(re.compile(r"/v\d/mgmt/user/.*"), 500, 60)
_AUDIT = Limit(re.compile(r"/v\d/mgmt/audit/search"), 10, 60)
_BACKEND = Limit(re.compile(r".*"), 1000, 10)
_FRONT_END = Limit(re.compile(r".*"), 100, 60)


def limits(path: str, schemes: Sequence[str]) -> list[Limit]:
    """The limits that count calls of one operation."""
    general = _BACKEND if {"management_key", "access_key"} & set(schemes) else _FRONT_END
    own = [one for one in (_CREATING_USERS, _USERS, _AUDIT) if one.paths.fullmatch(path)]
    return [*own, general]


@dataclass(slots=True)
class RateLimits:
    """When the latest calls were that each limit counts."""

    clock: Callable[[], float]
    on: bool = False
    calls: defaultdict[Limit, deque[float]] = field(default_factory=lambda: defaultdict(deque))

    def wait(self, counted: Sequence[Limit]) -> int:
        """Seconds until one more call may be made; with 0 it is counted as made."""
        now = self.clock()
        for limit in counted:
            calls = self.calls[limit]
            while calls and calls[0] <= now - limit.seconds:
                calls.popleft()
            if len(calls) >= limit.calls:
                return math.ceil(calls[0] + limit.seconds - now)
        for limit in counted:
            self.calls[limit].append(now)
        return 0

    def around(self, path: str, schemes: Sequence[str], endpoint: Endpoint) -> Endpoint:
        """`endpoint`, refused with E130429 when there were too many calls."""
        counted = limits(path, schemes)

        async def limited(request: Request) -> Response:
            seconds = self.wait(counted) if self.on else 0
            if not seconds:
                return await endpoint(request)
            headers = {"Retry-After": str(seconds)}
            return JSONResponse(DescopeError(RATE_LIMIT).body(), RATE_LIMIT.status, headers)

        return limited
