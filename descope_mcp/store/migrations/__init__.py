"""Migrations of the store. Alembic runs them in the transaction that it is given."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import Connection


def migrate(connection: Connection, head: str) -> None:
    """Bring the tables to version `head`, from whatever version they have.

    Raises:
        LookupError: they have a version that is not known here.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, head)
    except CommandError as error:
        raise LookupError(str(error)) from None
