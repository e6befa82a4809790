"""The tables of the store. What is kept for how long is said where it is written.

Times are epoch seconds. Everything is kept by project, since one store serves them all. Rows with
a ``signature`` allow or forbid something; what it covers, and what shows that one is missing, is in
`store.integrity.signed_rows`.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData()

#: The journal's chain: only ever appended to. `hash` covers `body` and the hash before it.
journal = Table(
    "journal",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("call", String(36), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("at", Float, nullable=False),
    Column("project", String(64), nullable=False),
    Column("caller", Text, nullable=False),
    Column("operation", String(64), nullable=False),
    Column("undoes", String(36), nullable=False),
    Column("target", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("hash", String(64), nullable=False),
    Index("journal_by_call", "call"),
)

#: What undo needs of a call: personal data, forgotten after a while. The chain keeps its digest.
details = Table(
    "details",
    metadata,
    Column("call", String(36), primary_key=True),
    Column("at", Float, nullable=False),
    Column("body", Text, nullable=False),
    Column("undo", Text, nullable=False),
    Index("details_by_age", "at"),
)

#: What shows that signed rows are missing or old: one row, itself signed.
ledger = Table(
    "ledger",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("generation", Integer, nullable=False),
    Column("content", Text, nullable=False),
    Column("key", String(16), nullable=False),
    Column("signature", String(64), nullable=False),
)

#: Confirmations that were used, until they would have expired anyway.
confirmations = Table(
    "confirmations",
    metadata,
    Column("nonce", String(64), primary_key=True),
    Column("expires", Float, nullable=False),
    Column("signature", String(64), nullable=False, server_default=""),
)

#: Questions that wait for a person outside the client.
approvals = Table(
    "approvals",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("project", String(64), nullable=False),
    Column("caller", Text, nullable=False),
    Column("operation", String(64), nullable=False),
    Column("binding", String(64), nullable=False),
    Column("question", Text, nullable=False),
    Column("typed", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("created", Float, nullable=False),
    Column("expires", Float, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("signature", String(64), nullable=False, server_default=""),
    Index("approvals_by_binding", "binding"),
    Index("approvals_by_status", "status", "expires"),
    Index("approvals_by_age", "created"),
    sqlite_autoincrement=True,
)

#: What a person allowed ahead.
grants = Table(
    "grants",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("project", String(64), nullable=False),
    Column("operation", String(64), nullable=False),
    Column("arguments", Text, nullable=False),
    Column("items", Integer, nullable=False),
    Column("left", Integer, nullable=False),
    Column("created", Float, nullable=False),
    Column("expires", Float, nullable=False),
    Column("revoked", Boolean, nullable=False, default=False),
    Column("signature", String(64), nullable=False, server_default=""),
    sqlite_autoincrement=True,
)

#: Calls that count towards a cap of the policy.
usage = Table(
    "usage",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("project", String(64), nullable=False),
    Column("rule", Text, nullable=False),
    Column("at", Float, nullable=False),
    Column("items", Integer, nullable=False),
    Column("signature", String(64), nullable=False, server_default=""),
    Index("usage_by_rule", "project", "rule", "at"),
)

#: The second factor of approvals: at most one row.
factor = Table(
    "factor",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("secret", Text, nullable=False),
    Column("last_step", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("locked_until", Float, nullable=False),
    Column("recovery", Text, nullable=False, server_default=""),
    Column("signature", String(64), nullable=False, server_default=""),
)

#: Secrets from answers, encrypted. A handle is a keyed digest of project, caller, kind and value,
#: so that a value which is read again gets the handle that it has. `value` is "" once it has been
#: revealed.
sealed = Table(
    "sealed",
    metadata,
    Column("handle", String(32), primary_key=True),
    Column("project", String(64), nullable=False),
    Column("caller", Text, nullable=False),
    Column("operation", String(64), nullable=False),
    Column("field", Text, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("value", Text, nullable=False),
    Column("created", Float, nullable=False),
    Column("expires", Float, nullable=True),
    Column("revealed", Float, nullable=True),
    Column("signature", String(64), nullable=False, server_default=""),
)

#: Tokens for machines: `digest` is the SHA-256 of the secret part.
tokens = Table(
    "tokens",
    metadata,
    Column("id", String(12), primary_key=True),
    Column("name", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("claims", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("created", Float, nullable=False),
    Column("expires", Float, nullable=False),
    Column("revoked", Boolean, nullable=False),
    Column("signature", String(64), nullable=False, server_default=""),
)

#: Which targets are being changed, and when one was changed last (by the number of an entry).
sections = Table(
    "sections",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("holder", String(36), nullable=False),
    Column("process", Text, nullable=False),
    Column("until", Float, nullable=False),
    Column("changed", Integer, nullable=False),
)

#: What people said to a question that waits: each counts once of each of them.
votes = Table(
    "votes",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("request", Integer, nullable=False),
    Column("by", Text, nullable=False),
    Column("way", String(16), nullable=False),
    Column("at", Float, nullable=False),
    Column("signature", String(64), nullable=False, server_default=""),
    Index("votes_by_request", "request"),
    sqlite_autoincrement=True,
)

#: By what else those are known who said so, where several have to: one person has one vote.
vote_marks = Table(
    "vote_marks",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("request", Integer, nullable=False),
    Column("mark", Text, nullable=False),
    Column("signature", String(64), nullable=False, server_default=""),
    Index("vote_marks_by_request", "request"),
    sqlite_autoincrement=True,
)

#: What a browser holds the secret of: a session, or a link that counts once.
#: `id` is the SHA-256 of the secret; `content` is sealed, so that nobody can make one.
tickets = Table(
    "tickets",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("content", Text, nullable=False),
    Column("expires", Float, nullable=False),
)

#: Notices of requests that are still to be sent (`store.consent.outbox`): when next, and until when
#: somebody is at it. They allow nothing, and hold nothing of what is asked.
outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("message", String(64), nullable=False),
    Column("request", Integer, nullable=False),
    Column("channel", String(64), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next", Float, nullable=False),
    Column("lease", Float, nullable=False),
    sqlite_autoincrement=True,
)
