"""How a transaction begins: with a look at how the store stands, or without the lock.

The look goes with the message that begins the transaction, after it has the lock, so that a
database on a server is not asked again for what nearly every transaction needs.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import Connection

#: The execution option of connections that look, and where their `info` has what they found.
STANDING = "standing"
#: The execution option of connections that only read one statement, and take no lock.
UNLOCKED = "unlocked"
SELECT = """SELECT version_num, key, generation, content, signature, seq, hash,
(SELECT min(at) FROM details)
FROM alembic_version LEFT JOIN ledger ON TRUE
LEFT JOIN journal ON seq = (SELECT max(seq) FROM journal)"""


class Standing(NamedTuple):
    """The version of the tables, the ledger, the end of the journal, the age of its details.

    None stands where there is none. What the transaction itself changes is not in it. `oldest` is
    from when the oldest details are, in epoch seconds.
    """

    version: str
    key: str | None
    generation: int
    content: str
    signature: str
    seq: int | None
    hash: str
    oldest: float | None


def standing(connection: Connection) -> Standing:
    """How things stood when a transaction began."""
    found: Any = connection.info[STANDING]
    return Standing(*found)
