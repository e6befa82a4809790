"""One table in a TOML file put in, replaced or taken out; tomlkit keeps the rest as it is."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

import tomlkit
from tomlkit.exceptions import ParseError, TOMLKitError

from descope_mcp.clients.errors import MalformedConfiguration


def read(text: str) -> dict[str, Any]:
    """What the file holds.

    Raises:
        MalformedConfiguration: it is no TOML.
    """
    return _parsed(text).unwrap()


def with_entry(text: str, path: Sequence[str], entry: Mapping[str, Any]) -> str:
    """The text with the table at `path`.

    Raises:
        MalformedConfiguration: it is no TOML, or something on the way is no table.
    """
    document = _parsed(text)
    inner: MutableMapping[str, Any] = document
    for name in path[:-1]:
        if name not in inner:
            inner[name] = tomlkit.table(is_super_table=True)
        inner = _table(inner[name], name)
    table = tomlkit.table()
    table.update(entry)
    table.add(tomlkit.nl())
    if text and not text.endswith("\n"):
        document.add(tomlkit.nl())
    inner[path[-1]] = table
    return tomlkit.dumps(document).rstrip("\r\n") + ("\r\n" if "\r\n" in text else "\n")


def without_entry(text: str, path: Sequence[str]) -> str:
    """The text without the table at `path`.

    Raises:
        MalformedConfiguration: it is no TOML.
    """
    document = _parsed(text)
    inner: MutableMapping[str, Any] = document
    for name in path[:-1]:
        if name not in inner:
            return text
        inner = _table(inner[name], name)
    if path[-1] not in inner:
        return text
    del inner[path[-1]]
    return tomlkit.dumps(document)


def _parsed(text: str) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(text)
    except ParseError as error:
        what = str(error).partition(" at line ")[0]
        raise MalformedConfiguration(what, error.line, error.col + 1) from None
    except TOMLKitError as error:
        raise MalformedConfiguration(str(error), 1, 1) from None


def _table(value: Any, name: str) -> MutableMapping[str, Any]:
    if not isinstance(value, MutableMapping):
        raise MalformedConfiguration(f"{name} is no table", 1, 1)
    return value
