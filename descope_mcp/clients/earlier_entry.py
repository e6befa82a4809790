"""What stands under the server's name already: whether it is this server, and what of it stays."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise, takewhile
from pathlib import Path, PureWindowsPath
from typing import Any

from descope_mcp.clients.client import Client
from descope_mcp.clients.errors import ClientError
from descope_mcp.clients.server_entry import ServerEntry, read_back
from descope_mcp.settings import CREDENTIALS

_SERVE = "serve"
#: Where the server works is what the last call says; all else that it was told stays.
_PLACES = ("--sandbox", "--profile")
_PROGRAM = re.compile(r"descope-mcp([=@\[].*)?")
_LAUNCHER = re.compile(r"(python[\d.]*w?|pyw?|uvx?|pipx)", re.IGNORECASE)


def is_ours(entry: ServerEntry) -> bool:
    """Whether it starts this server, by itself or through Python, ``uv`` or ``pipx``."""
    if _is_program(entry.command):
        return True
    if not _LAUNCHER.fullmatch(_name(entry.command)):
        return False
    first = list(takewhile(lambda word: word != _SERVE, entry.args))
    return any(map(_is_program, first)) or ("-m", "descope_mcp") in pairwise(first)


def ours(client: Client, path: Path, name: str, found: Any) -> ServerEntry:
    """The entry that was found under the name.

    Raises:
        ClientError: it is of another server, which nothing here may take over.
    """
    try:
        entry = read_back(client, name, found)
    except ClientError:
        entry = None
    if entry is None or not is_ours(entry):
        raise ClientError(
            f"{path} has an entry {name} that is not of this server; nothing was changed. Rename "
            "or remove it there by hand, and run the command again."
        )
    return entry


def kept(earlier: ServerEntry, entry: ServerEntry) -> ServerEntry:
    """The entry with what the earlier one has besides: variables, and what guards the server."""
    # Credentials stay only where they are asked for.
    env = {key: value for key, value in earlier.env.items() if key not in CREDENTIALS}
    said = {option[0] for option in _options(entry.args)}
    more = [
        word
        for option in _options(earlier.args)
        if _SERVE in entry.args and option[0] not in (*said, *_PLACES)
        for word in option[1]
    ]
    return replace(entry, args=(*entry.args, *more), env={**env, **entry.env})


def _options(args: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """The options of ``serve``: the name of each, and its words."""
    found: list[list[str]] = []
    for word in args[args.index(_SERVE) + 1 :] if _SERVE in args else ():
        if word.startswith("-") or not found:
            found.append([word])
        else:
            found[-1].append(word)
    return ((words[0].partition("=")[0], words) for words in found)


def _is_program(word: str) -> bool:
    return bool(_PROGRAM.fullmatch(_name(word)))


def _name(path: str) -> str:
    """The last part of a path of any platform, without what Windows and scripts put behind it."""
    return re.sub(r"\.(exe|cmd|bat|py)$", "", PureWindowsPath(path).name, flags=re.IGNORECASE)
