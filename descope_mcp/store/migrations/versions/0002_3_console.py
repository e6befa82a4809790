"""People who decide in a browser: tables that older programs can live without."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002.3"
down_revision = "0002.2"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "votes",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("request", sa.Integer, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("way", sa.String(16), nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("signature", sa.String(64), nullable=False, server_default=""),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "tickets",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("expires", sa.Float, nullable=False),
    )
