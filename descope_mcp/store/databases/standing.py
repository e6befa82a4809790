"""How a transaction begins: whether it looks how the database stands, or takes no lock at all."""

from __future__ import annotations

#: The execution option of connections that look, and where their `info` has what they found.
STANDING = "standing"
#: The execution option of connections that only read one statement, and take no lock.
UNLOCKED = "unlocked"
#: The version of the tables, and the key that the rows are signed with. Nobody is asked twice: it
#: goes with the message that begins the transaction, after it has the lock.
SELECT = "SELECT version_num, (SELECT key FROM ledger LIMIT 1) FROM alembic_version"
