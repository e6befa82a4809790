"""The command, imported once, and forked for each of its runs (`preloaded` asks for them).

Most of what a short command costs is its imports. A run is a fork of this process: it takes
over the file descriptors, the environment, the directory and the arguments that it was asked for,
becomes a child of whoever asked, calls the very `main` of the command and ends as any interpreter
does. Nothing of the package looks at the environment, the clock or a random number when it is
imported, and neither does what it imports, but for OpenTelemetry's SDK, which is left out here.
"""

from __future__ import annotations

import atexit
import fcntl
import gc
import importlib
import json
import os
import pkgutil
import socket
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from io import TextIOWrapper
from typing import Any

import descope_mcp

#: What runs when it is imported, and what reads the environment then.
_LEFT_OUT = ("descope_mcp.__main__", "descope_mcp.store.migrations.", "descope_mcp.telemetry.setup")
#: What the package imports in functions, and what that loads by name.
_LATE = (
    "alembic.command",
    "anyio._backends._asyncio",
    "jmespath",
    "jwt",
    "platformdirs.unix",
    "sqlalchemy.dialects.sqlite",
)
#: The longest request.
LONGEST = 100_000


def serve(channel: socket.socket) -> None:
    """Fork for each request, until nobody can make one any more; returns in each fork, too.

    A request is an object (`args`, `env`, `cwd`, `session`, `encoding_errors`) with the descriptors
    of standard input, output and error and, for a controlling terminal, of that. Two messages
    answer it: the id of the process, and an empty object when that is a child of whoever asked.
    """
    while True:
        request, descriptors, _, _ = socket.recv_fds(channel, LONGEST, 4)
        if not request:
            sys.exit()
        between = os.fork()
        if not between:
            # Whose parent ends becomes a child of the one above that has asked for such.
            if run := os.fork():
                channel.send(json.dumps(run).encode())
                os._exit(0)
            channel.close()
            _become(json.loads(request), descriptors)
            return
        os.waitpid(between, 0)
        for descriptor in descriptors:
            os.close(descriptor)
        channel.send(b"{}")


def _become(request: dict[str, Any], descriptors: Sequence[int]) -> None:
    os.environ.clear()
    os.environ.update(request["env"])
    time.tzset()
    os.chdir(request["cwd"])
    if request["session"]:
        os.setsid()
    for terminal in descriptors[3:]:
        fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    for number, descriptor in enumerate(descriptors[:3]):
        os.dup2(descriptor, number)
    for descriptor in descriptors:
        os.close(descriptor)
    sys.argv = request["args"]
    sys.path[0] = os.path.dirname(request["args"][0])
    errors = request["encoding_errors"]
    sys.stdin = _stream(0, "r", errors)
    sys.stdout = _stream(1, "w", errors)
    sys.stderr = said = _stream(2, "w", "backslashreplace")
    said.reconfigure(line_buffering=True)


def _stream(descriptor: int, mode: str, errors: str) -> TextIOWrapper:
    """As the interpreter opens it when it starts."""
    stream = open(  # noqa: SIM115 - it stays open
        descriptor, mode, encoding="utf-8", errors=errors, newline="\n", closefd=False
    )
    assert isinstance(stream, TextIOWrapper)
    return stream


def _preload() -> None:
    for module in pkgutil.walk_packages(descope_mcp.__path__, "descope_mcp."):
        if not module.name.startswith(_LEFT_OUT):
            importlib.import_module(module.name)
    for name in _LATE:
        importlib.import_module(name)
    database = importlib.import_module("descope_mcp.store.database")
    migrated = importlib.import_module("tests.migrated")
    migrated.install()
    migrated.statements(database.HEAD)
    # What a fork would not have, and what would not be its own.
    assert threading.active_count() == 1
    assert tempfile.tempdir is None
    gc.collect()
    gc.freeze()


def _end(codes: list[int]) -> None:
    """End where the interpreter would take itself apart.

    That would copy every page that the fork shares, to no other effect. Where writing out what is
    left fails, and after a traceback, it is left to the interpreter.
    """
    if codes:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(codes[0])


def _run(codes: list[int]) -> None:
    try:
        importlib.import_module("descope_mcp.cli.main").main()
    except SystemExit as ending:
        if isinstance(code := ending.code or 0, int):
            codes.append(code)
        raise


if __name__ == "__main__":
    ended_with: list[int] = []
    # Registered before anything else, it runs last.
    atexit.register(_end, ended_with)
    _preload()
    try:
        serve(socket.socket(fileno=int(sys.argv[1])))
    except KeyboardInterrupt:
        sys.exit(130)
    _run(ended_with)
