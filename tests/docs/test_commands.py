"""Every command of README and documentation runs, against one sandbox, in the order of the page."""

from __future__ import annotations

import base64
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import click
import pexpect
import pytest

from descope_mcp.cli.main import cli
from descope_mcp.guard.question.question_data import Disclosure, Project, to_json
from descope_mcp.store.consent import approvals
from descope_mcp.store.secrets import sealed
from descope_mcp.store.secrets.handle import Owner, Secret, handle
from descope_mcp.store.store import Store
from tests.cli.processes import BASE, COMMAND, PRELOADED, run
from tests.postgres import PASSWORD, cluster
from tests.recorder import STORE_SETTINGS

from .pages import SHELL, Command, blocks, commands, prose, written

PAGES = [page for page in written() if commands(page)]
_SIMPLE = re.compile(r"descope-mcp(?: [^|&;<>$`]*)?")
_PATIENCE = 60
#: What several pages show is run once: by command and store.
_SAID: dict[tuple[str, str], str] = {}


@cache
def told() -> dict[str, list[dict[str, Any]]]:
    """What `commands.toml` says."""
    return tomllib.loads(Path(__file__).with_name("commands.toml").read_text(encoding="utf-8"))


@cache
def table() -> dict[str, dict[str, dict[str, Any]]]:
    """What it says of commands, by command."""
    read = told()
    return {kind: {row["command"]: row for row in read[kind]} for kind in ("run", "not_run")}


@cache
def files() -> dict[str, str]:
    """The files that commands read, as the pages show them."""
    found = {}
    for file in told()["file"]:
        shown = [one.text for one in blocks(file["page"]) if one.language == file["language"]]
        found[file["name"]] = shown[file["block"]]
    return found


def test_what_is_marked_stands_somewhere_and_has_a_reason() -> None:
    there = {one.text for page in PAGES for one in commands(page)}
    for kind, rows in table().items():
        assert rows.keys() - there == set(), kind
    assert all(len(row["why"]) > 15 for row in table()["not_run"].values())
    assert table()["run"].keys() & table()["not_run"].keys() == set()


def test_commands_stand_in_blocks_that_say_so() -> None:
    begins = re.compile(
        r"^\s*(?:\$ )?(?:descope-mcp|pip|pipx|uvx?|npx|docker|curl|scripts/\w+) ", re.M
    )
    for page in written():
        for block in blocks(page):
            if block.language not in SHELL:
                assert not begins.search(block.text), f"{page}:{block.line}: say that it is `sh`"


def test_commands_in_the_text_exist_with_their_options() -> None:
    for page in written():
        for found in re.finditer(r"`descope-mcp ([a-z][^`]*)`", prose(page)):
            exists(page, found[1].replace("\n", " "))


def exists(page: str, line: str) -> None:
    """Fail if there is no such command, or it has no such option."""
    command: click.Command = cli
    words = re.findall(r"'[^']*'|\S+", line)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        inner = command.get_command(click.Context(command), words[0])
        if inner is None and not re.fullmatch("[a-z-]+", words[0]):
            return
        assert inner, f"{page}: descope-mcp {line}"
        command = inner
        words.pop(0)
    known = {name for option in command.params for name in option.opts}
    for word in words:
        if word.startswith("--"):
            assert word.partition("=")[0] in known, f"{page}: descope-mcp {line}"


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The settings of a reader: a sandbox in Descope's place, and a store."""
    places = tmp_path_factory.mktemp("reader")
    store = {
        STORE_SETTINGS[0]: str(places / "state"),
        STORE_SETTINGS[1]: str(places / "config/key"),
    }
    reader = {**BASE, **store, "DESCOPE_MCP_WAIT": "0", "TERM": "dumb", "LANG": "C.UTF-8"}
    # Nobody's own configurations of clients.
    reader["HOME"] = str(places)
    for client in (".cursor", ".codeium/windsurf"):
        (places / client).mkdir(parents=True)
    reader["PATH"] = f"{Path(COMMAND).parent}{os.pathsep}{reader['PATH']}"
    with subprocess.Popen(
        [PRELOADED, "sandbox"], env=reader, stdout=subprocess.PIPE, text=True
    ) as box:
        assert box.stdout
        said = [box.stdout.readline().strip() for _ in range(3)]
        yield reader | dict(line.split("=", 1) for line in said)
        box.terminate()


