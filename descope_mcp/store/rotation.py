"""A new key in place of the old one: everything is encrypted and signed anew.

The new key and its witness lie beside the old ones before the one transaction that changes the
database, and take their places after it. Whoever opens the store finishes what was interrupted
(`store.opening`): the ledger says which of the two keys it is.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, select, update

from descope_mcp.store import key as keys
from descope_mcp.store.errors import NotAsLeft, StoreError
from descope_mcp.store.integrity import ledger, row_sums, signed_rows, witness
from descope_mcp.store.journal import acts, hash_chain
from descope_mcp.store.key import Key
from descope_mcp.store.private_files import replace
from descope_mcp.store.secrets import sealed as secrets
from descope_mcp.store.store import Store
from descope_mcp.store.tables import details, factor, journal, sealed


class NotRotated(StoreError):
    """A key that is given cannot be replaced from here; the message says how it is done."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"the key comes from {name}, where this program cannot put another: write it to a "
            "private file, rotate with DESCOPE_MCP_KEY_FILE in its place, and take what the file "
            "holds then (its first line) back to where the key comes from"
        )


class KeyOfOthers(StoreError):
    """Other stores would be locked out with all that is sealed in them; the message names them."""

    def __init__(self, name: str, others: Sequence[str]) -> None:
        super().__init__(
            f"the key {name} is also that of {', '.join(others)}, which nothing could open any "
            "more: copy it to another file, name that for this store (DESCOPE_MCP_KEY_FILE), "
            "accept the store once (`descope-mcp journal accept`) and rotate then"
        )


def rotate(store: Store, by: str) -> None:
    """Make a new key and use it from now on; the old one opens nothing any more.

    Args:
        store: nothing may be wrong with it.
        by: who does it, for the journal.

    Raises:
        NotAsLeft: something is wrong with it, which the new key would cover up.
        NotRotated: the key is given, and this program cannot give another.
        KeyOfOthers: other stores have it too.
        StoreError: it cannot be written; the old key is still the one.
    """
    if store.key_source:
        raise NotRotated(store.key_source.name)
    if found := hash_chain.problems(store)[2]:
        raise NotAsLeft("; ".join(found))
    before = store.witness_file
    first = (
        witness.apart(store.directory, store.key.id)
        if store.is_shared
        else witness.place(store.key_file)
    )
    if others := witness.others(first, store.state):
        raise KeyOfOthers(store.key_name, others)
    secrets.kept(store)  # takes in what lies beside the database
    with store.begin() as connection:
        old, new = store.key, Key(os.urandom(keys.LENGTH), witnessed=True)
        _seal_anew(connection, old, new)
        _sign_anew(connection, old, new)
        end = hash_chain.put(connection, new, acts.entry("rotated", by=by, way="terminal"), after=0)
        _, content = ledger.unproven(connection)
        generation = ledger.head(connection)[0] + 1
        identity = content.get("store") or uuid.uuid4().hex
        void = content["void_until"]
        signed_rows.begin(connection, new, generation=generation, store=identity, void=void)
        heads = witness.Witness(
            end,
            ledger.head(connection),
            signed_rows.factor_row(connection),
            store.state,
            identity,
        )
        successor = keys.successor(store.key_file)
        witness.write(
            witness.apart(store.directory, new.id) if store.is_shared else witness.place(successor),
            heads,
        )
        replace(successor, keys.written(new.material))
    store.reopen()
    # Opening it moves the new key to its place.
    if store.witness_file != before:
        before.unlink(missing_ok=True)


def _seal_anew(connection: Connection, old: Key, new: Key) -> None:
    def again(value: str) -> str:
        return new.seal(old.unseal(value)) if value else ""

    for row in connection.execute(select(sealed)).all():
        if row.signature != row_sums.signed(old, sealed, row._mapping):
            continue  # it is not ours; it stays what it is
        values = {**row._mapping, "value": again(row.value)}
        values["signature"] = row_sums.signed(new, sealed, values)
        mine = sealed.c.handle == row.handle
        connection.execute(update(sealed).where(mine).values(values))
    for row in connection.execute(select(factor)).all():
        values = {"secret": again(row.secret), "recovery": again(row.recovery)}
        connection.execute(update(factor).where(factor.c.id == row.id).values(values))


def _sign_anew(connection: Connection, old: Key, new: Key) -> None:
    """Sign the chain, and what it says of details that are still kept."""
    kept = {row.call: row for row in connection.execute(select(details)).all()}
    before = witness.BEGINNING[1]
    for row in connection.execute(select(journal).order_by(journal.c.seq)).all():
        values = {**row._mapping, "body": _body(row, kept.get(row.call), old, new)}
        values["hash"] = before = hash_chain.signature(new, values, before)
        connection.execute(update(journal).where(journal.c.seq == row.seq).values(values))
    for row in kept.values():
        values = {
            "body": new.seal(old.unseal(row.body)),
            "undo": new.seal(old.unseal(row.undo)) if row.undo else "",
        }
        connection.execute(update(details).where(details.c.call == row.call).values(values))


def _body(row: Row[Any], kept: Row[Any] | None, old: Key, new: Key) -> str:
    """The body of an entry; the signature of what is forgotten stays, and proves nothing."""
    body: dict[str, Any] = json.loads(row.body)
    if row.kind == "intent" and row.target:
        body["target"] = new.sign(row.target)
    if row.kind == "intent" and kept is not None:
        body["details"] = new.sign(old.unseal(kept.body))
    if row.kind == "outcome" and kept is not None:
        body["undo"] = new.sign(old.unseal(kept.undo) if kept.undo else "")
    return hash_chain.canonical(body)
