"""New databases of tests are made by what the migrations lead to, and not by all of them again.

Most tests have a store of their own, and alembic takes longer to make its tables than many a test
to run. So a process runs the migrations once, in memory, and makes every empty SQLite database by
the statements that say the same. What has tables already, and PostgreSQL, is migrated as ever, and
so is every store of a command that is started and not forked (`preloaded.COMMAND`).
"""

from __future__ import annotations

import functools

from sqlalchemy import Connection, create_engine, inspect

from descope_mcp.store import migrations

#: As a store runs them.
migrate = migrations.migrate
#: The transaction around the statements; the store has one of its own.
_AROUND = ("BEGIN TRANSACTION;", "COMMIT;")


def install() -> None:
    """From now on a store of this process, and of those that it forks, is made at once."""
    migrations.migrate = made


@functools.cache
def statements(head: str) -> tuple[str, ...]:
    """What makes an empty database one of version `head`."""
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        migrate(connection, head)
        (*written,) = connection.connection.driver_connection.iterdump()  # type: ignore[union-attr]
    engine.dispose()
    return tuple(statement for statement in written if statement not in _AROUND)


def made(connection: Connection, head: str) -> None:
    """Stands for `migrate`."""
    if connection.dialect.name != "sqlite" or inspect(connection).get_table_names():
        migrate(connection, head)
        return
    for statement in statements(head):
        connection.exec_driver_sql(statement)
