"""The state file: what a call wrote is there after the process is gone, and nothing else."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.engine.state_file import StateFileError, opened
from descope_mcp.sandbox.seeds import organisations
from tests.cli.processes import BASE, PRELOADED
from tests.sandbox import processes


@contextmanager
def sandbox(*arguments: str) -> Iterator[httpx.Client]:
    """A client, with credentials, of a sandbox of its own."""
    with processes.sandbox(*arguments) as env:
        key = f"Bearer {env['DESCOPE_PROJECT_ID']}:{env['DESCOPE_MANAGEMENT_KEY']}"
        headers = {"Authorization": key}
        with httpx.Client(base_url=env["DESCOPE_BASE_URL"], headers=headers) as client:
            yield client


def users(client: httpx.Client) -> list[str]:
    answer = client.post("/v2/mgmt/user/search", json={})
    return [user["loginIds"][0] for user in answer.json()["users"]]


def test_a_killed_sandbox_goes_on_where_it_was(tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    with sandbox("--state", str(file)) as client:
        before = users(client)
        made = client.post("/v1/mgmt/user/create", json={"loginId": "new@acme.example"})
        client.post("/v1/mgmt/user/delete", json={"loginId": before[0]}).raise_for_status()
        key = client.headers["Authorization"]
    assert made.status_code == 200
    assert file.stat().st_mode & 0o777 == 0o600
    with sandbox("--state", str(file), "--seed", "empty") as client:
        assert client.headers["Authorization"] == key
        assert users(client) == [*before[1:], "new@acme.example"]
        other = client.post("/v1/mgmt/user/create", json={"loginId": "newer@acme.example"})
        assert other.json()["user"]["userId"] != made.json()["user"]["userId"]


def test_a_failed_call_leaves_nothing_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "state.db"

    def fail(state: State) -> None:
        with state.transaction():
            state.send("email", "a@x.example", "otp", {"code": "1"})
            raise ZeroDivisionError

    with opened(file, organisations.acme) as state:
        state.send("email", "b@x.example", "otp", {"code": "2"})
        with pytest.raises(ZeroDivisionError):
            fail(state)
        before = state.export()
    with opened(file, organisations.new_project) as state:
        assert state.export() == before


def test_a_file_of_something_else_is_left_alone(tmp_path: Path) -> None:
    text, database = tmp_path / "notes.txt", tmp_path / "other.db"
    text.write_text("not a database, but somebody's notes " * 50)
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE mine (x)")
    connection.close()
    for path in (text, database):
        before = path.read_bytes()
        with (
            pytest.raises(StateFileError, match=path.name),
            opened(path, organisations.new_project),
        ):
            pass
        assert path.read_bytes() == before


def test_one_file_is_one_sandbox_s(tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    with sandbox("--state", str(file)):
        done = subprocess.run(
            [PRELOADED, "sandbox", "--state", str(file)], capture_output=True, text=True, env=BASE
        )
    assert done.returncode == 1
    assert "locked" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [("DESCOPE_MCP_SANDBOX_SEED", "acne"), ("DESCOPE_MCP_SANDBOX_STATE", "/dev/null/box.db")],
)
@pytest.mark.parametrize("command", [["call", "SearchUsers"], ["doctor"], ["serve"]])
def test_a_wrong_setting_is_named(command: list[str], name: str, value: str) -> None:
    done = subprocess.run(
        [PRELOADED, *command, "--sandbox"],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**BASE, name: value},
    )
    assert done.returncode == 2, done.stderr
    assert name in done.stderr
    assert "Traceback" not in done.stderr


def test_the_command_line_has_the_seeds(tmp_path: Path) -> None:
    with sandbox("--seed", "b2b") as client:
        assert client.post("/v2/mgmt/user/search", json={}).json()["total"] == 2000
        assert len(client.get("/v1/mgmt/tenant/all").json()["tenants"]) == 40
    settings = {**BASE, "DESCOPE_MCP_SANDBOX_SEED": "empty", "HOME": os.fspath(tmp_path)}
    done = subprocess.run(
        [PRELOADED, "call", "--sandbox", "SearchUsers"],
        capture_output=True,
        text=True,
        env=settings,
    )
    assert json.loads(done.stdout)["total"] == 0


def test_sessions_and_their_signing_key_outlive_the_process(tmp_path: Path) -> None:
    arguments = ("--state", str(tmp_path / "state.db"))
    who = {"loginId": "ada.okafor@acme.example"}
    with sandbox(*arguments) as client:
        tokens = client.post("/v1/mgmt/auth/signin", json=who).json()
        project = client.headers["Authorization"].removeprefix("Bearer ").partition(":")[0]
    with sandbox(*arguments) as client:
        bearer = {"Authorization": f"Bearer {project}:{tokens['refreshJwt']}"}
        assert client.get("/v1/auth/me", headers=bearer).json()["email"] == who["loginId"]
        assert client.post("/v1/auth/refresh", headers=bearer).json()["sessionJwt"]
