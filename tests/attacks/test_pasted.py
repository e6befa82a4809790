"""Lines that are printed to be pasted, with names that want to be commands."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import descope_mcp
from descope_mcp.guard.question import shell_quoting
from descope_mcp.store.consent import approvals
from descope_mcp.store.journal import write_ahead
from descope_mcp.store.journal.entry import Intent
from descope_mcp.store.store import Store
from tests.attacks.tally import BYPASSED, CALLS, none, tally
from tests.cli.processes import BASE, COMMAND, run
from tests.recorder import PROJECT

SHELLS = [shell for shell in ("sh", "bash", "zsh") if shutil.which(shell)]
NAMES = (
    "'; touch owned; '",
    "'\"'; touch owned #",
    "$(touch owned)",
    "`touch owned`",
    "${IFS}; touch${IFS}owned",
    "a\ntouch owned\n",
    "a\r\ntouch owned",
    "\\'; touch owned; \\'",
    "!!; touch owned",
    "& touch owned &",
    "> owned",
    "--sandbox",
    "-rf",
    "~/x",
    "*",
    "é\u202e\u2028touch owned",
    "\x1b[201~; touch owned",
    "\x7f\x08touch owned",
    "\"}'; touch owned; echo '{\"",
    "",
)
#: Of these, those that end a quotation, substitute, break the line or steer the terminal.
SHOWN = (0, 1, 2, 5, 15, 16)
_ECHO = "#!{python}\nimport json, sys\nprint(json.dumps(sys.argv[1:]))\n"
_COMMAND = re.compile(r"(?:^|[`:( ])(descope-mcp [a-z][^`\n]*)", re.MULTILINE)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory to run in, whose `descope-mcp` says what it was called with."""
    echo = tmp_path / "bin" / "descope-mcp"
    echo.parent.mkdir()
    python = str(Path(COMMAND).with_name("python"))
    echo.write_text(_ECHO.format(python=python))
    echo.chmod(0o755)
    return tmp_path


def words(place: Path, line: str, shell: str) -> list[str]:
    """What a shell makes of a pasted line: the words that the program gets."""
    tally[CALLS] += 1
    env = {"PATH": f"{place / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    ended = subprocess.run([shell], input=f"{line}\n", cwd=place, env=env, **_PIPES)
    none([f"{shell}: {line}"] if (place / "owned").exists() else [], BYPASSED)
    out = ended.stdout.splitlines()
    assert len(out) == 1, (line, ended)
    found: list[str] = json.loads(out[0])
    return found


_PIPES: dict[str, Any] = {"capture_output": True, "text": True, "timeout": 20}


@pytest.mark.parametrize("shell", SHELLS)
def test_a_command_is_its_words_in_every_shell(place: Path, shell: str) -> None:
    for name in NAMES:
        line = shell_quoting.command("call", "LoadUser", arguments={"loginId": name, name: [name]})
        assert line.isprintable()
        *before, given = words(place, line, shell)
        assert before == ["call", "LoadUser", "--arguments"]
        assert json.loads(given) == {"loginId": name, name: [name]}
        shown = "".join(c if c.isprintable() else "?" for c in name)
        assert words(place, shell_quoting.command("grants", "revoke", name), shell)[2:] == [shown]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_setting_is_its_value_in_every_shell(place: Path, shell: str) -> None:
    for name in NAMES:
        line = f'{shell_quoting.setting("X", name)}; export X; descope-mcp "$X"'
        shown = "".join(c if c.isprintable() else "?" for c in name)
        assert words(place, line, shell) == [shown]


@pytest.fixture
def env(place: Path) -> dict[str, str]:
    """The settings of a store in which every name stands wherever one can."""
    store = Store(place / "state", place / "config" / "key")
    for number, name in enumerate(NAMES):
        intent = Intent(
            call=_call(number),
            project=PROJECT,
            caller=name,
            operation="DeleteUser",
            effect="destructive",
            rule=name,
            consent="person",
            target=name,
            details={"arguments": {"loginId": name}, "before": [{"loginIds": [name]}]},
        )
        write_ahead.intend(store, intent)
        write_ahead.settle(store, intent, "unknown", name)
        approvals.file(
            store,
            project=PROJECT,
            caller=name,
            operation="DeleteUser",
            binding=f"{number}",
            question=f"Delete {name}",
            typed=name,
        )
    store.close()
    own = {"DESCOPE_MCP_STATE": "state", "DESCOPE_MCP_KEY_FILE": "config/key"}
    return {**BASE, **{setting: str(place / where) for setting, where in own.items()}}


def _call(number: int) -> str:
    return f"{number:08}-0000-4000-8000-000000000001"


def test_no_command_prints_a_line_that_does_something_else(
    place: Path, env: dict[str, str]
) -> None:
    """Whatever looks like a command in what is printed is pasted."""
    name = NAMES[0]
    for number in SHOWN:
        (line,) = _COMMAND.findall(run("journal", "show", _call(number), env=env).stdout)
        *before, given = words(place, line, "sh")
        assert before == ["call", "LoadUser", "--arguments"]
        assert json.loads(given) == {"loginId": NAMES[number]}
    for arguments in (
        ["journal", "list"],
        ["journal", "verify"],
        ["journal", "export", "--details"],
        ["approvals", "list"],
        ["approvals", "show", "1"],
        ["call", "LoadUser", "--sandbox", "--arguments", json.dumps({"nothing": name})],
        ["call", name, "--sandbox"],
        ["undo", name, "--sandbox"],
        ["grants", "create", "--operation", name, "--for", "1h"],
        ["policy", "explain", name],
    ):
        printed = run(*arguments, env=env)
        for line in _COMMAND.findall(printed.stdout + printed.stderr):
            words(place, line.rstrip(").,"), "sh")


#: A value that a shell reads as one word, or that is a word of our own.
_QUOTED = re.compile(r"shlex\.quote\(|pasted\.|closing$")


def _built(tree: ast.AST) -> Iterator[ast.JoinedStr]:
    """The texts that begin a command line and go on with a value that nothing has quoted."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.JoinedStr):
            continue
        before = ""
        for part in node.values:
            if isinstance(part, ast.Constant):
                before += str(part.value)
            elif isinstance(part, ast.FormattedValue):
                begun = re.search(r"(?:descope-mcp [a-z]|chmod )[^`).;]*$", before)
                if begun and not _QUOTED.match(ast.unparse(part.value)):
                    yield node


def test_no_text_with_a_command_in_it_is_put_together_by_hand() -> None:
    """Values get into a command through `pasted.command` alone, also in what is added later."""
    root = Path(descope_mcp.__file__).parent
    found = [
        f"{path.relative_to(root)}:{node.lineno}"
        for path in root.rglob("*.py")
        for node in _built(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not found
