from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from descope_mcp import __version__
from descope_mcp.cli.main import INTERRUPTED, USAGE

from ..api.sockets import answer, serving
from .processes import BASE, COMMAND, PRELOADED, run, settings_of

PRELOADEDS = ["serve", "tools", "call", "policy", "doctor", "sandbox"]


@pytest.mark.parametrize(
    "command", [[], *([c] for c in PRELOADEDS), *(["tools", c] for c in ("list", "show", "search"))]
)
def test_every_command_has_help(command: list[str]) -> None:
    done = run(*command, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Usage: {' '.join(['descope-mcp', *command])} ")
    if not command:
        assert all(f"  {name} " in done.stdout for name in PRELOADEDS)


def test_the_version_is_told() -> None:
    assert run("--version").stdout.strip().endswith(__version__)


@pytest.mark.parametrize("command", [["srve"], ["tools", "lst"], ["serve", "--alow-all"]])
def test_what_does_not_exist_is_wrong_usage(command: list[str]) -> None:
    done = run(*command)
    assert (done.returncode, done.stdout) == (USAGE, "")
    assert "No such" in done.stderr


KEY = "K m" * 20


@pytest.mark.parametrize(
    ("options", "env", "names"),
    [
        ([], {"DESCOPE_MCP_TIMEOUT": "soon"}, ["DESCOPE_MCP_TIMEOUT"]),
        ([], {"DESCOPE_BASE_URL": "http://api.example"}, ["DESCOPE_BASE_URL"]),
        ([], {"DESCOPE_MANAGEMENT_KEY": KEY}, ["DESCOPE_MANAGEMENT_KEY"]),
        (
            ["--sandbox"],
            {"DESCOPE_PROJECT_ID": "x", "DESCOPE_MCP_READ_ONLY": "x"},
            ["DESCOPE_PROJECT_ID", "DESCOPE_MCP_READ_ONLY"],
        ),
        (["--toolsets", "users,usres"], {}, ["DESCOPE_MCP_TOOLSETS"]),
        ([], {"DESCOPE_MCP_TOOLSETS": "usres"}, ["DESCOPE_MCP_TOOLSETS"]),
    ],
)
def test_wrong_settings_stop_the_start(
    options: list[str], env: dict[str, str], names: list[str]
) -> None:
    done = run("serve", *options, env=env)
    assert (done.returncode, done.stdout) == (USAGE, "")
    lines = done.stderr.removeprefix("descope-mcp: ").splitlines()
    assert [line.partition(":")[0] for line in lines] == names
    assert KEY not in done.stderr


def test_the_end_of_input_is_the_end() -> None:
    done = run("serve", "--sandbox")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


async def ask(
    tool: str, arguments: dict[str, Any], *options: str, log: Path, env: dict[str, str]
) -> tuple[list[str], Any]:
    """The listed tools and one result of a server process."""
    parameters = StdioServerParameters(command=COMMAND, args=list(options), env={**BASE, **env})
    with log.open("w") as errors:
        async with Client(stdio_client(parameters, errlog=errors)) as client:
            names = [t.name for t in (await client.list_tools()).tools]
            return names, await client.call_tool(tool, arguments)


@pytest.mark.anyio
async def test_without_credentials_it_starts_and_sends_nothing(tmp_path: Path) -> None:
    log = tmp_path / "log"
    async with serving(answer()) as server:
        env = {"DESCOPE_BASE_URL": server.url}
        _, done = await ask(
            "descope_read", {"operation": "LoadAllPermissions"}, "serve", log=log, env=env
        )
        assert server.requests == []
    assert done.is_error
    assert done.structured_content["error"] == "missing_credential"
    assert "Set DESCOPE_MANAGEMENT_KEY" in done.structured_content["remedy"]
    assert "no management key" in log.read_text()


@pytest.mark.anyio
async def test_without_a_command_it_serves(tmp_path: Path, sandbox: dict[str, str]) -> None:
    read = {"operation": "LoadTenant", "arguments": {"id": "globex"}}
    names, done = await ask("descope_read", read, log=tmp_path / "log", env=sandbox)
    assert "descope_search" in names
    assert done.structured_content["answer"]["tenant"]["id"] == "globex"
    assert (tmp_path / "log").read_text() == ""


@pytest.mark.anyio
async def test_toolsets_and_read_only_come_from_options(tmp_path: Path) -> None:
    names, done = await ask(
        "CreateList",
        {"name": "x", "type": "texts"},
        *("serve", "--sandbox", "--read-only", "--toolsets", "lists"),
        log=tmp_path / "log",
        env={},
    )
    assert "GetAllLists" in names
    assert "CreateList" not in names
    assert done.structured_content["rule"] == "read-only"


def test_neither_serving_nor_a_read_imports_what_it_may_not_need() -> None:
    script = """
import sys, anyio
import descope_mcp.cli.main, descope_mcp.cli.commands.serve, descope_mcp.server.transports.stdio
from descope_mcp import settings
from descope_mcp.cli import wiring
from descope_mcp.server.app import alone, build
from descope_mcp.server.surface.offer import Offers

async def main():
    async with wiring.services(settings.load()) as services:
        Offers(services.catalog).to(services, ["all"])
        build(services.catalog, alone(services))

anyio.run(main)
late = ("httpx", "httpcore", "yaml", "hypothesis", "snowballstemmer", "rich", "tiktoken")
late += ("ruamel", "tomlkit", "keyring", "descope_mcp.clients")
print([name for name in late if name in sys.modules])
print([name for name in sys.modules if name.startswith("descope_mcp.sandbox")])
import descope_mcp.cli.commands.call
print("sqlalchemy" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], env=BASE, capture_output=True, text=True, timeout=30
    )
    assert (done.stdout.splitlines(), done.stderr) == (["[]", "[]", "False"], "")


def test_the_sandbox_prints_how_to_connect(sandbox: dict[str, str]) -> None:
    assert list(sandbox) == ["DESCOPE_BASE_URL", "DESCOPE_PROJECT_ID", "DESCOPE_MANAGEMENT_KEY"]
    assert run("call", "LoadAllPermissions", env=sandbox).returncode == 0


def test_the_sandbox_ends_with_an_interrupt() -> None:
    with subprocess.Popen(
        [PRELOADED, "sandbox"], env=BASE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stderr
        settings_of([process.stdout.readline() for _ in range(3)])
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(10) == INTERRUPTED
        assert process.stderr.read().strip() == ""


def test_a_port_that_cannot_be_had_is_one_message() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = run("sandbox", "--port", port)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (USAGE, "", 1)
    assert port in done.stderr
    assert run("sandbox", "--port", "70000").returncode == USAGE
