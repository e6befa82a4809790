"""How much of Descope's rate limit is left, as far as its answers say so.

Descope documents `Retry-After` alone. What is left is read where an answer names it, in the
headers that fronts commonly send or that of the IETF's draft (`RateLimit: "name";r=49;t=30`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from descope_mcp.api.retry import retry_after
from descope_mcp.telemetry import stages

_PLAIN = ("ratelimit-remaining", "x-ratelimit-remaining", "x-rate-limit-remaining")
_DRAFT = re.compile(r";\s*r=(\d{1,9})\b")


def tell(status: int, headers: Mapping[str, str]) -> None:
    """Tell metrics what an answer says of the limit."""
    if not stages.are_told():
        return
    left = remaining(headers)
    if left is not None:
        stages.measured("headroom", left)
    wanted = retry_after(headers) if status == 429 else None
    if wanted is not None:
        stages.measured("come_back", wanted)


def remaining(headers: Mapping[str, str]) -> int | None:
    """How many requests are left, of several limits the least; None if no header says so."""
    plain = [headers.get(name, "").strip() for name in _PLAIN]
    found = [value for value in plain if value.isdecimal() and len(value) < 10]
    found += _DRAFT.findall(headers.get("ratelimit", ""))
    return min(map(int, found), default=None)
