"""Counting towards the caps of the policy."""

from __future__ import annotations

import time

from descope_mcp.store import signed_rows
from descope_mcp.store.store import Store
from descope_mcp.store.tables import usage


def take(
    store: Store,
    *,
    project: str,
    rule: str,
    items: int,
    seconds: float,
    most_calls: int | None,
    most_items: int | None,
    count: bool = True,
) -> bool:
    """Count one call of `items` items, unless it would pass a cap of the last `seconds`.

    Args:
        store: where.
        project: counted apart from others.
        rule: whose cap it is.
        items: how many things the call affects.
        seconds: how long a call counts.
        most_calls: calls within that time; None for any number.
        most_items: items within that time; None for any number.
        count: False only asks whether it would be counted now.

    Returns:
        True if it was counted, or would be; False if a cap is reached.

    Raises:
        NotAsLeft: counts are missing.
        StoreError: it cannot be counted, so it must not run.
    """
    now = time.time()
    with signed_rows.book(store) as book:
        rows = book.rows(usage, project=project, rule=rule)
        for row in rows:
            if row.at <= now - seconds:
                book.delete(usage, row)
        counted = [row._mapping["items"] for row in rows if row.at > now - seconds]
        if most_calls is not None and len(counted) + 1 > most_calls:
            return False
        if most_items is not None and sum(counted) + items > most_items:
            return False
        if count:
            book.insert(usage, project=project, rule=rule, at=now, items=items)
    return True
