"""The ledger: what the signed rows sum up to, signed itself, and counted up by every change."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select

from descope_mcp.store.databases.standing import Standing
from descope_mcp.store.errors import NotAsLeft
from descope_mcp.store.integrity.witness import BEGINNING, Head, Witness
from descope_mcp.store.key import Key
from descope_mcp.store.tables import ledger


def proven(
    row: Standing | Row[Any] | None, key: Key, seen: Witness | None
) -> tuple[int, dict[str, Any]]:
    """The number and the content of a ledger that is the one that was written last.

    Raises:
        NotAsLeft: it is not.
    """
    if row is None:
        raise NotAsLeft("the ledger of approvals, grants, caps and the second factor is missing")
    if row.signature != _signature(key, row.generation, row.content):
        raise NotAsLeft("the ledger of approvals, grants, caps and the second factor was changed")
    if seen is None:
        raise NotAsLeft("the witness beside the key is missing")
    generation, signature = seen.ledger
    if row.generation < generation or (row.generation == generation and row.signature != signature):
        raise NotAsLeft("approvals, grants, counts and the second factor are an older copy")
    content = json.loads(row.content)
    found = content.get("store")
    if found and seen.store and found != seen.store:
        raise NotAsLeft("another store lies in its place")
    return row.generation, content


def read(connection: Connection, key: Key, seen: Witness | None) -> tuple[int, dict[str, Any]]:
    """The same of the ledger as it stands."""
    return proven(connection.execute(select(ledger)).one_or_none(), key, seen)


def unproven(connection: Connection) -> tuple[int, dict[str, Any]]:
    """The number and the content of the ledger as it stands, whoever wrote it."""
    row = connection.execute(select(ledger)).one()
    return row.generation, json.loads(row.content)


def store_id(connection: Connection) -> str:
    """What tells the store from others with the same key, unproven; "" if it has no such id."""
    content = connection.execute(select(ledger.c.content)).scalar()
    return str(json.loads(content).get("store", "")) if content else ""


def key_id(connection: Connection) -> str | None:
    """The id of the key that has signed it, unproven; None of a store that nobody has signed."""
    named: str | None = connection.execute(select(ledger.c.key)).scalar()
    return named


def head(connection: Connection) -> Head:
    """The newest ledger."""
    row = connection.execute(select(ledger.c.generation, ledger.c.signature)).one_or_none()
    return (row.generation, row.signature) if row else BEGINNING


def write(connection: Connection, key: Key, generation: int, content: Mapping[str, Any]) -> Head:
    """Put a ledger in the place of the one before; its head."""
    text = json.dumps(content, sort_keys=True)
    signature = _signature(key, generation, text)
    connection.execute(delete(ledger))
    connection.execute(
        insert(ledger).values(
            id=1, generation=generation, content=text, key=key.id, signature=signature
        )
    )
    return generation, signature


def _signature(key: Key, generation: int, content: str) -> str:
    return key.sign_row(json.dumps(["ledger", generation, content, key.id]))
