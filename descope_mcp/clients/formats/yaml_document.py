"""One mapping in a YAML file put in, replaced or taken out; ruamel.yaml keeps the rest."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from descope_mcp.clients.errors import MalformedConfiguration

#: What follows a name at the left edge, indented; and a sequence below a name.
_MAPPING = re.compile(
    r"^[^\s#-][^\n]*:[ \t]*(?:#[^\n]*)?\n(?:[ \t]*(?:#[^\n]*)?\n)*( +)(?![-# ])", re.M
)
_SEQUENCE = re.compile(r"^( *)[^\s#-][^\n]*:[ \t]*(?:#[^\n]*)?\n(?:[ \t]*#[^\n]*\n)*( *)- ", re.M)


def read(text: str) -> dict[str, Any]:
    """What the file holds; a file without anything holds an empty mapping.

    Raises:
        MalformedConfiguration: it is no YAML, or no mapping.
    """
    return {str(name): _plain(item) for name, item in _parsed(text)[0].items()}


def with_entry(text: str, path: Sequence[str], entry: Mapping[str, Any]) -> str:
    """The text with the mapping at `path`.

    Raises:
        MalformedConfiguration: it is no YAML, or something on the way is no mapping.
    """
    document, yaml = _parsed(text)
    inner = document
    for name in path[:-1]:
        if inner.get(name) is None:
            inner[name] = {}
        inner = _mapping(inner[name], name)
    inner[path[-1]] = dict(entry)
    return _dumped(document, yaml, text)


def without_entry(text: str, path: Sequence[str]) -> str:
    """The text without the mapping at `path`.

    Raises:
        MalformedConfiguration: it is no YAML.
    """
    document, yaml = _parsed(text)
    inner = document
    for name in path[:-1]:
        if inner.get(name) is None:
            return text
        inner = _mapping(inner[name], name)
    if path[-1] not in inner:
        return text
    del inner[path[-1]]
    return _dumped(document, yaml, text)


def _parsed(text: str) -> tuple[MutableMapping[str, Any], YAML]:
    yaml = YAML()
    yaml.preserve_quotes = True
    # Lines are never folded anew.
    yaml.width = 1_000_000
    mapping, dash = _MAPPING.search(text), _SEQUENCE.search(text)
    offset = len(dash[2]) - len(dash[1]) if dash else 0
    yaml.indent(len(mapping[1]) if mapping else 2, sequence=offset + 2, offset=offset)
    try:
        document = yaml.load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise MalformedConfiguration(str(error.problem), line, column) from None
    except YAMLError as error:
        raise MalformedConfiguration(str(error).splitlines()[0], 1, 1) from None
    return _mapping(yaml.map() if document is None else document, "the file"), yaml


def _dumped(document: MutableMapping[str, Any], yaml: YAML, before: str) -> str:
    stream = io.StringIO()
    yaml.dump(document, stream)
    text = stream.getvalue()
    return text.replace("\n", "\r\n") if "\r\n" in before else text


def _mapping(value: Any, name: str) -> MutableMapping[str, Any]:
    if not isinstance(value, MutableMapping):
        raise MalformedConfiguration(f"{name} is no mapping", 1, 1)
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value
