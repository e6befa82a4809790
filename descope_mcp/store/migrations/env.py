"""Alembic's entry: run the migrations on the connection that `migrate` passes."""

from __future__ import annotations

from alembic import context

from descope_mcp.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=False,  # the caller's transaction is the one
)
context.run_migrations()
