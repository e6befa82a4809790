"""Notices that are still to be sent: a table that older programs can live without."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002.4"
down_revision = "0002.3"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("message", sa.String(64), nullable=False),
        sa.Column("request", sa.Integer, nullable=False),
        sa.Column("channel", sa.String(64), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next", sa.Float, nullable=False),
        sa.Column("lease", sa.Float, nullable=False),
        sqlite_autoincrement=True,
    )
