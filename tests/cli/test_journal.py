"""The journal in real processes: accepted at a terminal, exported, and proven by a stranger."""

from __future__ import annotations

import json
import shutil
import sqlite3
import uuid
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.processes import run, run_in_terminal
from tests.recorder import STORE_SETTINGS


@pytest.fixture
def env(sandbox: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """A journal with two calls in it."""
    places = (tmp_path / "state", tmp_path / "config" / "key")
    own = {name: str(place) for name, place in zip(STORE_SETTINGS, places, strict=True)}
    env = {**sandbox, **own}
    for name in ("first", "second"):
        made = {"name": f"{tmp_path.name}-{name}"}
        called = run("call", "CreateTenant", "--arguments", json.dumps(made), env=env)
        assert called.returncode == 0, called.stderr
    return env


def newest_removed(env: dict[str, str]) -> None:
    """What somebody without the key does to the end of the journal."""
    with closing(sqlite3.connect(Path(env[STORE_SETTINGS[0]]) / "state.db")) as db, db:
        db.execute("DELETE FROM journal WHERE seq = (SELECT max(seq) FROM journal)")


def change(env: dict[str, str]) -> int:
    made = {"name": str(uuid.uuid4())}
    return run("call", "CreateTenant", "--arguments", json.dumps(made), env=env).returncode


def test_a_damage_is_accepted_by_a_person_at_a_terminal_alone(env: dict[str, str]) -> None:
    assert run("journal", "accept", env=env).stdout.startswith("Nothing is wrong")
    newest_removed(env)
    assert run("journal", "verify", env=env).returncode == 1
    assert change(env) != 0
    piped = run("journal", "accept", env=env, given="yes\n")
    assert piped.returncode == 3, piped
    answered, shown = run_in_terminal("journal", "accept", typed=b"no\n", env=env)
    assert answered.returncode == 3, answered
    assert "Accept it? Type yes: " in shown
    assert "Approvals, grants and tokens of machines stay as they are" in shown
    assert change(env) != 0
    answered, _ = run_in_terminal("journal", "accept", typed=b"yes\n", env=env)
    assert answered.returncode == 0, answered.stderr
    assert change(env) == 0
    verified = run("journal", "verify", env=env)
    assert verified.returncode == 0, verified.stderr
    kept = [json.loads(line) for line in _listed(env)]
    assert [one["result"] for one in kept][:2] == ["done", "accepted"]


def _listed(env: dict[str, str]) -> list[str]:
    return run("journal", "list", "--json", env=env).stdout.splitlines()


def test_a_stranger_proves_an_export_by_the_public_key(env: dict[str, str], tmp_path: Path) -> None:
    exported = run("journal", "export", env=env)
    assert exported.returncode == 0, exported.stderr
    file, key = tmp_path / "export.jsonl", tmp_path / "key.pem"
    file.write_text(exported.stdout)
    key.write_text(run("journal", "public-key", env=env).stdout)
    proof = ("journal", "verify", str(file), "--public-key", str(key))
    # The stranger has neither the store nor its key, and no settings of the project.
    elsewhere = {name: str(tmp_path / "none" / name) for name in STORE_SETTINGS}
    proven = run(*proof, env=elsewhere)
    assert proven.returncode == 0, proven.stderr
    assert "whole" in proven.stdout
    assert not (tmp_path / "none").exists()
    lines = exported.stdout.splitlines(keepends=True)
    forged = {
        "an entry changed": exported.stdout.replace("CreateTenant", "DeleteTenant", 1),
        "an entry missing": "".join([*lines[:1], *lines[2:]]),
        "the end missing": "".join(lines[:-1]),
        "another order": "".join([lines[1], lines[0], *lines[2:]]),
        "nothing": "",
    }
    for what, text in forged.items():
        assert text != exported.stdout, what
        file.write_text(text)
        assert run(*proof, env=elsewhere).returncode == 1, what
    file.write_text(exported.stdout)
    other = run("journal", "public-key", env={**env, **elsewhere})
    key.write_text(other.stdout)
    assert other.stdout.startswith("-----BEGIN PUBLIC KEY-----")
    assert run(*proof, env=elsewhere).returncode == 1


def test_a_key_is_replaced_at_a_terminal_and_old_copies_open_nothing(
    env: dict[str, str], tmp_path: Path
) -> None:
    state = Path(env[STORE_SETTINGS[0]])
    exported = run("journal", "export", env=env).stdout
    key = tmp_path / "old.pem"
    key.write_text(run("journal", "public-key", env=env).stdout)
    piped = run("key", "rotate", env=env, given="yes\n")
    assert piped.returncode == 3, piped
    shutil.copytree(state, tmp_path / "copy")
    answered, _ = run_in_terminal("key", "rotate", typed=b"yes\n", env=env)
    assert answered.returncode == 0, answered.stderr
    new = run("journal", "public-key", env=env).stdout
    assert new != key.read_text()
    assert run("journal", "verify", env=env).returncode == 0
    assert json.loads(_listed(env)[0])["result"] == "rotated"
    assert change(env) == 0
    # What was exported before is proven by the old key, what is exported now by the new one.
    file = tmp_path / "export.jsonl"
    for text, pem, code in (
        (exported, key.read_text(), 0),
        (exported, new, 1),
        (run("journal", "export", env=env).stdout, new, 0),
    ):
        file.write_text(text)
        (tmp_path / "key.pem").write_text(pem)
        proof = run(
            "journal", "verify", str(file), "--public-key", str(tmp_path / "key.pem"), env=env
        )
        assert proof.returncode == code, proof.stderr
    old = {**env, STORE_SETTINGS[0]: str(tmp_path / "copy")}
    assert run("journal", "verify", env=old).returncode != 0
    assert change(old) != 0
