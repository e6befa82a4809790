"""`descope-mcp secrets` as a process: values are shown in a real terminal and nowhere else."""

from __future__ import annotations

import json
import shlex
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from descope_mcp.store.journal.entries import entries
from descope_mcp.store.secrets import sealed
from descope_mcp.store.secrets.handle import Owner, Secret, handle
from descope_mcp.store.store import Store

from .processes import BASE, COMMAND, run

VALUE = "hunter2-canary-value"


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store that only this test and the processes that it starts use."""
    store = Store(tmp_path / "state", tmp_path / "key")
    monkeypatch.setitem(BASE, "DESCOPE_MCP_STATE", str(store.directory))
    monkeypatch.setitem(BASE, "DESCOPE_MCP_KEY_FILE", str(store.key_file))
    yield store
    store.close()


def keep(store: Store, value: str = VALUE, *, lasting: bool = True) -> str:
    owner = Owner("P1", "somebody")
    name = handle(store.key, owner, "", value)
    secret = Secret("CreateAccessKey", "cleartext", "access_key", value, lasting)
    sealed.keep(store, owner, {name: secret})
    return name


def in_terminal(command: str, answer: str) -> tuple[str, int | None]:
    """What a terminal shows of a shell command that is given one answer, and its exit code."""
    shell = pexpect.spawn("/bin/sh", ["-c", command], env=BASE, encoding="utf-8", timeout=30)
    shell.expect("Type yes: ")
    shown = str(shell.before)
    shell.sendline(answer)
    shown += str(shell.read())
    shell.close()
    return shown, shell.exitstatus


def test_the_list_tells_everything_but_the_value(own: Store) -> None:
    lasting, passing = keep(own), keep(own, "hunter2-second", lasting=False)
    done = run("secrets", "list")
    assert done.returncode == 0
    first, second = done.stdout.splitlines()
    assert first.startswith(f"{lasting}  CreateAccessKey cleartext  from ")
    assert first.endswith(" until revealed or forgotten")
    assert second.startswith(passing)
    assert "hunter2" not in done.stdout + done.stderr
    printed = run("secrets", "list", "--json").stdout.splitlines()
    listed = [json.loads(line) for line in printed]
    assert [entry["handle"] for entry in listed] == [lasting, passing]
    assert "hunter2" not in json.dumps(listed)


def test_a_secret_is_revealed_once_in_the_terminal_alone(own: Store, tmp_path: Path) -> None:
    name = keep(own)
    files = [tmp_path / "out", tmp_path / "err"]
    out, err = map(shlex.quote, map(str, files))
    command = f"{COMMAND} secrets reveal '{name}' >{out} 2>{err} </dev/null"
    shown, code = in_terminal(command, "yes")
    assert code == 0
    assert VALUE in shown
    assert [file.read_text() for file in files] == ["", ""]
    again = run("secrets", "reveal", name)
    assert again.returncode == 1
    assert "Nothing is kept" in again.stderr
    assert "revealed " in run("secrets", "list").stdout


@pytest.mark.parametrize("answer", ["no", "", "y", "yes please"])
def test_anything_but_yes_keeps_it(own: Store, answer: str) -> None:
    name = keep(own)
    shown, code = in_terminal(f"{COMMAND} secrets reveal {name[8:-1]}", answer)
    assert code == 3
    assert VALUE not in shown
    assert [secret.revealed for secret in sealed.kept(own)] == [None]


def test_without_a_terminal_nothing_is_shown(own: Store) -> None:
    done = run("secrets", "reveal", keep(own), given="yes\nyes\n")
    assert done.returncode == 3
    assert VALUE not in done.stdout + done.stderr
    assert [secret.revealed for secret in sealed.kept(own)] == [None]


def test_a_value_cannot_drive_the_terminal(own: Store) -> None:
    name = keep(own, "\x1b]0;title\x07\x1b[2J")
    shown, code = in_terminal(f"{COMMAND} secrets reveal '{name}'", "yes")
    assert code == 0
    assert "\x1b" not in shown
    assert "\\u001b]0;title" in shown


def test_a_secret_is_forgotten(own: Store) -> None:
    name = keep(own)
    done = run("secrets", "forget", name)
    assert (done.returncode, done.stdout) == (0, "Forgotten.\n")
    assert sealed.kept(own) == []
    assert run("secrets", "forget", name).returncode == 1
    assert run("secrets", "list").stderr == "Nothing is kept.\n"


def test_a_key_that_is_gone_is_said_to_be_and_not_made_anew(own: Store) -> None:
    name = keep(own)
    own.key_file.unlink()
    done = run("secrets", "reveal", name)
    assert done.returncode == 1
    assert "is missing" in done.stderr
    assert not own.key_file.exists()


def journalled(store: Store) -> list[tuple[str, str]]:
    return [(e.result, e.reason) for e in entries(store, limit=0, acts=True)]


def test_a_secret_is_saved_into_a_new_file_of_its_owner(own: Store, tmp_path: Path) -> None:
    name, place = keep(own), tmp_path / "ci.key"
    shown, code = in_terminal(f"{COMMAND} secrets save '{name}' {place}", "yes")
    assert code == 0, shown
    assert VALUE not in shown
    assert (place.read_text(), stat.S_IMODE(place.stat().st_mode)) == (VALUE, 0o600)
    assert [secret.revealed is None for secret in sealed.kept(own)] == [False]
    assert journalled(own) == [("saved", f"{name} to {place}")]


#: Runs the program with a database that fails at a moment: when it deletes, or after that.
_FAILING = """
import sqlite3, sys
from descope_mcp.cli.main import main
from descope_mcp.store.database import Database
from descope_mcp.store.errors import StoreError
moment = sys.argv.pop(1)
def full(*_): raise StoreError("the store cannot be used: disk is full")
def interrupted(*_): raise KeyboardInterrupt
if moment == "full": Database.scrub = full
if moment == "interrupted": Database.scrub = interrupted
if moment == "uncommitted":
    from descope_mcp.cli.commands import secrets
    secrets.os.fsync = full
