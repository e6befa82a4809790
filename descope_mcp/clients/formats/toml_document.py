"""One table in a TOML file put in, replaced or taken out; tomlkit keeps the rest as it is."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

import tomlkit
from tomlkit.container import OutOfOrderTableProxy
from tomlkit.exceptions import ParseError, TOMLKitError
from tomlkit.items import Comment, Table, Whitespace

from descope_mcp.clients.errors import MalformedConfiguration

_MARK = "taken-out-by-descope-mcp"
_MARKED = re.compile(rf"[ \t]*\[[^\n]*\][ \t]*\r?\n[ \t]*{_MARK} = 0\r?\n")


def read(text: str) -> dict[str, Any]:
    """What the file holds.

    Raises:
        MalformedConfiguration: it is no TOML.
    """
    return _parsed(text).unwrap()


def with_entry(text: str, path: Sequence[str], entry: Mapping[str, Any]) -> str:
    """The text with the table at `path`, or as it is where that is split up over the file.

    Raises:
        MalformedConfiguration: it is no TOML, or something on the way is no table.
    """
    document = _parsed(text)
    inner: MutableMapping[str, Any] = document
    for name in path[:-1]:
        if name not in inner:
            inner[name] = tomlkit.table(is_super_table=True)
        inner = _table(inner[name], name)
    if isinstance(inner.get(path[-1]), OutOfOrderTableProxy):
        return text
    table = tomlkit.table()
    table.update(entry)
    table.add(tomlkit.nl())
    for item in _comments_behind(inner.get(path[-1])):
        table.add(item)
    if text and not text.endswith("\n"):
        document.add(tomlkit.nl())
    inner[path[-1]] = table
    return tomlkit.dumps(document).rstrip("\r\n") + ("\r\n" if "\r\n" in text else "\n")


def without_entry(text: str, path: Sequence[str]) -> str:
    """The text without the table at `path`, or as it is where that is split up over the file.

    Raises:
        MalformedConfiguration: it is no TOML.
    """
    document = _parsed(text)
    inner: MutableMapping[str, Any] = document
    for name in path[:-1]:
        if name not in inner:
            return text
        inner = _table(inner[name], name)
    if path[-1] not in inner or isinstance(inner[path[-1]], OutOfOrderTableProxy):
        return text
    comments = _comments_behind(inner[path[-1]])
    if not comments:
        del inner[path[-1]]
        return tomlkit.dumps(document)
    # They stay where they are: the table is made empty but for them, and then its head goes.
    left = tomlkit.table()
    left.add(_MARK, 0)
    for item in comments:
        left.add(item)
    inner[path[-1]] = left
    return _MARKED.sub("", tomlkit.dumps(document))


def _comments_behind(found: Any) -> list[Comment | Whitespace]:
    """The comments between the last line of the table and the next table, with what follows them.

    The parser counts them as part of the table; people write them about the next one.
    """
    if not isinstance(found, Table):
        return []
    body = found.value.body
    last = max((at for at, (key, _) in enumerate(body) if key is not None), default=-1)
    inner = _comments_behind(body[last][1]) if last >= 0 else []
    own = [item for _, item in body[last + 1 :] if isinstance(item, Comment | Whitespace)]
    while own and not inner and isinstance(own[0], Whitespace):
        own = own[1:]
    return [*inner, *own]


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
        raise MalformedConfiguration(f"{name} is not a table", 1, 1)
    return value
