"""What a command prints: text for a person, or with ``--json`` one object a line, errors too.

Both go to any encoding: what it cannot spell is escaped. In JSON moments are ISO 8601 in UTC.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

#: Fields of our own records that are moments, in seconds since 1970.
_MOMENTS = frozenset(
    {"at", "created", "expires", "answered", "revealed", "used", "until", "decided", "seen"}
)


#: A word that a sentence may begin with: no name with a sign in it, and no place before a colon.
_WORD = re.compile(r"(?!std)[a-z]+(?=[ ,;'])")
#: How a sentence ends, an error code behind it included.
_ENDS = re.compile(r"[.?!:…](?: \([\w.-]+\))?$")


def prepare() -> None:
    """Let nothing that is printed fail half-way.

    What is closed leads nowhere; what the encoding of the output cannot spell is escaped.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            # Opened here, so that no file gets its number, into which a child process would write.
            nowhere = Path(os.devnull).open(mode, encoding="utf-8")  # noqa: SIM115 - for good
            setattr(sys, name, nowhere)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def as_json() -> bool:
    """Whether JSON was asked for, also where the command line could not be understood."""
    return "--json" in sys.argv[1:]


def row(record: Mapping[str, Any]) -> None:
    """Print one object on a line of its own."""
    click.echo(_text({key: _value(key, item) for key, item in record.items()}))


def document(value: Any) -> None:
    """Print what an operation answered, for a person to read."""
    click.echo(_text(value, indent=2))


def said(text: str, **facts: Any) -> None:
    """Print what was done: a sentence, or with ``--json`` its facts."""
    if as_json():
        row(facts)
    else:
        click.echo(text)


def sentence(text: str) -> str:
    """A message whole: each of its lines begins with a capital and ends with a full stop.

    An exception says a clause, which others put into sentences of theirs. What begins with a
    name, a path or a place keeps it as it is; a line that is set in is somebody else's.
    """
    return "\n".join(
        line if line[:1] in ("", " ") else ended(_begun(line)) for line in text.splitlines()
    )


def ended(line: str) -> str:
    """A line with its full stop."""
    return line if _ENDS.search(line) else f"{line}."


def note(text: str) -> None:
    """Say something beside the result, on stderr."""
    click.echo(f"descope-mcp: {sentence(text)}", err=True)


def problem(message: str, remedy: str = "", *, kind: str = "failed", **more: Any) -> None:
    """Say what went wrong: a line on stderr, or with ``--json`` an object on stdout.

    Args:
        message: what happened.
        remedy: what to do.
        kind: a word that a script can tell it by.
        more: further fields of the object.
    """
    message, remedy = sentence(message), sentence(remedy)
    if as_json():
        row({"error": kind, "message": message, "remedy": remedy, **more})
    else:
        click.echo(f"descope-mcp: {message} {remedy}".rstrip(), err=True)


def iso(moment: float) -> str:
    """A moment in UTC, to the second."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def lost(error: OSError) -> str:
    """Why standard output takes no more; nothing is written to it any more."""
    # Python would try again when it ends, and fail again.
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)
    return error.strerror or type(error).__name__


def _begun(line: str) -> str:
    return line[0].upper() + line[1:] if _WORD.match(line) else line


def _value(key: str, item: Any) -> Any:
    if key in _MOMENTS and isinstance(item, (int, float)) and not isinstance(item, bool):
        return iso(item)
    return item


def _text(value: Any, indent: int | None = None) -> str:
    # JSON has escapes of its own for what the encoding does not have.
    encoding = (getattr(sys.stdout, "encoding", "") or "").lower().replace("_", "-")
    return json.dumps(value, indent=indent, ensure_ascii=not encoding.startswith("utf"))
