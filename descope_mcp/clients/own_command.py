"""A client's own command line, where it has one for its servers."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from descope_mcp.clients.client import Client, OwnCommand, Scope
from descope_mcp.clients.server_entry import ServerEntry, in_words_of

#: Seconds that it may take; some start a whole runtime for it.
_PATIENCE = 120.0


def adding(client: Client, command: OwnCommand, scope: Scope, entry: ServerEntry) -> list[str]:
    """The arguments that add the entry."""
    said = in_words_of(client, entry)
    more = {key: entry.name if word == "$name" else word for key, word in command.extra.items()}
    as_json = json.dumps({**more, **said}, ensure_ascii=False)
    return list(_filled(command.add, scope, entry, as_json))


def removing(command: OwnCommand, scope: Scope, entry: ServerEntry) -> list[str]:
    """The arguments that remove the entry."""
    return list(_filled(command.remove, scope, entry, ""))


def ran(program: str, arguments: Sequence[str], directory: Path) -> bool:
    """Run it; whether it says that it has done it."""
    try:
        done = subprocess.run(  # noqa: S603 - the program is named in the client's record
            [program, *arguments],
            cwd=directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _filled(words: Sequence[str], scope: Scope, entry: ServerEntry, as_json: str) -> Iterator[str]:
    one = {"$name": entry.name, "$scope": scope, "$command": entry.command, "$entry": as_json}
    for word in words:
        if word == "$args":
            yield from entry.args
        else:
            yield one.get(word, word)
