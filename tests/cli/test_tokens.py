"""`descope-mcp tokens` as a process: a token is shown once, in a terminal or in a private file."""

from __future__ import annotations

import json
from pathlib import Path

import pexpect
import pytest

from descope_mcp.cli.main import FAILED, REFUSED, USAGE
from descope_mcp.store import machine_tokens
from descope_mcp.store.store import Store

from .processes import BASE, COMMAND, run

CREATE = ("tokens", "create", "nightly", "--scope", "descope:read", "--for", "30d")


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store that only this test and the processes that it starts use."""
    store = Store(tmp_path / "state", tmp_path / "key")
    monkeypatch.setitem(BASE, "DESCOPE_MCP_STATE", str(store.directory))
    monkeypatch.setitem(BASE, "DESCOPE_MCP_KEY_FILE", str(store.key_file))
    return store


def test_a_token_is_made_listed_and_ended(own: Store, tmp_path: Path) -> None:
    assert run("tokens", "list").stdout == ""
    assert own.is_new
    place = tmp_path / "token"
    done = run(*CREATE, "--claim", "roles=support", "--output", str(place))
    assert (done.returncode, done.stderr) == (0, "")
    assert place.stat().st_mode & 0o777 == 0o600
    token = place.read_text(encoding="utf-8").strip()
    found = machine_tokens.find(own, token)
    assert found is not None
    listed = run("tokens", "list").stdout
    for part in (found.id, "usable", "token:nightly", "descope:read", "roles=support"):
        assert part in listed
    facts = json.loads(run("tokens", "list", "--json").stdout)
    assert (facts["name"], facts["usable"]) == ("nightly", True)
    assert run("tokens", "revoke", found.id).returncode == 0
    assert run("tokens", "revoke", found.id).returncode == FAILED
    assert machine_tokens.find(own, token) is None
    journal = run("journal", "list").stdout
    assert "granted" in journal
    assert "revoked" in journal
    assert run("journal", "verify").returncode == 0
    printed = done.stdout + listed + journal + run("tokens", "list", "--json").stdout
    assert token.rpartition("_")[2] not in printed


def test_it_is_shown_in_a_terminal_and_not_on_the_output(own: Store, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shell = pexpect.spawn(
        "/bin/sh", ["-c", f"{COMMAND} {' '.join(CREATE)} >{out}"], env=BASE, encoding="utf-8"
    )
    shown = str(shell.read()).strip()
    assert machine_tokens.find(own, shown) is not None
    assert shown not in out.read_text(encoding="utf-8")


def test_without_a_terminal_none_is_made(own: Store) -> None:
    assert run(*CREATE).returncode == REFUSED
    assert run("tokens", "list").stdout == ""


def test_a_token_that_cannot_be_handed_over_is_none(own: Store, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "nothing")
    for place in (link, tmp_path / "missing" / "token"):
        done = run(*CREATE, "--output", str(place))
        assert (done.returncode, done.stdout) == (FAILED, "")
        assert f"file {place} cannot be made" in done.stderr
    assert not (tmp_path / "nothing").exists()
    assert run("tokens", "list").stdout == ""


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("a:b", "--scope", "descope:read", "--for", "1d"), "letters, digits"),
        (("a", "--scope", "descope:reads", "--for", "1d"), "there is no scope descope:reads"),
        (("a", "--scope", "descope:toolset:cats", "--for", "1d"), "there is no scope"),
        (("a", "--scope", "descope:toolset:users", "--for", "1d"), "allows nothing"),
        (("a", "--scope", "descope:read", "--for", "367d"), "at most 366d"),
        (("a", "--scope", "descope:read", "--for", "1d", "--claim", "roles"), "roles=support"),
        (("a", "--scope", "descope:read", "--for", "1d", "--output", COMMAND), "exists already"),
        (("a", "--for", "1d"), "--scope"),
    ],
)
def test_what_cannot_be_made(own: Store, arguments: tuple[str, ...], told: str) -> None:
    done = run("tokens", "create", *arguments)
    assert done.returncode == USAGE
    assert told in done.stderr
    assert own.is_new
