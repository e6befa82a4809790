"""Every command: its help says what it does and shows how; ``--json`` prints JSON lines alone."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pexpect
import pytest

from descope_mcp.cli import main
from descope_mcp.cli.help import examples
from descope_mcp.store.store import Store

from .processes import BASE, COMMAND

#: A command leaves its store to the end of its process, and here is one process for all.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

COMMANDS = {" ".join(words): one for words, one in examples.commands(main.cli)}
#: They speak with a person or a client as long as they run.
CONVERSATIONS = {"serve", "approvals watch", "console"}
#: What they print is a script, for a shell.
SCRIPTS = {"completion"}

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """The command line in this process, with nobody at a terminal: exit code, output, errors."""
    monkeypatch.chdir(tmp_path)

    def ran(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["descope-mcp", *arguments])
        with pytest.raises(SystemExit) as ended:
            main.main()
        out, err = capsys.readouterr()
        code = ended.value.code
        return code if isinstance(code, int) else 0, out, err

    return ran


@pytest.mark.parametrize("name", COMMANDS)
def test_help_says_what_a_command_does_and_shows_how(name: str, run: Run) -> None:
    code, out, _ = run(*name.split(), "--help")
    assert code == 0
    summary = COMMANDS[name].get_short_help_str(limit=300)
    assert summary[0].isupper()
    assert summary.endswith((".", ")", "wrong"))
    assert "\n  Examples:\n    descope-mcp " in out
    for parameter in COMMANDS[name].params:
        assert not isinstance(parameter, click.Option) or parameter.help, parameter.name


@pytest.mark.parametrize("name", COMMANDS)
def test_examples_are_of_the_command_and_can_be_understood(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for file in ("openapi.json", "policy.toml", "offboard.yaml", "export.jsonl", "journal.pem"):
        (tmp_path / file).write_text("{}")
    for line in examples.examples()[name]:
        words = shlex.split(line.partition(" > ")[0])
        assert words[: len(name.split()) + 1] == ["descope-mcp", *name.split()]
        with COMMANDS[name].make_context(name, words[len(name.split()) + 1 :]):
            pass


def test_no_example_is_of_a_command_that_is_not_there() -> None:
    assert examples.examples().keys() == COMMANDS.keys()


#: What is given beside --json, where nothing else makes sense; the rest is run as it is.
ARGUMENTS = {
    "install": ["cursor", "--print"],
    "uninstall": ["cursor"],
    "tools show": ["LoadUser"],
    "tools search": ["delete", "a", "user"],
    "call": ["LoadTenant", "--arguments", '{"id": "globex"}', "--sandbox"],
    "policy explain": ["DeleteUser"],
    "policy check": ["ide-agent"],
    "policy replay": ["ide-agent"],
    "approvals show": ["99"],
    "approvals diff": ["99"],
    "approvals approve": ["99"],
    "approvals deny": ["99"],
    "approvals revoke": ["99"],
    "approvals wait": ["99"],
    "grants create": [
        *("--operation", "DeleteTenant", "--for", "1h"),
        *("--arguments", '{"id": "globex", "cascade": true}'),
    ],
    "grants revoke": ["99"],
    "tokens create": ["n", "--scope", "descope:read", "--for", "1h"],
    "tokens revoke": ["nothing"],
    "plan check": ["missing.yaml"],
    "plan run": ["missing.yaml"],
    "plan resume": ["abcd"],
    "plan show": ["abcd"],
    "plan export": ["abcd"],
    "undo": ["abcd"],
    "journal show": ["abcd"],
    "journal verify": [],
    "contract diff": ["missing.json"],
    "contract update": ["missing.json"],
    "secrets reveal": ["nothing"],
    "secrets save": ["nothing", "file"],
    "secrets send": ["nothing"],
    "secrets forget": ["nothing"],
    "sandbox": ["--seed", "missing.yaml"],
    "sandbox export": ["http://127.0.0.1:9"],
    "sandbox record": ["--from", "http://example.com", "--output", "seed.yaml"],
    "sandbox wait": ["http://127.0.0.1:9", "--timeout", "0"],
}
#: These take a while and are run elsewhere.
SLOW = {"policy verify", "doctor"}
#: What these print is JSON lines or a document by themselves.
DATA = {"journal export"}


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - CONVERSATIONS - SCRIPTS - SLOW))
def test_json_is_one_object_a_line_and_nothing_else(
    name: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for setting, place in (("STATE", "state"), ("KEY_FILE", "key")):
        monkeypatch.setenv(f"DESCOPE_MCP_{setting}", str(tmp_path / place))
    code, out, err = run(*name.split(), *ARGUMENTS.get(name, []), "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert all(isinstance(line, dict) for line in lines)
    assert err == ""
    if code:
        (problem,) = lines
        assert problem["error"]
        assert problem["message"]


def test_lists_are_tables_in_a_terminal_and_lines_elsewhere(
    run: Run, monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    _, lines, _ = run("tools", "list", "--toolset", "roles")
    assert lines.splitlines()[0].startswith("LoadAllPermissions  ")
    monkeypatch.setattr("descope_mcp.cli.display.tables.in_terminal", lambda: True)
    _, table, _ = run("tools", "list", "--toolset", "roles")
    assert "operation" in table.splitlines()[1]
    assert all(len(line) <= 100 for line in table.splitlines())
    assert "\x1b[" not in table, "colours are for a terminal"
    monkeypatch.setenv("COLUMNS", "40")
    assert run("tools", "list", "--toolset", "roles")[1] == lines, "no table of single letters"
    code, out, err = run("grants", "list")
    assert (code, out, err) == (0, "", "There are no grants.\n")


def test_alone_in_a_terminal_it_says_what_comes_next(store: Store) -> None:
    """And in no terminal it serves, since clients start it so."""
    shell = pexpect.spawn(COMMAND, env={**BASE, "TERM": "dumb"}, encoding="utf-8", timeout=30)
    shell.expect(pexpect.EOF)
    shell.close()
    shown = str(shell.before)
    assert shell.exitstatus == 0
    assert "project         not set" in shown
    assert "descope-mcp call SearchUsers --sandbox" in shown
    assert "speaks with it over standard input" in shown
