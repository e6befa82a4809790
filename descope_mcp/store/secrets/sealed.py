"""Secrets from answers, kept encrypted under handles until they are needed or have expired.

What Descope shows only once stays until a person has revealed or forgotten it; all else is kept
for `LIFETIME`.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Connection, delete, or_, select, update

from descope_mcp.store.errors import StoreError
from descope_mcp.store.key import Key
from descope_mcp.store.secrets import emergency_copy
from descope_mcp.store.secrets.handle import Opened, Owner, Secret
from descope_mcp.store.store import Store
from descope_mcp.store.tables import sealed

#: Seconds for which a secret is kept that can be had again; traces of a revealed one as well.
LIFETIME = 24 * 3600.0
#: So many handles go into one statement.
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Kept:
    """A kept secret as it is listed; ``expires`` is None for one that waits for a person."""

    handle: str
    project: str
    caller: str
    operation: str
    field: str
    kind: str
    created: float
    expires: float | None
    revealed: float | None


def ready(store: Store) -> None:
    """Make sure that a secret can be kept, by keeping one: before a call that shows it only once.

    Raises:
        StoreError: it cannot; the call must not be sent.
    """
    emergency_copy.prepare(store.directory)
    row = _row(store.key, "-", Owner("", ""), Secret("", "", "", "x" * 4096))
    with store.database.begin() as connection:
        connection.execute(delete(sealed).where(sealed.c.handle == "-"))
        connection.execute(sealed.insert(), [row])
        connection.execute(delete(sealed).where(sealed.c.handle == "-"))


def keep(store: Store, owner: Owner, secrets: Mapping[str, Secret]) -> None:
    """Keep secrets by their handles, on disk when this returns.

    If the database fails, lasting ones are written to a file beside it (see `store.rescue`).

    Raises:
        StoreError: they could not be kept anywhere.
    """
    rows = [_row(store.key, h, owner, secret) for h, secret in secrets.items()]
    try:
        with _current(store) as connection:
            _insert(connection, rows)
    except (StoreError, OSError):
        lasting = [row for row in rows if row["expires"] is None]
        if not lasting:
            raise
        emergency_copy.save(store.directory, store.key, lasting)


def opened(store: Store, owner: Owner, handles: Collection[str]) -> dict[str, Opened]:
    """What those of the handles stand for that are the owner's, not expired and not revealed.

    Raises:
        StoreError: the store cannot be read, or was written with another key.
    """
    with _current(store) as connection:
        found = connection.execute(
            select(sealed.c.handle, sealed.c.kind, sealed.c.value).where(
                sealed.c.handle.in_(handles),
                sealed.c.project == owner.project,
                sealed.c.caller == owner.caller,
                sealed.c.revealed.is_(None),
            )
        ).all()
    return {row.handle: Opened(row.kind, store.key.unseal(row.value)) for row in found}


def kept(store: Store) -> list[Kept]:
    """Everything that is kept, the oldest first, and what was revealed of late.

    Raises:
        StoreError: the store cannot be read.
    """
    columns = [sealed.c[f.name] for f in fields(Kept)]
    with _current(store) as connection:
        found = connection.execute(select(*columns).order_by(sealed.c.created)).all()
    return [Kept(*row) for row in found]


@contextmanager
def revealing(store: Store, handle: str) -> Iterator[str]:
    """The value of a handle, to be shown to a person inside the context.

    It is gone when the context ends, and stays if the context fails. Nobody else gets it meanwhile.

    Raises:
        LookupError: there is no such handle, or it was revealed before.
        StoreError: the store cannot be used, or was written with another key.
    """
    mine = sealed.c.handle == handle
    with _current(store) as connection:
        value = connection.execute(
            select(sealed.c.value).where(mine, sealed.c.revealed.is_(None))
        ).scalar()
        if value is None:
            raise LookupError(handle)
        now = time.time()
        connection.execute(
            update(sealed).where(mine).values(value="", revealed=now, expires=now + LIFETIME)
        )
        yield store.key.unseal(value)
    store.database.scrub()


def forget(store: Store, handle: str) -> bool:
    """Delete a secret for good; False if there is none of that handle.

    Raises:
        StoreError: the store cannot be written.
    """
    with _current(store) as connection:
        deleted = connection.execute(delete(sealed).where(sealed.c.handle == handle)).rowcount
    store.database.scrub()
    return bool(deleted)


@contextmanager
def _current(store: Store) -> Iterator[Connection]:
    """A transaction in which what was rescued has been taken in and what has expired is gone."""
    with store.database.begin() as connection:
        files = list(emergency_copy.rescued(store.directory, store.key))
        for _, rows in files:
            _insert(connection, rows)
        connection.execute(delete(sealed).where(sealed.c.expires <= time.time()))
        yield connection
    for path, _ in files:
        # A file that stays is taken in again; that does no harm.
        with suppress(OSError):
            path.unlink()


def _insert(connection: Connection, rows: list[dict[str, Any]]) -> None:
    """Write rows over those of the same handles, but never a passing one over a lasting one."""
    for start in range(0, len(rows), _BATCH):
        batch = rows[start : start + _BATCH]
        same = sealed.c.handle.in_([row["handle"] for row in batch])
        passing = or_(sealed.c.expires.is_not(None), sealed.c.revealed.is_not(None))
        connection.execute(delete(sealed).where(same, passing))
        lasting = set(connection.execute(select(sealed.c.handle).where(same)).scalars())
        new = [row for row in batch if row["handle"] not in lasting]
        if new:
            connection.execute(sealed.insert(), new)


def _row(key: Key, handle: str, owner: Owner, secret: Secret) -> dict[str, Any]:
    now = time.time()
    return {
        "handle": handle,
        "project": owner.project,
        "caller": owner.caller,
        "operation": secret.operation,
        "field": secret.place,
        "kind": secret.kind,
        "value": key.seal(secret.value),
        "created": now,
        "expires": None if secret.lasting else now + LIFETIME,
        "revealed": None,
    }
