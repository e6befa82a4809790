"""Where the key of the store comes from, if not from a file: the environment, or a command.

A command asks a secret manager. It is run without a shell, each time that the store is opened, and
what it prints is nowhere repeated, neither is what it says of an error.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass, field

from descope_mcp.configuration import secret_source
from descope_mcp.store import key as keys
from descope_mcp.store.errors import StoreError
from descope_mcp.store.key import Key


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
        raise StoreError(f"{name} is not a command: a quote is not closed") from None
    if not words:
        raise StoreError(f"{name} cannot be run: it is empty")
    try:
        return secret_source.from_command(words)
    except secret_source.NoSecret as error:
        raise StoreError(f"{name} gives no key: {error}") from None
