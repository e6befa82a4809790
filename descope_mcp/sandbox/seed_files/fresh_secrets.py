"""Secrets that a seed does not hold, but says the form of: they are drawn anew at every start.

In YAML ``!new {length: 44}``; with `prefix` what goes before, with ``letters: base32`` of those.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from descope_mcp.sandbox.engine.fields import Record
from descope_mcp.sandbox.engine.ids import token
from descope_mcp.sandbox.engine.tables import Table

TAG = "!new"
#: RFC 4648, section 6: what authenticator apps take.
_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_LOOKS_BASE32 = re.compile(r"[A-Z2-7]{16,}")
LONGEST = 4096


@dataclass(frozen=True, slots=True)
class Fresh:
    """The form of a secret."""

    length: int
    prefix: str = ""
    letters: str = ""

    def drawn(self, random: Random) -> str:
        """A secret of this form."""
        if self.letters == "base32":
            return self.prefix + "".join(random.choices(_BASE32, k=self.length))
        return self.prefix + token(random, self.length)

    def fields(self) -> dict[str, Any]:
        """What is written of it."""
        told: dict[str, Any] = {"length": self.length}
        if self.prefix:
            told["prefix"] = self.prefix
        if self.letters:
            told["letters"] = self.letters
        return told


def form_of(value: str, record: Mapping[str, Any]) -> Fresh:
    """The form of a secret in `record`; an id that it begins with stays."""
    names = [v for v in record.values() if isinstance(v, str) and v and v != value]
    prefix = max((n for n in names if value.startswith(n)), key=len, default="")
    rest = value.removeprefix(prefix)
    letters = "base32" if _LOOKS_BASE32.fullmatch(rest) else ""
    return Fresh(len(rest), prefix, letters)


def without(table: Table, record: Record, stand_in: Callable[[str], Any]) -> Record:
    """A copy of `record` with ``stand_in(secret)`` in the place of each that is not empty."""
    for path in table.secrets:
        record = _at(record, path.split("."), stand_in)
    return record


def _at(record: Record, path: list[str], stand_in: Callable[[str], Any]) -> Record:
    name, *below = path
    value = record.get(name)
    if below and isinstance(value, dict):
        return {**record, name: _at(value, below, stand_in)}
    if below or not isinstance(value, str) or not value:
        return record
    return {**record, name: stand_in(value)}


def filled(value: Any, random: Random) -> Any:
    """A copy of a record in which every `Fresh` is drawn."""
    if isinstance(value, Fresh):
        return value.drawn(random)
    if isinstance(value, dict):
        return {name: filled(item, random) for name, item in value.items()}
    if isinstance(value, list):
        return [filled(item, random) for item in value]
    return value
