"""Tokens for machines that cannot sign in: made here, shown once, kept as a digest.

A token is ``dmcp_ID_SECRET``: the prefix is for scanners of source code, the id finds the row, and
the secret has 256 random bits, so that a plain SHA-256 of it cannot be guessed through.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from descope_mcp.store.integrity import signed_rows, witness
from descope_mcp.store.integrity.signed_rows import Book
from descope_mcp.store.integrity.witness import Head
from descope_mcp.store.journal import acts, hash_chain
from descope_mcp.store.store import Store
from descope_mcp.store.tables import tokens

PREFIX = "dmcp_"
_FORM = re.compile(r"dmcp_([0-9a-f]{12})_([0-9a-f]{64})")
#: A name for a caller, as on stdio.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")


@dataclass(frozen=True, slots=True)
class MachineToken:
    """What is known of a token; the token itself is not."""

    id: str
    name: str
    scopes: tuple[str, ...]
    claims: Mapping[str, tuple[str, ...]]
    created: float
    expires: float
    revoked: bool

    @property
    def usable(self) -> bool:
        """Whether it still lets anybody in."""
        return not self.revoked and self.expires > time.time()


def create(
    store: Store,
    name: str,
    scopes: Collection[str],
    seconds: float,
    claims: Mapping[str, Collection[str]] | None = None,
    *,
    by: str = "person",
    give: Callable[[str], object] = lambda token: None,
) -> tuple[MachineToken, str]:
    """A new token that counts for `seconds` from now, and the token itself, this once.

    Args:
        store: where it is kept as a digest.
        name: of who calls with it.
        scopes: what it is for.
        seconds: how long it counts.
        claims: what policy rules may know of it.
        by: who makes it, for the journal.
        give: takes the token to whoever is going to have it; where that fails, there is none.

    Raises:
        NotAsLeft: tokens are missing, or not as they were written.
        StoreError: it cannot be written.
    """
    identity, secret, now = secrets.token_hex(6), secrets.token_hex(32), time.time()
    with signed_rows.book(store) as book:
        made = book.insert(
            tokens,
            id=identity,
            name=name,
            scopes=" ".join(sorted(scopes)),
            claims=json.dumps({claim: list(values) for claim, values in (claims or {}).items()}),
            digest=_digest(secret),
            created=now,
            expires=now + seconds,
            revoked=False,
        )
        head, token = _recorded(book, store, "granted", made, by), f"{PREFIX}{identity}_{secret}"
        give(token)
    witness.advance(store, journal=head)
    return _token(made), token


def listed(store: Store) -> list[MachineToken]:
    """All tokens, newest first.

    Raises:
        NotAsLeft: some are missing, or not as they were written.
        StoreError: the store cannot be read.
    """
    with signed_rows.book(store) as book:
        found = [_token(row) for row in book.rows(tokens)]
    return sorted(found, key=lambda token: -token.created)


def revoke(store: Store, identity: str, *, by: str = "person") -> MachineToken | None:
    """End a token, and write down who did; None if there is none that still counts.

    Raises:
        NotAsLeft: tokens are missing, or not as they were written.
        StoreError: it cannot be written.
    """
    with signed_rows.book(store) as book:
        row = next((row for row in book.rows(tokens) if row.id == identity), None)
        if row is None or row.revoked:
            return None
        row = book.update(tokens, row, revoked=True)
        head = _recorded(book, store, "revoked", row, by)
    witness.advance(store, journal=head)
    return _token(row)


def find(store: Store, token: str) -> MachineToken | None:
    """What a token stands for; None if it was never made here, has expired or was revoked.

    Raises:
        NotAsLeft: tokens are missing, or not as they were written.
        StoreError: the store cannot be read, so it does not count.
    """
    parts = _FORM.fullmatch(token)
    # A store that nobody has made a token in is not made for somebody who guesses.
    if parts is None or store.is_new:
        return None
    identity, digest = parts[1], _digest(parts[2])
    # What proves all tokens takes a while, and is not done for somebody who guesses.
    if not store.database.glance(select(tokens.c.id).where(tokens.c.id == identity)):
        return None
    with signed_rows.book(store) as book:
        found = next((row for row in book.rows(tokens) if row.id == identity), None)
    if found is None or not hmac.compare_digest(found.digest, digest):
        return None
    known = _token(found)
    return known if known.usable else None


def stands(store: Store, known: MachineToken) -> bool:
    """Whether nobody has changed or ended a token since it was found; nobody is waited for.

    That it was not put back from an older copy is seen when it is looked for anew (`find`).

    Raises:
        StoreError: the store cannot be read.
    """
    rows = store.database.glance(select(tokens).where(tokens.c.id == known.id))
    return [_token(row) for row in rows] == [known] and known.usable


def _recorded(book: Book, store: Store, kind: acts.Kind, row: Row[Any], by: str) -> Head:
    about = f"token {row.id} for {row.name}: {row.scopes}"
    entry = acts.entry(kind, by=by, way="terminal", about=about)
    return hash_chain.append(book.connection, store, entry)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _token(row: Row[Any]) -> MachineToken:
    claims = {claim: tuple(values) for claim, values in json.loads(row.claims).items()}
    scopes = tuple(row.scopes.split())
    return MachineToken(
        row.id, row.name, scopes, claims, row.created, row.expires, bool(row.revoked)
    )
