"""What a person allowed ahead: an operation, with arguments like these, so often, until then."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import Row, select, update

from descope_mcp.store.store import Store
from descope_mcp.store.tables import grants


@dataclass(frozen=True, slots=True)
class Grant:
    """A permission given ahead. ``arguments`` are globs by path; `left` of `items` remain."""

    id: int
    project: str
    operation: str
    arguments: dict[str, str]
    items: int
    left: int
    created: float
    expires: float
    revoked: bool

    @property
    def usable(self) -> bool:
        """Whether it still allows anything."""
        return not self.revoked and self.left > 0 and self.expires > time.time()


def create(
    store: Store,
    *,
    project: str,
    operation: str,
    arguments: Mapping[str, str],
    items: int,
    seconds: float,
) -> Grant:
    """A new grant, for `items` items within `seconds` from now."""
    now = time.time()
    with store.database.begin() as connection:
        made = grants.insert().values(
            project=project,
            operation=operation,
            arguments=json.dumps(dict(arguments), sort_keys=True),
            items=items,
            left=items,
            created=now,
            expires=now + seconds,
            revoked=False,
        )
        return _grant(connection.execute(made.returning(grants)).one())


def listed(store: Store, project: str = "") -> list[Grant]:
    """All grants, newest first."""
    rows = select(grants).order_by(grants.c.id.desc())
    rows = rows.where(grants.c.project == project) if project else rows
    with store.database.begin() as connection:
        return [_grant(row) for row in connection.execute(rows)]


def revoke(store: Store, grant: int) -> bool:
    """End a grant; False if there is none, or it has ended."""
    with store.database.begin() as connection:
        ended = connection.execute(
            update(grants)
            .where(grants.c.id == grant, grants.c.revoked.is_(False))
            .values(revoked=True)
        )
    return ended.rowcount == 1


def consume(
    store: Store, *, project: str, operation: str, items: int, fits: Callable[[Grant], bool]
) -> int:
    """Take `items` from a grant that fits; its id, or 0 if none does.

    Raises:
        StoreError: it cannot be recorded, so it must not count.
    """
    with store.database.begin() as connection:
        rows = connection.execute(
            select(grants)
            .where(grants.c.project == project, grants.c.operation == operation)
            .order_by(grants.c.expires)
        )
        for grant in map(_grant, rows.all()):
            if grant.usable and grant.left >= items and fits(grant):
                connection.execute(
                    update(grants).where(grants.c.id == grant.id).values(left=grant.left - items)
                )
                return grant.id
    return 0


def _grant(row: Row[tuple[object, ...]]) -> Grant:
    fields = dict(row._mapping)
    return Grant(**{**fields, "arguments": json.loads(str(fields["arguments"]))})
