"""The chain of the journal: entries that nobody can change, add or take out without the key.

Every entry is signed together with the signature of the one before (HMAC-SHA256 over canonical
JSON). That the newest ones are still there is seen from the witness beside the key. Once the chain
does not reach up to it, nothing new is sent, and the witness is not written any more: later entries
do not cover up what was removed, until a person has accepted it (see `store.acceptance`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Executable, Row, select

from descope_mcp.store.databases.standing import standing
from descope_mcp.store.errors import NotAsLeft, StoreError
from descope_mcp.store.integrity import ledger, signed_rows, witness
from descope_mcp.store.integrity.witness import BEGINNING, Head, Witness
from descope_mcp.store.key import Key
from descope_mcp.store.tables import details, journal

if TYPE_CHECKING:
    from descope_mcp.store.store import Store

#: What the signature of an entry covers besides the one before it. The target may be forgotten;
#: the body has its signature.
_COVERED = ("seq", "call", "kind", "at", "project", "caller", "operation", "undoes", "body")


#: The kind of the entry with which a person accepts what is wrong before it.
ACCEPTED = "accepted"


def canonical(value: object) -> str:
    """`value` as JSON that is the same wherever it is written."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=str)


def append(connection: Connection, store: Store, entry: Mapping[str, Any]) -> Head:
    """Add an entry at the end, within a transaction that has not written one yet.

    Returns:
        The new end, to be witnessed after the transaction.

    Raises:
        NotAsLeft: the end before it is not the one that was witnessed, or signed rows are missing.
        StoreError: the key or the witness cannot be used.
    """
    head, adding = following(connection, store, entry)
    connection.execute(adding)
    return head


def following(
    connection: Connection, store: Store, entry: Mapping[str, Any]
) -> tuple[Head, Executable]:
    """What adds an entry at the end, within a transaction that has not written one yet.

    Returns:
        The new end, to be witnessed after the transaction, and the statement.

    Raises:
        NotAsLeft: the end before it is not the one that was witnessed, or signed rows are missing.
        StoreError: the key or the witness cannot be used.
    """
    seen, now = witness.read(store.witness_file), standing(connection)
    end = BEGINNING if now.seq is None else (now.seq, now.hash)
    # Mostly the end is the one that was witnessed.
    if not (seen and end == seen.journal) and (missing := _missing_end(connection, seen)):
        raise NotAsLeft(missing)
    ledger.proven(now if now.key is not None else None, store.key, seen)
    return _next(store.key, entry, end)


def anyhow(connection: Connection, key: Key, entry: Mapping[str, Any]) -> tuple[Head, Executable]:
    """As `following`, whatever is missing before the entry."""
    return _next(key, entry, _end(connection))


def put(connection: Connection, key: Key, entry: Mapping[str, Any], *, after: int) -> Head:
    """Add an entry at the end, whatever is missing before it; its number is above `after`."""
    head, adding = _next(key, entry, _end(connection), after)
    connection.execute(adding)
    return head


def _end(connection: Connection) -> Head:
    last = connection.execute(
        select(journal.c.seq, journal.c.hash).order_by(journal.c.seq.desc()).limit(1)
    ).one_or_none()
    return (last.seq, last.hash) if last else BEGINNING


def _next(key: Key, entry: Mapping[str, Any], end: Head, after: int = 0) -> tuple[Head, Executable]:
    seq, before = end
    row = {**entry, "seq": max(seq, after) + 1}
    signed = signature(key, row, before)
    return (row["seq"], signed), journal.insert().values(**row, hash=signed)


def signature(key: Key, row: Mapping[Any, Any], before: str) -> str:
    """The signature of an entry that follows the one with the signature `before`."""
    return key.sign(_signed(row, before))


def begun_with(key: Key, connection: Connection) -> bool:
    """Whether the first entry of a journal was signed with this key."""
    first = connection.execute(select(journal).order_by(journal.c.seq).limit(1)).one()
    return bool(first.hash == signature(key, first._mapping, BEGINNING[1]))


def genuine(connection: Connection, key: Key, row: Row[Any]) -> bool:
    """Whether an entry is as it was written, after the one that stands before it now."""
    before = connection.execute(
        select(journal.c.hash)
        .where(journal.c.seq < row.seq)
        .order_by(journal.c.seq.desc())
        .limit(1)
    ).scalar()
    return bool(row.hash == signature(key, row._mapping, before or BEGINNING[1]))


def genuine_end(connection: Connection, key: Key) -> Head:
    """The end of the journal.

    Raises:
        NotAsLeft: it was not signed with this key.
    """
    last = connection.execute(select(journal).order_by(journal.c.seq.desc()).limit(1)).one_or_none()
    if last is None:
        return BEGINNING
    if not genuine(connection, key, last):
        raise NotAsLeft(f"entry {last.seq} was changed, or what is before it")
    return last.seq, last.hash


def _missing_end(connection: Connection, seen: Witness | None) -> str:
    """What is wrong with the end of the journal; "" if it is the one that was witnessed."""
    if seen is None:
        return "the witness beside the key is missing"
    if seen.journal == BEGINNING:
        return ""
    seq, signed = seen.journal
    found = connection.execute(select(journal.c.hash).where(journal.c.seq == seq)).scalar()
    return "" if found == signed else f"the journal's end is missing, up to entry {seq}"


def problems(store: Store) -> tuple[int, str, list[str]]:
    """Check the chain from its beginning to the witness, and the signed rows.

    Returns:
        How many entries there are, the signature of the last, and everything that is wrong and
        that no person has accepted.

    Raises:
        StoreError: the journal or the key cannot be read.
    """
    found: list[str] = []
    before, expected = BEGINNING[1], 1
    accepted: set[str] = set()
    with store.begin() as connection:
        try:
            # Within the transaction, so that nobody writes meanwhile.
            seen = witness.read(store.witness_file)
            end = _missing_end(connection, seen)
            found += [end] if end else []
        except NotAsLeft as error:
            found.append(error.what)
        found += signed_rows.problems(connection, store)
        rows = connection.execute(select(journal).order_by(journal.c.seq)).all()
        kept = {row.call: row for row in connection.execute(select(details))}
    for row in rows:
        gap = f"entries {expected} to {row.seq - 1} are missing"
        found += [gap] if row.seq != expected else []
        if row.hash != signature(store.key, row._mapping, before):
            found.append(f"entry {row.seq} was changed, or what is before it")
        else:
            found += _detail_problems(store.key, row, kept.get(row.call))
            if row.kind == ACCEPTED:
                accepted |= {gap, *json.loads(row.body)["problems"]}
        before, expected = row.hash, row.seq + 1
    found = list(dict.fromkeys(found))
    return len(rows), before, [problem for problem in found if problem not in accepted]


def _signed(row: Mapping[Any, Any], before: str) -> str:
    return canonical([before, *(row[name] for name in _COVERED)])


def _detail_problems(key: Key, row: Row[Any], kept: Row[Any] | None) -> Iterator[str]:
    """What is wrong with an entry's details, as far as they are not forgotten."""
    body = json.loads(row.body)
    if row.kind not in ("intent", "outcome"):
        return
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
