"""Secrets from answers, kept encrypted under handles until they are needed or have expired.

What Descope shows only once stays until a person has revealed or forgotten it; all else is kept
for `LIFETIME`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Connection, Row, delete, or_, select, update

from descope_mcp.store.errors import KeyChanged, StoreError
from descope_mcp.store.integrity import row_sums
from descope_mcp.store.key import Key
from descope_mcp.store.secrets import emergency_copy
from descope_mcp.store.secrets.handle import LIFETIME, Opened, Owner, Secret
from descope_mcp.store.store import Store
from descope_mcp.store.tables import sealed

log = logging.getLogger(__name__)

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
    with store.begin() as connection:
        connection.execute(delete(sealed).where(sealed.c.handle == "-"))
        connection.execute(sealed.insert(), [row])
        connection.execute(delete(sealed).where(sealed.c.handle == "-"))


def keep(store: Store, owner: Owner, secrets: Mapping[str, Secret]) -> None:
    """Keep secrets by their handles, on disk when this returns.

    If the database fails, lasting ones are written to a file beside it (see `store.rescue`).

    Raises:
        StoreError: they could not be kept anywhere.
    """
    try:
        _keep(store, owner, secrets)
    except KeyChanged:
        _keep(store, owner, secrets)


def _keep(store: Store, owner: Owner, secrets: Mapping[str, Secret]) -> None:
    rows = [_row(store.key, h, owner, secret) for h, secret in secrets.items()]
    try:
        with _current(store) as connection:
            _insert(connection, rows)
    except KeyChanged:
        raise
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
        mine = select(sealed).where(
            sealed.c.handle.in_(handles),
            sealed.c.project == owner.project,
            sealed.c.caller == owner.caller,
            sealed.c.revealed.is_(None),
        )
        found = [row for row in connection.execute(mine).all() if _genuine(store, row)]
    return {row.handle: Opened(row.kind, store.key.unseal(row.value)) for row in found}


def kept(store: Store) -> list[Kept]:
    """Everything that is kept, the oldest first, and what was revealed of late.

    Raises:
        StoreError: the store cannot be read.
    """
    with _current(store) as connection:
        rows = connection.execute(select(sealed).order_by(sealed.c.created)).all()
        found = [row for row in rows if _genuine(store, row)]
    return [Kept(*(row._mapping[f.name] for f in fields(Kept))) for row in found]


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
        row = connection.execute(
            select(sealed).where(mine, sealed.c.revealed.is_(None))
        ).one_or_none()
        if row is None or not _genuine(store, row):
            raise LookupError(handle)
        now = time.time()
        after = {**row._mapping, "value": "", "revealed": now, "expires": now + LIFETIME}
        connection.execute(update(sealed).where(mine).values(_signed(store.key, after)))
        yield store.key.unseal(row.value)
    _scrub(store)


def forget(store: Store, handle: str) -> bool:
    """Delete a secret for good; False if there is none of that handle.

    Raises:
        StoreError: the store cannot be written.
    """
    with _current(store) as connection:
        deleted = connection.execute(delete(sealed).where(sealed.c.handle == handle)).rowcount
    _scrub(store)
    return bool(deleted)


def _scrub(store: Store) -> None:
    """Overwrite what was deleted; where that fails it is deleted all the same, and the log says so.

    An error would be taken for one before the deletion, after which the secret is still there.
    """
    try:
        store.database.scrub()
    except StoreError as error:
        log.warning(
            "A secret was deleted, but what it was encrypted to is not overwritten yet: %s. The "
            "next deletion or checkpoint does it; see that the disk has room and can be written.",
            error,
        )


@contextmanager
def _current(store: Store) -> Iterator[Connection]:
    """A transaction in which what was rescued has been taken in and what has expired is gone."""
    with store.begin() as connection:
        files = list(emergency_copy.rescued(store.directory, store.key))
        for _, rows in files:
            _insert(connection, [_signed(store.key, row) for row in rows])
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
    row = {
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
    return _signed(key, row)


def _signed(key: Key, row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "signature": row_sums.signed(key, sealed, row)}


def _genuine(store: Store, row: Row[Any]) -> bool:
    """Whether a secret is as it was kept; one that is not is absent, and reported."""
    if row.signature == row_sums.signed(store.key, sealed, row._mapping):
        return True
    store.report("a kept secret was changed from outside and does not count")
    return False
