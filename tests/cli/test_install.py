"""`install` and `uninstall` as a person meets them, with the real server behind the entry."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pexpect
import pytest

from tests.cli.processes import COMMAND, run


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """A person's home with two clients, and no program of any on the path."""
    (tmp_path / ".cursor").mkdir()
    (tmp_path / ".codeium" / "windsurf").mkdir(parents=True)
    return {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "PWD": str(tmp_path)}


def test_nobody_is_asked_without_a_terminal(home: dict[str, str]) -> None:
    done = run("install", env=home)
    assert (done.returncode, done.stdout) == (3, "")
    assert "name the clients: claude-code, claude-desktop, cursor" in done.stderr
    assert run("uninstall", "--json", env=home).returncode == 1
    refused = run("install", "cursor", "--with-key", "--project", env=home)
    assert (refused.returncode, "leave out one of them" in refused.stderr) == (2, True)
    unset = run("install", "cursor", "--with-key", env=home)
    assert (unset.returncode, "are not set here" in unset.stderr) == (2, True)


def test_a_person_picks_and_what_is_installed_answers(home: dict[str, str]) -> None:
    person = pexpect.spawn(
        COMMAND,
        ["install", "--sandbox"],
        env={"TERM": "dumb", **home},
        cwd=home["HOME"],
        timeout=60,
        encoding="utf-8",
    )
    person.expect("1  Cursor\r\n2  Windsurf")
    person.expect("or all: ")
    person.sendline("3")
    person.expect("There is no 3.")
    person.sendline("1")
    person.expect("Type user or project: ")
    person.sendline("user")
    person.expect(r"Cursor: installed \(written\) and tried: 8 tools, [\d,]+ tokens")
    person.expect(pexpect.EOF)
    file = Path(home["HOME"]) / ".cursor/mcp.json"
    entry = json.loads(file.read_text())["mcpServers"]["descope"]
    assert entry == {"command": COMMAND, "args": ["serve", "--sandbox"]}
    assert os.path.isabs(entry["command"])

    checked = run("install", "--check", "--json", env=home)
    (row,) = map(json.loads, checked.stdout.splitlines())
    assert (checked.returncode, row["state"], row["tools"]) == (0, "answers", 8)
    (shown,) = map(
        json.loads, run("uninstall", "--dry-run", "--json", env=home).stdout.splitlines()
    )
    assert '-    "descope": {' in shown["difference"]
    gone = run("uninstall", env=home)
    assert gone.stdout.startswith("Cursor: removed (written)\n")
    assert json.loads(file.read_text()) == {"mcpServers": {}}


def test_a_bad_file_ends_no_other_client(home: dict[str, str]) -> None:
    (Path(home["HOME"]) / ".cursor/mcp.json").write_text("{,}")
    done = run("install", "cursor", "windsurf", "--dry-run", "--read-only", "--json", env=home)
    bad, good = map(json.loads, done.stdout.splitlines())
    assert (done.returncode, bad["client"], bad["error"]) == (1, "cursor", "client")
    assert "line 1, column 2" in bad["message"]
    assert (good["state"], good["args"]) == ("would change", ["serve", "--read-only"])
    assert not (Path(home["HOME"]) / ".codeium/windsurf/mcp_config.json").exists()
    printed = run("install", "goose", "--print", "--toolsets", "users", env=home).stdout
    assert "    - --toolsets\n      - users\n" in printed
