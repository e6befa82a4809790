"""Counting towards the caps of the policy."""

from __future__ import annotations

import time

from sqlalchemy import delete, func, select

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
        StoreError: it cannot be counted, so it must not run.
    """
    now = time.time()
    mine = (usage.c.project == project, usage.c.rule == rule)
    with store.database.begin() as connection:
        connection.execute(delete(usage).where(*mine, usage.c.at <= now - seconds))
        calls, sum_ = connection.execute(
            select(func.count(), func.coalesce(func.sum(usage.c["items"]), 0)).where(*mine)
        ).one()
        if most_calls is not None and calls + 1 > most_calls:
            return False
        if most_items is not None and sum_ + items > most_items:
            return False
        if count:
            values = {"project": project, "rule": rule, "at": now, "items": items}
            connection.execute(usage.insert().values(**values))
    return True