main()
"""


@pytest.mark.parametrize("moment", ["full", "interrupted", "uncommitted"])
def test_a_saved_secret_is_in_one_place_whatever_fails(
    own: Store, tmp_path: Path, moment: str
) -> None:
    name, place, program = keep(own), tmp_path / "ci.key", tmp_path / "failing.py"
    program.write_text(_FAILING)
    command = f"{shlex.quote(sys.executable)} {program} {moment} secrets save '{name}' {place}"
    shown, code = in_terminal(command, "yes")
    assert (code == 0) is (moment == "full"), shown
    assert VALUE not in shown
    kept = [secret.revealed is None for secret in sealed.kept(own)]
    if moment == "uncommitted":
        assert (kept, place.exists()) == ([True], False)
        return
    assert (kept, place.read_text()) == ([False], VALUE)
    told = "not overwritten" if moment == "full" else f"{place} has the secret"
    assert told in shown


@pytest.mark.parametrize("answer", ["yes", "no"])
def test_what_exists_is_never_written_to(own: Store, tmp_path: Path, answer: str) -> None:
    name, place = keep(own), tmp_path / "ci.key"
    (tmp_path / "elsewhere").write_text("old")
    place.symlink_to(tmp_path / ("elsewhere" if answer == "yes" else "nowhere"))
    shown, code = in_terminal(f"{COMMAND} secrets save '{name}' {place}", answer)
    assert code == (1 if answer == "yes" else 3), shown
    assert (tmp_path / "elsewhere").read_text() == "old"
    assert not (tmp_path / "nowhere").exists()
    assert [secret.revealed for secret in sealed.kept(own)] == [None]


@pytest.mark.parametrize("works", [True, False])
def test_a_command_that_is_typed_gets_it_unseen(own: Store, tmp_path: Path, works: bool) -> None:
    name, place = keep(own), tmp_path / "taken"
    command = f"tee {place if works else tmp_path}"
    out = tmp_path / "out"
    shell = pexpect.spawn(
        "/bin/sh",
        ["-c", f"{COMMAND} secrets send '{name}' >{out} 2>&1 </dev/null"],
        env=BASE,
        encoding="utf-8",
        timeout=30,
    )
    shell.expect("on standard input: ")
    shell.sendline(command)
    shell.expect("Type yes: ")
    assert command in str(shell.before)
    shell.sendline("yes")
    shell.read()
    shell.close()
    assert shell.exitstatus == (0 if works else 1)
    assert VALUE not in out.read_text(), "what the command prints goes to the terminal"
    assert place.exists() is works
    assert [secret.revealed is None for secret in sealed.kept(own)] == [not works]
    decided = ("passed on", f"{name} to {command.split()[0]}")
    assert journalled(own) == ([decided] if works else [("kept", name), decided])
    if works:
        assert place.read_text() == VALUE


@pytest.mark.parametrize("arguments", [("save", "ci.key"), ("send",)])
def test_no_secret_leaves_without_a_terminal(
    own: Store, arguments: tuple[str, ...], tmp_path: Path
) -> None:
    way, *place = arguments
    done = run("secrets", way, keep(own), *place, given="cat\nyes\n")
    assert done.returncode == 3
    assert VALUE not in done.stdout + done.stderr
    assert [secret.revealed for secret in sealed.kept(own)] == [None]
