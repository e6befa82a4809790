"""The command line on a store in PostgreSQL, as several machines use it."""

from __future__ import annotations

import base64
import json
import shlex
import shutil
import sys
from pathlib import Path

import psycopg
import pytest

from descope_mcp.store.databases.postgres_url import written
from tests.cli.processes import run
from tests.postgres import PASSWORD, cluster

MAKE = ("call", "CreateTenant", "--arguments", '{"name": "T"}', "--sandbox")
READ = ("call", "LoadAllTenants", "--sandbox")


@pytest.fixture
def machines(tmp_path: Path) -> list[dict[str, str]]:
    """Two machines with one store, and the same key in a file of each."""
    url = cluster().database().text
    found = []
    for name in ("one", "two"):
        place = tmp_path / name
        found.append(
            {
                "DESCOPE_MCP_DATABASE_URL": url,
                "DESCOPE_MCP_STATE": str(place / "state"),
                "DESCOPE_MCP_KEY_FILE": str(place / "config" / "key"),
            }
        )
    return found


def test_two_machines_keep_one_journal(machines: list[dict[str, str]], tmp_path: Path) -> None:
    one, two = machines
    assert run(*MAKE, env=one).returncode == 0
    stranger = run(*MAKE, env=two)
    assert stranger.returncode != 0
    assert "every replica needs the one with which" in stranger.stderr
    shutil.copy2(tmp_path / "one/config/key", tmp_path / "two/config/key")
    assert run(*MAKE, env=two).returncode == 0
    for machine in machines:
        assert "4 entries, whole" in run("journal", "verify", env=machine).stdout
    doctor = run("doctor", "--sandbox", env=two)
    assert f"ok   state: postgresql://127.0.0.1:{cluster().port}/test_" in doctor.stdout
    assert doctor.returncode == 0
    assert not (tmp_path / "two/state/state.db").exists()


def test_a_server_that_is_gone_is_told_in_one_line(machines: list[dict[str, str]]) -> None:
    gone = machines[0] | {
        "DESCOPE_MCP_DATABASE_URL": written("tester", PASSWORD, "127.0.0.1", 1, "d")
    }
    assert run(*READ, env=gone).returncode == 0
    refused, doctor = run(*MAKE, env=gone), run("doctor", "--sandbox", env=gone)
    assert refused.returncode != 0
    for said in (refused.stderr, doctor.stdout):
        assert "PostgreSQL cannot be used, nothing listens at its address" in said
        assert "Traceback" not in said
        assert PASSWORD not in said
        assert "canary" not in said


def test_a_database_of_another_encoding_is_refused_with_the_remedy(
    machines: list[dict[str, str]],
) -> None:
    """`createdb` alone makes one of the server's encoding, which the driver may not even read."""
    name = "ascii_names"
    with psycopg.connect(cluster().url("postgres").text, autocommit=True) as connection:
        made = f"CREATE DATABASE {name} ENCODING 'SQL_ASCII' TEMPLATE template0 LOCALE 'C'"
        connection.execute(made.encode())
    wrong = machines[0] | {"DESCOPE_MCP_DATABASE_URL": cluster().url(name).text}
    refused, doctor = run(*MAKE, env=wrong), run("doctor", "--sandbox", env=wrong)
    for done, said in ((refused, refused.stderr), (doctor, doctor.stdout)):
        assert done.returncode in (1, 3), done.stderr
        assert "its encoding is SQL_ASCII" in said
        assert "createdb -E UTF8" in said
    assert "Traceback" not in refused.stderr + doctor.stderr


def test_a_secret_manager_s_command_gives_the_key(machines: list[dict[str, str]]) -> None:
    key = base64.b64encode(bytes(32)).decode()
    command = shlex.join([sys.executable, "-c", f"print({key!r})"])
    env = {**machines[0], "DESCOPE_MCP_KEY_FILE": "", "DESCOPE_MCP_KEY_COMMAND": command}
    made = run(*MAKE, "--json", env=env)
    assert made.returncode == 0
    assert json.loads(made.stdout)
    broken = {**env, "DESCOPE_MCP_KEY_COMMAND": "false"}
    said = run(*MAKE, env=broken).stderr
    assert "DESCOPE_MCP_KEY_COMMAND gives no key: `false` ended with exit code 1" in said
