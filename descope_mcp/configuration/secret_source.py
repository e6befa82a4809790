"""Where a secret is: in the environment, in a file, or with a command that prints it.

A configuration file names the place and never holds the secret. The command is for secret managers;
no shell runs it.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

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
        lines = path.expanduser().read_text(encoding="utf-8").split("\n")
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
        done = subprocess.run(  # noqa: S603 - whoever writes the configuration starts this program
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NoSecret(f"{command[0]} took more than {_PATIENCE:.0f} seconds") from None
    except OSError as error:
        raise NoSecret(f"{command[0]} cannot be run: {error.strerror}") from None
    if done.returncode:
        raise NoSecret(f"{command[0]} ended with exit code {done.returncode}")
    try:
        value = done.stdout.decode().split("\n")[0].strip()
    except ValueError:
        value = ""
    if value:
        return value
    raise NoSecret(f"{command[0]} printed nothing")
