"""Lines for a person to paste into a shell, whatever names stand in them."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any


def command(*words: object, arguments: Mapping[str, Any] | None = None) -> str:
    """A command of this program that a POSIX shell reads as these words and nothing else.

    Args:
        words: its subcommands, options and values.
        arguments: of an operation; they become ``--arguments`` with JSON.
    """
    given = [] if arguments is None else ["--arguments", _json(arguments)]
    return " ".join(map(_word, ("descope-mcp", *words, *given)))


def setting(name: str, value: str) -> str:
    """A line that sets an environment variable."""
    return f"{name}={_word(value)}"


def _json(arguments: Mapping[str, Any]) -> str:
    # A terminal acts on control characters when they are shown or pasted; JSON can escape them.
    return json.dumps(arguments, ensure_ascii=True).replace("\x7f", "\\u007f")


def _word(word: object) -> str:
    """One word; a character that no shell can be given visibly makes it name nothing."""
    return shlex.quote("".join(c if c.isprintable() else "?" for c in str(word)))
