"""The servers that are compared: how each is started, called and searched."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers import environments
from benchmarks.peers.client import Message
from descope_mcp import __version__
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.operation import Operation

#: A call of an operation: the name of the tool and its arguments.
Call = tuple[str, Message]
_PATIENCE = 120.0


@dataclass(frozen=True, slots=True)
class Server:
    """One server, or one of the ways to run it.

    Attributes:
        title: the head of its column.
        version: what was measured.
        stdio: the command that serves on stdin and stdout.
        http: the command that serves on this port of 127.0.0.1.
        call: how an operation is called.
        search: the tool that searches, or "".
        found: the operations in a search's answer, best first.
        own: whether it is this project.
    """

    title: str
    version: str
    stdio: list[str]
    http: Callable[[int], list[str]]
    call: Callable[[Operation, Message], Call]
    search: str = ""
    found: Callable[[Message], list[str]] = lambda answer: []
    own: bool = False


def environment(
    address: str, project: str, key: str, document: Path, state: Path
) -> dict[str, str]:
    """The settings of all servers: where the API is, its key, the document, and no chatter."""
    bearer = f"Bearer {project}:{key}"
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(state),
        "DESCOPE_BASE_URL": address,
        "DESCOPE_PROJECT_ID": project,
        "DESCOPE_MANAGEMENT_KEY": key,
        "DESCOPE_MCP_STATE": str(state / "state"),
        "DESCOPE_MCP_KEY_FILE": str(state / "key"),
        "DESCOPE_MCP_WAIT": "0",
        "FASTMCP_LOG_LEVEL": "CRITICAL",
        "FASTMCP_CHECK_FOR_UPDATES": "off",
        "API_BASE_URL": address,
        "API_HEADERS": f"Authorization:{bearer}",
        "OPENAPI_SPEC_PATH": str(document),
        "VERBOSE": "false",
    }


def all_servers(catalog: Catalog, document: Path, *, make: bool = True) -> list[Server]:
    """The project on both its surfaces, and the peers.

    Raises:
        Missing: a peer's environment is not there.
    """
    return [*own_servers(), *_fastmcp(document, make), *ivotoby_servers(make=make)]


@contextmanager
def serving(server: Server, settings: Mapping[str, str]) -> Iterator[int]:
    """The port on which the server serves over HTTP."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    with subprocess.Popen(
        server.http(port),
        env=settings,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            _await(process, port)
            yield port
        finally:
            process.kill()


def _await(process: subprocess.Popen[bytes], port: int) -> None:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"{process.args!r} does not serve")


def _by_name(operation: Operation, arguments: Message) -> Call:
    return operation.name, arguments


def own_servers() -> Iterator[Server]:
    """The hub and the list of all operations."""
    serve = [sys.executable, "-m", "descope_mcp", "serve"]

    def http(port: int) -> list[str]:
        return [*serve, "--http", f"127.0.0.1:{port}", "--no-auth"]

    def through(operation: Operation, arguments: Message) -> Call:
        given = {"operation": operation.name, "arguments": arguments}
        return f"descope_{operation.effect}", given

    yield Server(
        "descope-mcp, hub",
        __version__,
        serve,
        http,
        through,
        "descope_search",
        lambda answer: [one["name"] for one in answer["structuredContent"]["operations"]],
        own=True,
    )
    everything = ("--toolsets", "all")
    yield Server(
        "descope-mcp, all tools",
        __version__,
        [*serve, *everything],
        lambda port: [*http(port), *everything],
        _by_name,
        own=True,
    )


def _fastmcp(document: Path, make: bool) -> Iterator[Server]:
    python = str(environments.fastmcp(make=make))
    script = [python, str(Path(__file__).with_name("fastmcp_server.py")), str(document)]
    version = environments.FASTMCP.rpartition("=")[2]
    yield Server(
        "fastmcp from_openapi", version, script, lambda p: [*script, "--http", str(p)], _by_name
    )
    ranked = [*script, "--search"]

    def through(operation: Operation, arguments: Message) -> Call:
        return "call_tool", {"name": operation.name, "arguments": arguments}

    yield Server(
        "fastmcp with ranked search",
        version,
        ranked,
        lambda port: [*ranked, "--http", str(port)],
        through,
        "search_tools",
        lambda answer: [one["name"] for one in answer["structuredContent"]["result"]],
    )


def ivotoby_servers(*, make: bool) -> Iterator[Server]:
    """``@ivotoby/openapi-mcp-server``, with all operations listed and with none.

    Raises:
        Missing: it is not there.
    """
    script = environments.ivotoby(make=make)
    run = ["node", str(script)]
    version = environments.IVOTOBY.rpartition("@")[2]

    def served(mode: str) -> tuple[list[str], Callable[[int], list[str]]]:
        command = [*run, "--tools", mode]
        return command, lambda port: [*command, "--transport", "http", "--port", str(port)]

    def by_endpoint(operation: Operation, arguments: Message) -> Call:
        # Its names are shortened ones; it takes its ids in their place.
        path = re.sub(r"\{([^}]+)\}", r"---\1", operation.path.lstrip("/")).replace("/", "__")
        return f"{operation.method}::{re.sub(r'[^A-Za-z0-9_-]', '', path)}", arguments

    def invoke(operation: Operation, arguments: Message) -> Call:
        given = {"endpoint": operation.path, "method": operation.method, "params": arguments}
        return "invoke-api-endpoint", given

    yield Server("openapi-mcp-server, all tools", version, *served("all"), by_endpoint)
    yield Server("openapi-mcp-server, dynamic", version, *served("dynamic"), invoke)