@pytest.fixture(scope="module")
def made(env: dict[str, str]) -> dict[str, str]:
    """What the pages' commands name: a user, a call in the journal, a request, secrets, a port."""
    user = json.dumps({"loginId": "ada@example.com", "name": "Ada"})
    done = run("call", "CreateUser", "--json", "--arguments", user, env=env)
    assert done.returncode == 0, done.stderr
    store = Store(*(Path(env[name]) for name in STORE_SETTINGS))
    said = Disclosure(
        "DeleteUser",
        "Delete a user",
        'Delete the user "x"',
        Project('"P1"'),
        "agent",
        "destructive",
    )
    number = [
        approvals.file(
            store,
            project="P1",
            caller="agent",
            operation="DeleteUser",
            binding=which,
            question=to_json(said),
            typed="",
        )
        for which in ("to answer", "to watch")
    ]
    owner = Owner("P1", "somebody")
    handles = [handle(store.key, owner, "", value) for value in ("first", "second")]
    for name, value in zip(handles, ("first", "second"), strict=True):
        secret = Secret("CreateAccessKey", "cleartext", "access_key", value, lasting=True)
        sealed.keep(store, owner, {name: secret})
    store.close()
    assert number[0]
    return {
        "call": json.loads(done.stdout)["callId"],
        "request": str(number[0].number),
        "handle": handles[0],
        "other_handle": handles[1],
        "sandbox_port": env["DESCOPE_BASE_URL"].rpartition(":")[2],
    }


def with_postgresql(env: dict[str, str], place: Path, key: str) -> dict[str, str]:
    """The settings of a reader whose store is in PostgreSQL, and has an entry."""
    url = cluster().database()
    libpq = {"PGHOST": "127.0.0.1", "PGPORT": str(cluster().port), "PGUSER": "tester"}
    env = {**env, **libpq, "PGPASSWORD": PASSWORD, "DESCOPE_MCP_DATABASE_URL": url.text}
    env["DESCOPE_MCP_STATE"] = str(place / "state")
    env["DESCOPE_MCP_KEY_FILE"] = str(place / "config" / "key")
    if key == "variable":
        env["DESCOPE_MCP_KEY_FILE"] = ""
        env["DESCOPE_MCP_KEY"] = base64.b64encode(os.urandom(32)).decode()
    new = json.dumps({"name": place.name})
    done = run("call", "CreateTenant", "--arguments", new, env=env)
    assert done.returncode == 0, done.stderr
    return env


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page_run(
    page: str,
    env: dict[str, str],
    made: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in files().items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    for row in told()["postgresql"]:
        if row["page"] == page:
            env = with_postgresql(env, tmp_path, row["key"])
    with ExitStack() as running:
        for command in commands(page):
            if command.text in table()["not_run"]:
                continue
            row = table()["run"].get(command.text, {})
            line = row.get("as", command.text)
            if "{free_port}" in line:
                made["free_port"] = str(free_port())
            line = put_in(line, made)
            once = (line, env["DESCOPE_MCP_STATE"])
            if once in _SAID:
                said = _SAID[once]
            elif "answers" in row or "until" in row:
                said = typed(command, line, env, row, running)
            else:
                said = ran(command, line, env)
            if _SIMPLE.fullmatch(line) and "until" not in row:
                _SAID[once] = said
            for name, pattern in row.get("keeps", {}).items():
                kept = re.search(pattern, said)
                assert kept, said
                made[name] = kept[1]
            for shown in command.shown:
                parts = put_in(shown, made).strip().split("...")
                assert all(part in said for part in parts), f"{command}\n{said}"


def put_in(text: str, made: dict[str, str]) -> str:
    """What a reader has in the places of braces, and where the page's servers are."""
    text = re.sub(r"\{(\w+)\}", lambda found: made.get(found[1], found[0]), text)
    text = text.replace("localhost:8080", f"localhost:{made['sandbox_port']}")
    return text.replace("127.0.0.1:8080", f"127.0.0.1:{made.get('free_port', 8080)}")


def ran(command: Command, line: str, env: dict[str, str]) -> str:
    """What a command says that asks nobody."""
    if _SIMPLE.fullmatch(line):
        done = run(*shlex.split(line)[1:], env=env)
    else:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", line],
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
        )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    assert "/sandbox/" not in line or "error" not in done.stdout, f"{command}\n{done.stdout}"
    return done.stdout


def typed(
    command: Command, line: str, env: dict[str, str], row: dict[str, Any], running: ExitStack
) -> str:
    """What a command says in a terminal, where it is answered, or ended once it says `until`."""
    shell = pexpect.spawn(
        "bash",
        ["-c", f"exec {line}"],
        env=env,
        encoding="utf-8",
        timeout=_PATIENCE,
        codec_errors="replace",
    )
    running.callback(shell.close, force=True)
    said = ""
    try:
        for prompt, answer in row.get("answers", {}).items():
            shell.expect_exact(prompt)
            said += shell.before
            shell.sendline(answer)
        if until := row.get("until"):
            shell.expect_exact(until)
            said += shell.before + until + shell.readline()
            if row.get("stays"):
                running.callback(ended, shell, command, {0, 130})
                return said
        ended(shell, command, {0, 130} if until else {0})
    except pexpect.ExceptionPexpect:
        raise AssertionError(f"{command}\n{said}{shell.before}") from None
    return said + shell.before


def ended(shell: pexpect.spawn, command: Command, wanted: set[int]) -> None:
    """Wait for the end of a command; one that stays is told to end."""
    if 130 in wanted:
        shell.kill(signal.SIGINT)
    shell.expect(pexpect.EOF)
    shell.close()
    assert shell.exitstatus in wanted, f"{command} ended with {shell.exitstatus}\n{shell.before}"


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
