"""Runs of the command that need no start: `subprocess` forks them from a process that is ready.

Who starts `PRELOADED` gets a process like any other: a child of this one, to wait for, to signal,
to talk to through pipes, with or without a session or a terminal of its own. It comes from
`fork_server` and calls the same `main` as the installed command. What is about starting (the entry
point, what is imported, limits, other accounts) starts the command itself; so does all that the
fork could not do alike, and everything on systems other than Linux. All runs of one test process
share a seed of hashes.
"""

from __future__ import annotations

import atexit
import ctypes
import functools
import inspect
import json
import os
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import threading
from pathlib import Path
from typing import Any

from tests.fork_server import LONGEST

COMMAND = str(Path(sysconfig.get_path("scripts")) / "descope-mcp")
_directory = tempfile.TemporaryDirectory(prefix="descope-mcp-preloaded-")
#: The command under another name: whatever else starts it finds the same.
PRELOADED = str(Path(_directory.name) / "descope-mcp")
os.symlink(COMMAND, PRELOADED)

#: Makes the terminal whose descriptor comes first the process's own, then becomes the command.
_WITH_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(int(sys.argv[1]), termios.TIOCSCTTY, 0)
os.execv(sys.argv[2], sys.argv[2:])
"""
_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER, prctl(2)
_AS_SET_UP = inspect.signature(subprocess.Popen._execute_child)  # type: ignore[attr-defined]
_one_at_a_time = threading.Lock()


class _Popen(subprocess.Popen[Any]):
    """A process, forked where it may be.

    `terminal` is the descriptor of a terminal that becomes the process's own, in a new session.
    """

    def __init__(self, *given: Any, terminal: int | None = None, **options: Any) -> None:
        self._terminal = terminal
        super().__init__(*given, **options)

    def _execute_child(self, *given: Any) -> None:
        bound = _AS_SET_UP.bind(self, *given)
        asked, terminal = bound.arguments, self._terminal
        request = _request(asked)
        if request is None:
            if terminal is not None:
                takes_it = (sys.executable, "-c", _WITH_TERMINAL, str(terminal))
                asked["args"] = [*takes_it, *asked["args"]]
                asked["pass_fds"] = (terminal,)
            super()._execute_child(*bound.args[1:])  # type: ignore[misc]
            return
        ends = [asked[name] for name in ("p2cread", "c2pwrite", "errwrite")]
        descriptors = [own if end == -1 else end for own, end in enumerate(ends)]
        self.pid = _forked(request, descriptors + ([] if terminal is None else [terminal]))
        self._child_created = True
        pipes = ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")
        self._close_pipe_fds(*map(asked.get, pipes))  # type: ignore[attr-defined]


def install() -> None:
    """From now on `subprocess`, and asyncio with it, forks what can be forked."""
    subprocess.Popen = _Popen  # type: ignore[misc]


def _request(asked: dict[str, Any]) -> bytes | None:
    """What the fork server is asked; None where only the command itself will do."""
    args = asked["args"]
    if isinstance(args, str | bytes | os.PathLike) or args[0] != PRELOADED:
        return None
    environment = dict(os.environ if asked["env"] is None else asked["env"])
    locale = next(filter(None, map(environment.get, ("LC_ALL", "LC_CTYPE", "LANG"))), "C")
    plain = locale in ("C", "C.UTF-8", "POSIX")
    special = ("preexec_fn", "pass_fds", "executable", "shell", "gid", "gids", "uid")
    if (
        sys.platform != "linux"
        or any(asked[name] for name in special)
        or (asked["umask"], asked["process_group"]) != (-1, -1)
        or any(name.startswith(("OTEL_", "PYTHON")) for name in environment)
        or not (plain or locale.lower().replace("-", "").endswith("utf8"))
    ):
        return None
    request = {
        "args": [COMMAND, *map(os.fspath, args[1:])],
        "env": environment,
        "cwd": os.fspath(asked["cwd"] or os.getcwd()),
        "session": asked["start_new_session"],
        "encoding_errors": "surrogateescape" if plain else "strict",
    }
    text = json.dumps(request).encode()
    return text if len(text) < LONGEST else None


def _forked(request: bytes, descriptors: list[int]) -> int:
    """The id of a new child of this process."""
    with _one_at_a_time:
        channel = _server()
        _adopts(True)
        try:
            socket.send_fds(channel, [request], descriptors)
            pid, done = channel.recv(100), channel.recv(100)
        finally:
            _adopts(False)
    assert done, "the fork server has ended"
    return int(json.loads(pid))


def _adopts(whether: bool) -> None:
    """Whether processes below whose parent ends become children of this one."""
    assert ctypes.CDLL(None).prctl(_SUBREAPER, int(whether), 0, 0, 0) == 0


@functools.cache
def _server() -> socket.socket:
    """The channel to the fork server, which is started by the first who needs it."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with its:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.fork_server", str(its.fileno())],
            cwd=Path(__file__).parents[1],
            env={"PATH": os.environ["PATH"]},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=(its.fileno(),),
        )

    def end() -> None:
        ours.close()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()

    atexit.register(end)
    return ours
