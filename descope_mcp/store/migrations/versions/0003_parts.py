"""Requests and votes are summed up in parts, which programs before cannot do.

The ledger is divided when the rows are next looked at (`store.signed_rows`): only the key can.
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002.4"


def upgrade() -> None:
    """Find what waits, and the votes on it, without reading all that is kept."""
    op.create_index("approvals_by_status", "approvals", ["status", "expires"])
    op.create_index("approvals_by_age", "approvals", ["created"])
    op.create_index("votes_by_request", "votes", ["request"])
