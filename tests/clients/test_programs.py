"""The clients' own programs read what was installed, and start it. They are a gigabyte."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests import foreign_packages
from tests.cli.processes import COMMAND

HERE = Path(__file__).parent / "programs"
MODULES = HERE / "node_modules"
#: The programs as npm brings them, by the names that people call.
PROGRAMS = {
    "claude": "@anthropic-ai/claude-code-linux-x64/claude",
    "codex": "@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex",
    "gemini": "@google/gemini-cli/bundle/gemini.js",
    "opencode": "opencode-linux-x64/bin/opencode",
}
#: How each is asked what it has, and what it says of a server that it has started.
ASKED = {
    "claude-code": (["claude", "mcp", "get", "descope"], "Connected"),
    "codex": (["codex", "mcp", "get", "descope", "--json"], '"enabled": true'),
    "gemini-cli": (["gemini", "mcp", "list"], "(stdio) - Connected"),
    "opencode": (["opencode", "mcp", "list"], "✓ descope"),
}
#: What stands there before, with comments where the client takes them.
BEFORE = {
    "claude-code": (".claude.json", '{"mcpServers": {"other": {"command": "true"}}}'),
    "codex": (
        ".codex/config.toml",
        '# mine\nmodel = "x"\n\n[mcp_servers.other]\ncommand = "true"\n',
    ),
    "gemini-cli": (
        ".gemini/settings.json",
        '{\n  // mine\n  "mcpServers": {\n    "other": {\n      "command": "true"\n    }\n  }\n}\n',
    ),
    "opencode": (".config/opencode/opencode.jsonc", '{\n  // mine\n  "mcp": {}\n}\n'),
}

pytestmark = [
    pytest.mark.campaign,
    pytest.mark.skipif(platform.machine() != "x86_64", reason="the pins are of one platform"),
]


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of programs to call, each without anything that it would fetch or ask."""
    node = foreign_packages.node(HERE)
    path = tmp_path_factory.mktemp("bin")
    for name, place in PROGRAMS.items():
        runs = f"{node} {MODULES / place}" if place.endswith(".js") else str(MODULES / place)
        (path / name).write_text(f'#!/bin/sh\nexec {runs} "$@"\n')
        (path / name).chmod(0o755)
    return path


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for place, text in BEFORE.values():
        file = tmp_path / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    trusted = tmp_path / ".gemini" / "trustedFolders.json"
    trusted.write_text(f'{{"{tmp_path}": "TRUST_FOLDER"}}')
    return tmp_path


def ran(command: list[str], env: Mapping[str, str]) -> str:
    done = subprocess.run(
        command,
        env=env,
        cwd=env["HOME"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=200,
        start_new_session=True,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.parametrize("own_command", [True, False], ids=["own command", "written"])
@pytest.mark.parametrize("client", ASKED)
def test_the_client_starts_what_was_installed(
    programs: Path, home: Path, client: str, own_command: bool
) -> None:
    outside = {"HOME": str(home), "PATH": os.environ["PATH"], "TERM": "dumb"}
    with_programs = {**outside, "PATH": f"{programs}:{outside['PATH']}"}
    said = ran([COMMAND, "install", client, "--sandbox"], with_programs if own_command else outside)
    has_one = client != "opencode"
    assert ("(written)" in said) is not (own_command and has_one), said
    question, answer = ASKED[client]
    assert answer in ran(question, with_programs)
    file = home / BEFORE[client][0]
    assert client == "claude-code" or "mine" in file.read_text()
    ran([COMMAND, "uninstall", client], with_programs if own_command else outside)
    assert "descope-mcp" not in file.read_text()
    assert client == "opencode" or "other" in file.read_text()
