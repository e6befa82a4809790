"""What a client is told of this server (command, arguments, variables), and in which words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from descope_mcp.clients.client import Client
from descope_mcp.clients.errors import ClientError

#: What clients call this server.
NAME = "descope"
_OWN = ("$command", "$args", "$command_line", "$env", "$name")


@dataclass(frozen=True, slots=True)
class ServerEntry:
    """How the server is started; `name` is what the client calls it."""

    name: str
    command: str
    args: tuple[str, ...] = ()
    #: May hold a key; what shows an entry leaves the values out.
    env: Mapping[str, str] = field(default_factory=dict, repr=False)


def in_words_of(client: Client, entry: ServerEntry) -> dict[str, Any]:
    """The entry as the client's configuration holds it."""
    values: dict[str, Any] = {
        "$command": entry.command,
        "$args": list(entry.args),
        "$command_line": [entry.command, *entry.args],
        "$env": dict(entry.env),
        "$name": entry.name,
    }
    return {
        key: values[word] if word in _OWN else word
        for key, word in client.entry.items()
        if word != "$env" or entry.env
    }


def read_back(client: Client, name: str, found: Any) -> ServerEntry:
    """What the client will start, by what its configuration holds.

    Raises:
        ClientError: there is no command in it, as for a server somewhere else.
    """
    fields = {word: key for key, word in client.entry.items() if word in _OWN}
    said = found if isinstance(found, Mapping) else {}
    line = said.get(fields["$command_line"]) if "$command_line" in fields else None
    if "$command_line" in fields:
        command, *args = line if _texts(line) and line else [""]
    else:
        command, args = said.get(fields["$command"]), said.get(fields["$args"]) or []
    env = said.get(fields["$env"]) or {}
    if not (isinstance(command, str) and command and _texts(args) and isinstance(env, Mapping)):
        raise ClientError(
            f"the entry {name} of {client.title} has no command that could be started; remove it "
            "there by hand"
        )
    return ServerEntry(name, command, tuple(args), {str(k): str(v) for k, v in env.items()})


def others_of(client: Client, found: Any) -> dict[str, Any]:
    """What somebody has added to the entry, and stays there."""
    said = found if isinstance(found, Mapping) else {}
    return {key: value for key, value in said.items() if key not in client.entry}


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)
