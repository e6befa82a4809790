"""A person accepts a store that is not as it was left, so that changes can go on.

What is missing stays missing, and an entry of the journal says so for ever. If that is more than
entries of the journal, what was allowed ahead (approvals, grants, tokens for machines) does not
count any more, since it may have been used or ended before; answers to open questions are void.
The second factor is what the witness remembers.
"""

from __future__ import annotations

import time
import uuid

from sqlalchemy import Connection, delete, insert, select, update

from descope_mcp.store.errors import NotAsLeft
from descope_mcp.store.integrity import ledger, row_sums, signed_rows, witness
from descope_mcp.store.integrity.witness import Witness
from descope_mcp.store.journal import acts, hash_chain
from descope_mcp.store.store import Store
from descope_mcp.store.tables import approvals, factor, grants, tokens

#: For so many seconds no answer counts that was asked for before: as long as a question is open.
_OPEN_QUESTION = 300.0


def accept(store: Store, by: str, found: list[str]) -> None:
    """Record that a person has seen these problems, and begin anew from what is there.

    Args:
        store: where.
        by: who the person is, for the journal.
        found: what `hash_chain.problems` says.

    Raises:
        StoreError: the store cannot be written.
    """
    with store.begin() as connection:
        try:
            seen = witness.read(store.witness_file) or Witness()
        except NotAsLeft:
            seen = Witness()
        if signed_rows.problems(connection, store):
            _start_over(connection, store, seen)
        entry = acts.entry(
            "accepted", by=by, way="terminal", about="; ".join(found), more={"problems": found}
        )
        end = hash_chain.put(connection, store.key, entry, after=seen.journal[0])
    with store.begin() as connection:
        now = Witness(
            end,
            ledger.head(connection),
            signed_rows.factor_row(connection),
            store.state,
            ledger.store_id(connection),
        )
        witness.write(store.witness_file, now)


def ends_what_was_allowed(store: Store) -> bool:
    """Whether approvals, grants and tokens would not count any more.

    Raises:
        StoreError: the store cannot be read.
    """
    with store.begin() as connection:
        return bool(signed_rows.problems(connection, store))


def _start_over(connection: Connection, store: Store, seen: Witness) -> None:
    """Keep of the signed rows what is genuine, and let nothing count that was allowed before."""
    for table in row_sums.SUMMED:
        for row in connection.execute(select(table)).all():
            if row.signature != row_sums.signed(store.key, table, row._mapping):
                (key,) = table.primary_key
                connection.execute(delete(table).where(key == row._mapping[key]))
    waiting = approvals.c.status.in_(("pending", "approved"))
    connection.execute(update(approvals).where(waiting).values(status="revoked"))
    connection.execute(update(grants).values(revoked=True))
    connection.execute(update(tokens).values(revoked=True))
    connection.execute(delete(factor))
    if seen.factor:
        connection.execute(insert(factor).values(**seen.factor))
    generation = max(seen.ledger[0], ledger.head(connection)[0]) + 1
    void = time.time() + _OPEN_QUESTION
    # With an id of its own: the one that it had may be that of the store that it is a copy of.
    new = uuid.uuid4().hex
    signed_rows.begin(connection, store.key, generation=generation, store=new, void=void)
