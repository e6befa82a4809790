"""A store of an older version is taken over whole, once."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pyotp
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from descope_mcp.store import key as keys
from descope_mcp.store import migrations
from descope_mcp.store.consent import approvals, grants, second_factor
from descope_mcp.store.database import HEAD
from descope_mcp.store.errors import NotAsLeft, WrongKey
from descope_mcp.store.journal import hash_chain
from descope_mcp.store.key import Key
from descope_mcp.store.secrets import sealed
from descope_mcp.store.secrets.handle import Owner
from descope_mcp.store.store import Store
from tests import migrated

SECRET = pyotp.random_base32()
HANDLE = f"[sealed:{'a' * 22}]"


def first_version(in_files: Store, *, entries: int = 1) -> None:
    """A store as the first version left it."""
    in_files.directory.mkdir(mode=0o700)
    in_files.key_file.parent.mkdir(mode=0o700)
    in_files.key_file.write_bytes(keys.written(bytes(range(32))).partition(b"\n")[0] + b"\n")
    in_files.key_file.chmod(0o600)
    key = Key(bytes(range(32)))
    path = in_files.directory / "state.db"
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(next(iter(migrations.__path__))))
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    engine.dispose()
    path.chmod(0o600)
    now = time.time()
    row = {"seq": 1, "call": "c", "kind": "intent", "at": now, "project": "P", "caller": "c"}
    body = hash_chain.canonical(
        {"details": "", "target": "", "effect": "", "rule": "", "consent": ""}
    )
    row |= {"operation": "DeleteUser", "undoes": "", "target": "", "body": body}
    row["hash"] = key.sign(
        hash_chain.canonical(["", *(v for k, v in row.items() if k != "target")])
    )
    with closing(sqlite3.connect(path)) as connection, connection:
        rows = [
            ("approvals", [1, "P", "c", "DeleteUser", "b", "?", "", "approved", now, now + 60]),
            ("grants", [1, "P", "DeleteUser", "{}", 3, 2, now, now + 60, 0]),
            ("factor", [1, key.seal(SECRET), 0, 0, 0.0]),
            ("usage", [1, "P", "r", now, 1]),
            ("sealed", [HANDLE, "P", "c", "O", "f", "k", key.seal("v"), now, None, None]),
        ]
        rows += [("journal", list(row.values()))] if entries else []
        for table, values in rows:
            connection.execute(
                f"INSERT INTO {table} VALUES ({','.join('?' * len(values))})", values
            )
    if entries:
        in_files.key_file.with_name("journal-witness").write_text(f"1 {row['hash']}\n")
        in_files.key_file.with_name("journal-witness").chmod(0o600)


@pytest.mark.parametrize("entries", [0, 1])
def test_nothing_is_lost(in_files: Store, entries: int) -> None:
    first_version(in_files, entries=entries)
    assert hash_chain.problems(in_files)[::2] == (entries, [])
    assert [r.status for r in approvals.requests(in_files)] == ["approved"]
    assert grants.listed(in_files)[0].left == 2
    assert second_factor.enrolled(in_files)
    assert second_factor.check(in_files, pyotp.TOTP(SECRET).now()).result == "right"
    assert sealed.opened(in_files, Owner("P", "c"), [HANDLE])[HANDLE].value == "v"
    assert approvals.consume(in_files, "b") == 1


def test_it_is_taken_over_once(in_files: Store) -> None:
    """A database made to look like one of the first version is none that was never signed."""
    first_version(in_files)
    assert approvals.consume(in_files, "b") == 1
    in_files.close()
    with closing(sqlite3.connect(in_files.directory / "state.db")) as connection, connection:
        connection.execute("UPDATE approvals SET status = 'approved', signature = ''")
        connection.execute("DELETE FROM ledger")
    again = Store(in_files.directory, in_files.key_file)
    with pytest.raises(NotAsLeft):
        approvals.consume(again, "b")
    again.close()


def test_the_key_of_another_is_noticed_before_anything_is_signed(in_files: Store) -> None:
    first_version(in_files)
    in_files.key_file.write_bytes(keys.written(bytes(32)))
    with pytest.raises(WrongKey):
        _ = in_files.database


def test_what_tests_make_is_what_the_migrations_make(tmp_path: Path) -> None:
    dumps = []
    for make in (migrated.migrate, migrated.made):
        engine = create_engine(f"sqlite:///{tmp_path / make.__name__}")
        with engine.begin() as connection:
            make(connection, HEAD)
        engine.dispose()
        with closing(sqlite3.connect(tmp_path / make.__name__)) as connection:
            dumps.append(list(connection.iterdump()))
    assert dumps[0] == dumps[1]
    assert [line for line in dumps[0] if HEAD in line and "alembic_version" in line]
