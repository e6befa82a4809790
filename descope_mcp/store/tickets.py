"""What a browser holds the secret of: a session, a sign-in, a link or a question that counts once.

The secret has 256 random bits and is kept as its SHA-256. What belongs to it is sealed with the key
of the store: whoever writes the database makes none, and whoever reads it learns nothing.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Mapping
from typing import Any, Literal

from sqlalchemy import delete, insert, select, update

from descope_mcp.store.errors import StoreError
from descope_mcp.store.store import Store
from descope_mcp.store.tables import tickets

#: What a ticket is for; one for another purpose is none.
Kind = Literal["session", "sign-in", "link", "undo"]


def issue(store: Store, kind: Kind, content: Mapping[str, Any], expires: float) -> str:
    """A new ticket that counts until `expires` (epoch seconds); its secret, this once.

    Raises:
        StoreError: it cannot be kept.
    """
    secret, now = secrets.token_urlsafe(32), time.time()
    identity = _identity(secret)
    sealed = _sealed(store, identity, kind, content, expires)
    with store.begin() as connection:
        connection.execute(delete(tickets).where(tickets.c.expires <= now))
        connection.execute(insert(tickets).values(id=identity, content=sealed, expires=expires))
    return secret


def find(store: Store, kind: Kind, secret: str) -> dict[str, Any] | None:
    """What belongs to a ticket; None if it is none, or counts no more.

    Raises:
        StoreError: the store cannot be read.
    """
    # A store that nobody has signed in to is not made for somebody who guesses.
    if not secret or store.is_new:
        return None
    identity = _identity(secret)
    with store.begin() as connection:
        found = connection.execute(select(tickets).where(tickets.c.id == identity)).one_or_none()
    return _opened(store, identity, kind, found.content) if found else None


def renew(
    store: Store, kind: Kind, secret: str, content: Mapping[str, Any], expires: float
) -> bool:
    """Let a ticket hold something else, until then; False if it was ended meanwhile.

    Raises:
        StoreError: it cannot be written.
    """
    identity = _identity(secret)
    sealed = _sealed(store, identity, kind, content, expires)
    with store.begin() as connection:
        mine = tickets.c.id == identity
        changed = connection.execute(
            update(tickets).where(mine).values(content=sealed, expires=expires)
        )
    return changed.rowcount == 1


def take(store: Store, kind: Kind, secret: str) -> dict[str, Any] | None:
    """What belongs to a ticket, which is none from now on: of several who take it one has it.

    Raises:
        StoreError: it cannot be taken, so that it does not count.
    """
    if not secret or store.is_new:
        return None
    identity = _identity(secret)
    with store.begin() as connection:
        taken = connection.execute(
            delete(tickets).where(tickets.c.id == identity).returning(tickets.c.content)
        ).one_or_none()
    return _opened(store, identity, kind, taken.content) if taken else None


def _identity(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def _sealed(
    store: Store, identity: str, kind: Kind, content: Mapping[str, Any], expires: float
) -> str:
    # What a row says is sealed with it, so that no row can take the place of another.
    return store.key.seal(json.dumps([identity, kind, expires, content]))


def _opened(store: Store, identity: str, kind: Kind, sealed: str) -> dict[str, Any] | None:
    try:
        whose, what, expires, content = json.loads(store.key.unseal(sealed))
    except StoreError:
        return None  # of an earlier key, or nothing that was made here
    counts = (whose, what) == (identity, kind) and expires > time.time()
    return content if counts and isinstance(content, dict) else None
