"""How an entry would change, shown without what may be secret in it.

Nothing else of the file is shown: what may be secret there, nobody can tell.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from descope_mcp.clients.client import Client
from descope_mcp.clients.configuration_file import ConfigurationFile
from descope_mcp.clients.shown_arguments import HIDDEN, shown_arguments, without_account


def alone(client: Client, name: str, entry: Mapping[str, Any]) -> str:
    """The entry as it would stand in a file of its own."""
    nowhere = ConfigurationFile(client, Path(f"/nowhere/{name}"))
    return nowhere.with_entry(name, entry)[1].decode()


def difference(
    client: Client, path: Path, name: str, before: Any, after: Mapping[str, Any] | None
) -> str:
    """The lines of the entry that go and come; the values of variables are hidden."""
    old = _lines(client, name, before, None)
    new = _lines(client, name, after, before)
    lines = difflib.unified_diff(old, new, str(path), str(path), lineterm="", n=2)
    return "\n".join(lines)


def _lines(client: Client, name: str, entry: Any, earlier: Any) -> list[str]:
    if not isinstance(entry, Mapping):
        return []
    was = earlier if isinstance(earlier, Mapping) else {}
    shown = {
        key: _shown(client.entry.get(key, "$env"), value, was.get(key))
        for key, value in entry.items()
    }
    return without_account(alone(client, name, shown)).splitlines()


def _shown(word: str, value: Any, earlier: Any) -> Any:
    if word in ("$args", "$command_line") and isinstance(value, list):
        return shown_arguments(map(str, value))
    return _masked(value, earlier) if word == "$env" else value


def _masked(value: Any, earlier: Any) -> Any:
    """The value without its texts and numbers; one that is not the earlier one says so."""
    if isinstance(value, Mapping):
        was = earlier if isinstance(earlier, Mapping) else {}
        return {key: _masked(item, was.get(key)) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item, None) for item in value]
    if isinstance(value, bool):
        return value
    return HIDDEN if earlier is None or earlier == value else f"{HIDDEN} (another)"
