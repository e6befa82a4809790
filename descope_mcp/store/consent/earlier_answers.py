"""What people said of the same change before, of which a later call hears.

The bindings of requests for one change begin alike (`guard.consent.confirmation.OF_CALL`), by
whatever name it was called and whatever it hit at that time.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Any

from sqlalchemy import Row, func

from descope_mcp.store.consent.approvals import USABLE, is_any, those
from descope_mcp.store.consent.request import Request, as_request
from descope_mcp.store.integrity import signed_rows
from descope_mcp.store.store import Store
from descope_mcp.store.tables import approvals

#: What a request is once a person has said no, and once they have said anything.
_DENIED = ("denied", "revoked")
_ANSWERED = (*_DENIED, "approved", "used")


def denial(store: Store, beginnings: Collection[str], seconds: float) -> Request | None:
    """The newest request that a person denied or revoked within the last `seconds`.

    Of those whose bindings begin so, if nobody has approved one that begins alike since. All of
    `beginnings` have one length.

    Raises:
        StoreError: it cannot be told.
    """
    since, common = time.time() - seconds, max(map(len, beginnings), default=0)
    alike = func.substr(approvals.c.binding, 1, common).in_(beginnings)
    if not is_any(store, alike):
        return None
    with signed_rows.book(store) as book:
        rows = [row for row in those(book, alike) if row.status in _ANSWERED]
    last = {row.binding[:common]: row for row in sorted(rows, key=_answered)}
    denied = [row for row in last.values() if row.status in _DENIED and row.expires > since]
    return as_request(max(denied, key=_answered)) if denied else None


def outdated(store: Store, binding: str, common: int) -> Request | None:
    """The newest approval of the same call as things were before: it no longer counts.

    The bindings of one call have their first `common` characters in common.

    Raises:
        StoreError: it cannot be told.
    """
    alike = approvals.c.binding.startswith(binding[:common], autoescape=True)
    with signed_rows.book(store) as book:
        rows = those(book, alike, approvals.c.binding != binding, approvals.c.status == "approved")
        found = [as_request(row) for row in reversed(rows)]
    return next((one for one in found if one.status == "approved"), None)


def _answered(row: Row[Any]) -> float:
    """When a request was answered for good."""
    return float(row.expires if row.status in _DENIED else row.expires - USABLE)
