"""This program one additive migration further, as a process of its own: it makes one call.

``python -m tests.store.newer STATE KEY URL CALL``
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from descope_mcp.store import database, migrations
from descope_mcp.store.consent import approvals
from descope_mcp.store.journal.write_ahead import intend, settle
from tests.stores import at

from .journal.test_journal import ADA

_NUMBER, _, _ADDITION = database.HEAD.partition(".")
#: The version of its tables.
NEXT = f"{_NUMBER}.{int(_ADDITION or 0) + 1}"
_MIGRATION = f'''
import sqlalchemy as sa
from alembic import op

revision = "{NEXT}"
down_revision = "{database.HEAD}"


def upgrade() -> None:
    op.create_table("regions", sa.Column("id", sa.Integer, primary_key=True))
    for table in ("journal", "details", "sections"):
        op.add_column(table, sa.Column("region", sa.Text, nullable=False, server_default=""))
'''


def main(state: str, key: str, url: str, call: str) -> None:
    """Migrate the store, make a call, and ask for one."""
    own = Path(migrations.__file__).parent
    with tempfile.TemporaryDirectory() as place:
        scripts = Path(place) / "migrations"
        shutil.copytree(own, scripts, ignore=shutil.ignore_patterns("__pycache__"))
        (scripts / "versions" / "later.py").write_text(_MIGRATION, encoding="utf-8")
        migrations.__file__ = str(scripts / "__init__.py")
        database.HEAD = NEXT
        store = at(state, key, url)
        intent = replace(ADA, call=call)
        intend(store, intent)
        settle(store, intent, "done")
        asked = approvals.file(
            store,
            project="P",
            caller="c",
            operation="DeleteUser",
            binding=call,
            question="?",
            typed="",
        )
        assert asked
        store.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
