"""Requests and votes are summed up in parts, and one person has one vote by whatever name.

Programs before can do neither. The ledger is divided when the rows are next looked at
(`store.integrity.signed_rows`): only the key can.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002.4"


def upgrade() -> None:
    """Make the table, and find what waits and its votes without reading all that is kept."""
    op.create_index("approvals_by_status", "approvals", ["status", "expires"])
    op.create_index("approvals_by_age", "approvals", ["created"])
    op.create_index("votes_by_request", "votes", ["request"])
    op.create_table(
        "vote_marks",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("request", sa.Integer, nullable=False),
        sa.Column("mark", sa.Text, nullable=False),
        sa.Column("signature", sa.String(64), nullable=False, server_default=""),
        sqlite_autoincrement=True,
    )
    op.create_index("vote_marks_by_request", "vote_marks", ["request"])
