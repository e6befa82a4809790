"""Signatures of rows that allow or forbid something, and the ledger that shows missing ones.

The rows that are there are signed when the store is opened (`store.opening`): only the key can.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the columns and the tables."""
    for table in ("approvals", "grants", "confirmations", "usage", "factor", "sealed"):
        op.add_column(
            table, sa.Column("signature", sa.String(64), nullable=False, server_default="")
        )
    op.add_column("approvals", sa.Column("reason", sa.Text, nullable=False, server_default=""))
    op.add_column("factor", sa.Column("recovery", sa.Text, nullable=False, server_default=""))
    op.create_table(
        "ledger",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("key", sa.String(16), nullable=False),
        sa.Column("signature", sa.String(64), nullable=False),
    )
