"""A backup restored beside verifies; put back, it stops changes until somebody has looked."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from tests.cli.processes import run
from tests.postgres import cluster, program


def create(env: dict[str, str], name: str) -> bool:
    """Whether a change runs."""
    arguments = f'{{"name": "{name}", "id": "{name}"}}'
    done = run("call", "CreateTenant", "--arguments", arguments, "--sandbox", env=env)
    return done.returncode == 0


def verified(env: dict[str, str]) -> bool:
    return run("journal", "verify", env=env).returncode == 0


def test_a_backup_of_sqlite(tmp_path: Path) -> None:
    state, key = tmp_path / "state", tmp_path / "config" / "key"
    env = {"DESCOPE_MCP_STATE": str(state), "DESCOPE_MCP_KEY_FILE": str(key)}
    assert create(env, "one")
    backup = tmp_path / "backup.db"
    with (
        closing(sqlite3.connect(state / "state.db")) as source,
        closing(sqlite3.connect(backup)) as copy,
    ):
        source.backup(copy)
    beside = tmp_path / "beside"
    beside.mkdir(mode=0o700)
    (beside / "state").mkdir(mode=0o700)
    shutil.copytree(key.parent, beside / "config")
    shutil.copy(backup, beside / "state" / "state.db")
    (beside / "state" / "state.db").chmod(0o600)
    assert create(env, "two")
    elsewhere = {
        "DESCOPE_MCP_STATE": str(beside / "state"),
        "DESCOPE_MCP_KEY_FILE": str(beside / "config" / "key"),
    }
    assert verified(elsewhere)

    for file in state.iterdir():
        file.unlink()
    shutil.copy(backup, state / "state.db")
    (state / "state.db").chmod(0o600)
    assert not verified(env)
    assert not create(env, "three")


def test_a_backup_of_postgresql(tmp_path: Path) -> None:
    database, restored = cluster().database(), cluster().database()
    env = {
        "DESCOPE_MCP_DATABASE_URL": database.text,
        "DESCOPE_MCP_KEY_FILE": str(tmp_path / "config" / "key"),
        "DESCOPE_MCP_STATE": str(tmp_path / "state"),
    }
    assert create(env, "one")
    dump = tmp_path / "descope-mcp.dump"
    taken = [program("pg_dump"), "--format=custom", f"--file={dump}", database.text]
    subprocess.run(taken, check=True, timeout=60)
    assert create(env, "two")
    assert verified(env)
    put = [program("pg_restore"), "--no-owner", f"--dbname={restored.text}", str(dump)]
    subprocess.run(put, check=True, timeout=60)

    elsewhere = {**env, "DESCOPE_MCP_DATABASE_URL": restored.text}
    assert verified({**elsewhere, "DESCOPE_MCP_STATE": str(tmp_path / "empty")})

    subprocess.run(
        [*put[:1], "--clean", *put[1:2], f"--dbname={database.text}", str(dump)], check=True
    )
    assert not verified(env)
    assert not create(env, "three")
