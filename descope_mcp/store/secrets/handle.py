"""What stands for a secret: a keyed digest of whose it is, of what kind, and of its value.

Nobody without the key can make or guess one, and a value that is read again gets the handle that
it had.
"""

from __future__ import annotations

import json
import string
from dataclasses import dataclass, field

from descope_mcp.store.key import Key

#: Seconds for which a secret is kept that can be had again; traces of a revealed one as well.
LIFETIME = 24 * 3600.0
#: What every handle begins with.
PREFIX = "[sealed:"
#: 131 bits, in letters that no shell, URL or option parser takes for its own.
_LETTERS, _LENGTH = string.digits + string.ascii_letters, 22


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose secrets: one handle opens nothing for another project, caller or person."""

    project: str
    caller: str


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret of an answer. ``lasting`` is one that Descope never shows again."""

    operation: str
    place: str
    kind: str
    value: str = field(repr=False)
    lasting: bool = False


@dataclass(frozen=True, slots=True)
class Opened:
    """What a handle stands for."""

    kind: str
    value: str = field(repr=False)


def handle(key: Key, owner: Owner, kind: str, value: str) -> str:
    """The handle of a value: ``[sealed:<22 letters>]``."""
    signed = key.sign(json.dumps(["handle", owner.project, owner.caller, kind, value]))
    number = int(signed, 16) % len(_LETTERS) ** _LENGTH
    letters = ""
    for _ in range(_LENGTH):
        number, index = divmod(number, len(_LETTERS))
        letters += _LETTERS[index]
    return f"{PREFIX}{letters}]"
