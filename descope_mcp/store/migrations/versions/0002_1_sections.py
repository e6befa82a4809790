"""Which targets are being changed: a table that older programs can live without."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002.1"
down_revision = "0002"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "sections",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("holder", sa.String(36), nullable=False),
        sa.Column("process", sa.Text, nullable=False),
        sa.Column("until", sa.Float, nullable=False),
        sa.Column("changed", sa.Integer, nullable=False),
    )
