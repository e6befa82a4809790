"""Where the key of the store comes from, if not from a file: the environment, or a command.

A command asks a secret manager. It is run without a shell, each time that the store is opened, and
what it prints is nowhere repeated, neither is what it says of an error.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from descope_mcp.store import key as keys
from descope_mcp.store.errors import StoreError
from descope_mcp.store.key import Key

#: Seconds that a command may take.
_PATIENCE = 20.0
#: So much of what it prints is read; a key has 44 letters.
_MOST = 4096


@dataclass(frozen=True)
class KeySource:
    """A key that is given. ``name`` is what it is called for a person."""

    name: str
    _material: Callable[[], str] = field(repr=False)

    def read(self) -> Key:
        """The key.

        Raises:
            StoreError: it cannot be had, or is none.
        """
        material = keys.decoded(self._material())
        if material is None:
            raise StoreError(f"{self.name} gives no key: {keys.EXPECTED}")
        return Key(material)


def given(name: str, text: str) -> KeySource:
    """The key in a text, of the setting with this name."""
    return KeySource(name, lambda: text)


def command(name: str, line: str) -> KeySource:
    """The key that a command prints, of the setting with this name."""
    return KeySource(name, lambda: _printed(name, line))


def _printed(name: str, line: str) -> str:
    """What a command prints.

    Raises:
        StoreError: it cannot be run, takes too long or fails.
    """
    try:
        words = shlex.split(line)
    except ValueError:
        raise StoreError(f"{name} is no command: a quote is not closed") from None
    try:
        process = subprocess.Popen(  # noqa: S603 - whoever sets it decides what is run
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except (OSError, ValueError, IndexError) as error:
        reason = getattr(error, "strerror", None) or "it is empty"
        raise StoreError(f"{name} cannot be run: {reason}") from None
    with process:
        try:
            printed, _ = process.communicate(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            _end(process)
            raise StoreError(f"{name} has taken longer than {_PATIENCE:.0f} s") from None
        except BaseException:
            _end(process)
            raise
    if process.returncode:
        raise StoreError(f"{name} has failed with exit code {process.returncode}")
    return printed[:_MOST].decode("ascii", errors="replace")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command, with what it has started."""
    with suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
