"""Counting towards the caps of the policy."""

from __future__ import annotations

import time

from descope_mcp.store.integrity import signed_rows
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
    calls: int = 1,
) -> bool:
    """Count calls of `items` items in all, unless they would pass a cap of the last `seconds`.

    Args:
        store: where.
        project: counted apart from others.
        rule: whose cap it is.
        items: how many things they affect.
        seconds: how long a call counts.
        most_calls: calls within that time; None for any number.
        most_items: items within that time; None for any number.
        count: False only asks whether they would be counted now.
        calls: how many there are.

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
        if most_calls is not None and len(counted) + calls > most_calls:
            return False
        if most_items is not None and sum(counted) + items > most_items:
            return False
        for number in range(calls if count else 0):
            # The first stands for what all of them affect.
            affected = 0 if number else items
            book.insert(usage, project=project, rule=rule, at=now, items=affected)
    return True


def wait(
    store: Store,
    *,
    project: str,
    rule: str,
    items: int,
    seconds: float,
    most_calls: int | None,
    most_items: int | None,
) -> float:
    """In how many seconds a call would be counted that now is not; 0 if it never would be.

    The arguments are those of `take`.

    Raises:
        NotAsLeft: counts are missing.
        StoreError: they cannot be read.
    """
    if (most_items is not None and items > most_items) or most_calls == 0:
        return 0.0
    now = time.time()
    with signed_rows.book(store) as book:
        rows = book.rows(usage, project=project, rule=rule)
    counting = sorted((row.at, row._mapping["items"]) for row in rows if row.at > now - seconds)
    for gone in range(len(counting) + 1):
        left = counting[gone:]
        calls_fit = most_calls is None or len(left) + 1 <= most_calls
        items_fit = most_items is None or sum(n for _, n in left) + items <= most_items
        if calls_fit and items_fit:
            return max(1.0, counting[gone - 1][0] + seconds - now) if gone else 1.0
    return 0.0
