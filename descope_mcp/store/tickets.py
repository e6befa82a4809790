"""What a browser holds the secret of: a session, a link or a question that counts once.

The secret has 256 random bits and is kept as its SHA-256. It is signed, so that whoever guesses is
turned away without a look into the database. What belongs to it is sealed with the key of the
store: whoever writes the database makes none, and whoever reads it learns nothing.
"""

from __future__ import annotations

import hashlib
import hmac
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
Kind = Literal["session", "link", "undo"]
_SIGNATURE = 32


def issue(store: Store, kind: Kind, content: Mapping[str, Any], expires: float) -> str:
    """A new ticket that counts until `expires` (epoch seconds); its secret, this once.

    Raises:
        StoreError: it cannot be kept.
    """
    bare, now = secrets.token_urlsafe(32), time.time()
    secret = f"{bare}{_signature(store, bare)}"
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
    if not _is_ours(store, secret):
        return None
    identity = _identity(secret)
    with store.begin() as connection:
        found = connection.execute(select(tickets).where(tickets.c.id == identity)).one_or_none()
    return _opened(store, identity, kind, found.content) if found else None


def renew(
    store: Store, kind: Kind, secret: str, changes: Mapping[str, Any], expires: float
) -> dict[str, Any] | None:
    """Change some of what belongs to a ticket, and until when it counts.

    Returns:
        All of it; None if the ticket was ended meanwhile.

    Raises:
        StoreError: it cannot be written.
    """
    identity = _identity(secret)
    mine = tickets.c.id == identity
    with store.begin() as connection:
        found = connection.execute(select(tickets).where(mine)).one_or_none()
        content = _opened(store, identity, kind, found.content) if found else None
        if content is None:
            return None
        content |= changes
        sealed = _sealed(store, identity, kind, content, expires)
        connection.execute(update(tickets).where(mine).values(content=sealed, expires=expires))
    return content


def take(store: Store, kind: Kind, secret: str) -> dict[str, Any] | None:
    """What belongs to a ticket, which is none from now on: of several who take it one has it.

    Raises:
        StoreError: it cannot be taken, so that it does not count.
    """
    if not _is_ours(store, secret):
        return None
    identity = _identity(secret)
    with store.begin() as connection:
        taken = connection.execute(
            delete(tickets).where(tickets.c.id == identity).returning(tickets.c.content)
        ).one_or_none()
    return _opened(store, identity, kind, taken.content) if taken else None


def _is_ours(store: Store, secret: str) -> bool:
    """Whether a secret was made here at all."""
    # A store that nobody has signed in to is not made for somebody who guesses.
    if len(secret) <= _SIGNATURE or store.is_new:
        return False
    bare, signature = secret[:-_SIGNATURE], secret[-_SIGNATURE:]
    return hmac.compare_digest(signature.encode(), _signature(store, bare).encode())


def _signature(store: Store, bare: str) -> str:
    return store.key.sign_row(f"ticket {bare}")[:_SIGNATURE]


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
