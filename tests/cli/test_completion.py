"""Completion in the shells themselves, as somebody types."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import click
import pexpect
import pytest

from descope_mcp.cli.main import cli
from tests.cli.processes import COMMAND

_BESIDE = {**os.environ, "PATH": f"{Path(COMMAND).parent}:{os.environ['PATH']}", "TERM": "dumb"}


def test_bash_completes_a_command_and_its_options() -> None:
    shell = pexpect.spawn(
        "bash", ["--norc", "--noprofile", "-i"], env=_BESIDE, encoding="utf-8", timeout=30
    )
    try:
        shell.sendline("bind 'set enable-bracketed-paste off'; PS1='> '")
        shell.sendline('eval "$(descope-mcp completion bash)"; echo rea""dy')
        shell.expect("ready")
        shell.send("descope-mcp jou\t")
        shell.expect("journal ")
        shell.send("ver\t")
        shell.expect("verify ")
    finally:
        shell.close(force=True)


@pytest.mark.parametrize(
    ("shell", "check"),
    [("bash", ["-n"]), ("zsh", ["-n"]), ("fish", ["--no-execute"])],
)
def test_the_scripts_are_ones_that_the_shells_read(
    shell: str, check: list[str], tmp_path: Path
) -> None:
    made = subprocess.run([COMMAND, "completion", shell], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    assert "_DESCOPE_MCP_COMPLETE" in made.stdout
    if found := shutil.which(shell):
        script = tmp_path / "script"
        script.write_text(made.stdout)
        read = subprocess.run([found, *check, script], capture_output=True, text=True)
        assert (read.returncode, read.stderr) == (0, "")


def test_commands_are_completed_without_importing_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def imported(name: str) -> None:
        raise AssertionError(f"{name} was imported")

    monkeypatch.setattr("descope_mcp.cli.main._command", imported)
    context = click.Context(cli, info_name="descope-mcp")
    assert [item.value for item in cli.shell_complete(context, "jo")] == ["journal"]
    every = [item.value for item in cli.shell_complete(context, "")]
    assert every == cli.list_commands(context)
    assert "--version" in [item.value for item in cli.shell_complete(context, "--")]
