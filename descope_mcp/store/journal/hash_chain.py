"""The chain of the journal: entries that nobody can change, add or take out without the key.

Every entry is signed together with the signature of the one before (HMAC-SHA256 over canonical
JSON). That the newest ones are still there is seen from a witness beside the key, which remembers
the last of them. It is written after the entry is on disk, so a process that dies in between
leaves it behind, never ahead. Once the chain does not reach up to it, it is not written any more:
later entries do not cover up what was removed.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, select

from descope_mcp.store.errors import StoreError
from descope_mcp.store.key import Key
from descope_mcp.store.private_files import private_file
from descope_mcp.store.store import Store
from descope_mcp.store.tables import details, journal

#: What the signature of an entry covers besides the one before it. The target may be forgotten;
#: the body has its signature.
_COVERED = ("seq", "call", "kind", "at", "project", "caller", "operation", "undoes", "body")

#: The newest entry: its number and signature.
Head = tuple[int, str]
#: What is witnessed before there is an entry, and what stands for a witness that says nothing.
_BEGINNING: Head = (0, "")
_NO_ENTRY: Head = (-1, "")


def canonical(value: object) -> str:
    """`value` as JSON that is the same wherever it is written."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=str)


def append(connection: Connection, store: Store, entry: Mapping[str, Any]) -> Head | None:
    """Add an entry at the end, within a transaction that holds the write lock.

    Returns:
        The new end, to be witnessed after the transaction; None if the end before it is not the
        one that was witnessed.

    Raises:
        StoreError: the key or the witness cannot be used.
    """
    last = connection.execute(
        select(journal.c.seq, journal.c.hash).order_by(journal.c.seq.desc()).limit(1)
    ).one_or_none()
    if last is None and not _witness_file(store).exists():
        # Before the first entry, so that a missing witness is never one not written yet.
        witness(store, _BEGINNING)
    seen = _witnessed(store) or _NO_ENTRY
    witnessed = select(journal.c.hash).where(journal.c.seq == seen[0])
    whole = seen == _BEGINNING or connection.execute(witnessed).scalar() == seen[1]
    seq, before = (last.seq + 1, last.hash) if last else (1, "")
    row = {**entry, "seq": seq}
    signature = store.key.sign(_signed(row, before))
    connection.execute(journal.insert().values(**row, hash=signature))
    return (seq, signature) if whole else None


def witness(store: Store, head: Head | None) -> None:
    """Remember the newest entry beside the key, after its transaction; it may lag behind.

    Does nothing if a newer one is remembered, or without a head.

    Raises:
        StoreError: it cannot be written.
    """
    seen = _witnessed(store)
    if head is None or (seen and seen[0] >= head[0]):
        return
    path = _witness_file(store)
    made = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with private_file(made).open("w", encoding="ascii") as file:
            file.write(f"{head[0]} {head[1]}\n")
            file.flush()
            os.fsync(file.fileno())
        made.replace(path)
    except OSError as error:
        made.unlink(missing_ok=True)
        raise StoreError(f"the file {path} cannot be written: {error.strerror}") from None


def problems(store: Store) -> tuple[int, str, list[str]]:
    """Check the chain from its beginning to the witness.

    Returns:
        How many entries there are, the signature of the last, and everything that is wrong.

    Raises:
        StoreError: the journal or the key cannot be read.
    """
    found: list[str] = []
    before, expected = "", 1
    signatures: dict[int, str] = {}
    # First, since others may be writing: what is witnessed is on disk before.
    seen = _witnessed(store)
    with store.database.begin() as connection:
        rows = connection.execute(select(journal).order_by(journal.c.seq)).all()
        kept = {row.call: row for row in connection.execute(select(details))}
    for row in rows:
        if row.seq != expected:
            found.append(f"entries {expected} to {row.seq - 1} are missing")
        if row.hash != store.key.sign(_signed(row._asdict(), before)):
            found.append(f"entry {row.seq} was changed, or what is before it")
        else:
            found += _detail_problems(store.key, row, kept.get(row.call))
        before, expected = row.hash, row.seq + 1
        signatures[row.seq] = row.hash
    if seen is None:
        if rows and not _witness_file(store).exists():
            found.append("the witness of the newest entry is missing")
    elif seen != _BEGINNING and signatures.get(seen[0]) != seen[1]:
        found.append(f"the end is missing or not the one that was written, up to entry {seen[0]}")
    return len(rows), before, found


def _signed(row: Mapping[str, Any], before: str) -> str:
    return canonical([before, *(row[name] for name in _COVERED)])


def _detail_problems(key: Key, row: Row[Any], kept: Row[Any] | None) -> Iterator[str]:
    """What is wrong with an entry's details, as far as they are not forgotten."""
    body = json.loads(row.body)
    if row.kind == "intent" and row.target and body["target"] != key.sign(row.target):
        yield f"the target of entry {row.seq} was changed"
    if kept is None:
        return
    name, sealed = ("details", kept.body) if row.kind == "intent" else ("undo", kept.undo)
    try:
        private = key.unseal(sealed) if sealed else ""
    except StoreError:
        private = None
    if private is None or body[name] != key.sign(private):
        yield f"the {name} of entry {row.seq} were changed"


def _witnessed(store: Store) -> Head | None:
    """What the witness remembers, None if it is missing; an entry of no chain if it is garbled."""
    path = _witness_file(store)
    if not path.exists():
        return None
    try:
        seq, _, signature = path.read_text(encoding="ascii").strip().partition(" ")
        return int(seq), signature
    except OSError as error:
        raise StoreError(f"the file {path} cannot be read: {error.strerror}") from None
    except ValueError:
        return _NO_ENTRY


def _witness_file(store: Store) -> Path:
    return store.key_file.with_name("journal-witness")
