"""Which request is sent again, and when.

A read may be sent again after 429, the passing 5xx and lost connections. A change is sent again
only if it certainly did not run: no connection was made, or the service turned it away with 429,
or with 503 and a time to come back. After anything else it is unknown whether the change took
effect, and that is what is reported.
"""

from __future__ import annotations

import email.utils
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from descope_mcp.api.transport import RawAnswer

#: Answers that Descope's SDKs treat as passing: 503 and what its front sends for a lost origin.
PASSING = frozenset({503, 520, 521, 522, 524, 530})
#: Seconds before the second, third and fourth try.
PAUSES = (0.2, 1.0, 3.0)
#: A longer wait than this is the caller's to decide on.
LONGEST_WAIT = 20.0
#: No more than this is believed when the service says when to come back.
LONGEST_CLAIM = 24 * 3600.0


def delay(answer: RawAnswer, *, repeatable: bool, pause: float | None) -> float | None:
    """How long to wait before the request may be sent again; None: it may not."""
    if answer.status in (429, 503):
        wanted = retry_after(answer.headers)
        if wanted is not None:
            # "At once" is no time for anything to change in.
            return max(wanted, pause or 0.0)
        if answer.status == 429:
            return pause
    if answer.status in PASSING and repeatable:
        return pause
    return None


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds from the Retry-After header (RFC 9110, section 10.2.3), None without one."""
    value = headers.get("retry-after", "").strip()
    if value.isdecimal():
        return min(float(value), LONGEST_CLAIM)
    try:
        seconds = email.utils.parsedate_to_datetime(value).timestamp() - time.time()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(0.0, seconds), LONGEST_CLAIM)
