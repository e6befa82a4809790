"""Tokens for machines: a table that older programs can live without."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002.2"
down_revision = "0002.1"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "tokens",
        sa.Column("id", sa.String(12), primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("claims", sa.Text, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("expires", sa.Float, nullable=False),
        sa.Column("revoked", sa.Boolean, nullable=False),
        sa.Column("signature", sa.String(64), nullable=False, server_default=""),
    )
