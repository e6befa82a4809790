"""Where a secret is: in the environment, in a file, or with a command that prints it.

A configuration file names the place and never holds the secret. The command is for secret managers;
no shell runs it.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from descope_mcp.configuration import text_files

#: Seconds that a command may take.
_PATIENCE = 20.0


class NoSecret(Exception):
    """There is none where it should be; the text names the place and never what is there."""


def from_environment(name: str) -> str:
    """The value of a variable.

    Raises:
        NoSecret: it is not set.
    """
    if value := os.environ.get(name, "").strip():
        return value
    raise NoSecret(f"the environment variable {name} is not set")


def from_file(path: Path) -> str:
    """The first line of a file.

    Raises:
        NoSecret: it cannot be read, or is empty.
    """
    try:
        lines = text_files.read(path.expanduser()).split("\n")
    except (OSError, RuntimeError, ValueError):
        raise NoSecret(f"the file {path} cannot be read") from None
    if value := lines[0].strip():
        return value
    raise NoSecret(f"the file {path} is empty")


def from_command(command: Sequence[str]) -> str:
    """The first line that a command prints.

    Raises:
        NoSecret: it fails, takes too long or prints nothing; what it says on stderr is not told.
    """
    try:
        process = subprocess.Popen(  # noqa: S603 - whoever writes the configuration decides
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not a command"
        raise NoSecret(f"`{command[0]}` cannot be run: {reason}") from None
    with process:
        try:
            printed, _ = process.communicate(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            _end(process)
            raise NoSecret(f"`{command[0]}` took more than {_PATIENCE:.0f} seconds") from None
        except BaseException:
            _end(process)
            raise
    if process.returncode:
        raise NoSecret(f"`{command[0]}` ended with exit code {process.returncode}")
    if value := printed.split(b"\n")[0].decode(errors="replace").strip():
        return value
    raise NoSecret(f"`{command[0]}` printed nothing")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command, with what it has started."""
    with suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
