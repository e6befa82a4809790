"""One mapping in a YAML file put in, replaced or taken out; ruamel.yaml keeps the rest.

In a mapping of several lines only the lines of the entry change: the library counts comments that
follow a mapping as part of it, while people write them about what comes next.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from descope_mcp.clients.errors import MalformedConfiguration

#: What follows a name at the left edge, indented; and a sequence below a name.
_MAPPING = re.compile(
    r"^[^\s#-][^\n]*:[ \t]*(?:#[^\n]*)?\n(?:[ \t]*(?:#[^\n]*)?\n)*( +)(?![-# ])", re.M
)
_SEQUENCE = re.compile(r"^( *)[^\s#-][^\n]*:[ \t]*(?:#[^\n]*)?\n(?:[ \t]*#[^\n]*\n)*( *)- ", re.M)

_HEAD = re.compile(r"^([^#\n]*:)([ \t]*(?:#[^\n]*)?\r?\n?)$")


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
    inner: Any = document
    for name in path[:-1]:
        if inner.get(name) is None:
            inner[name] = {}
        inner = _mapping(inner[name], name)
    if inner and (lines := _block(document, path[:-1], text)) is not None:
        place = _span(lines, inner, path[-1]) or (_end(lines, *_key(document, path[:-1])),) * 2
        column = inner.lc.key(next(iter(inner)))[1]
        own = _dumped(yaml.map(**{path[-1]: dict(entry)}), yaml, text)
        if place[0] and not lines[place[0] - 1].endswith("\n"):
            lines[place[0] - 1] += "\r\n" if "\r\n" in text else "\n"
        lines[slice(*place)] = [" " * column + line for line in own.splitlines(keepends=True)]
        return "".join(lines)
    inner[path[-1]] = dict(entry)
    return _dumped(document, yaml, text)


def without_entry(text: str, path: Sequence[str]) -> str:
    """The text without the mapping at `path`.

    Raises:
        MalformedConfiguration: it is no YAML.
    """
    document, yaml = _parsed(text)
    inner: Any = document
    for name in path[:-1]:
        if inner.get(name) is None:
            return text
        inner = _mapping(inner[name], name)
    if path[-1] not in inner:
        return text
    lines = _block(document, path[:-1], text)
    span = _span(lines, inner, path[-1]) if lines is not None else None
    if lines is not None and span is not None:
        if len(inner) == 1:
            head = _key(document, path[:-1])[0]
            lines[head] = _HEAD.sub(r"\1 {}\2", lines[head])
        del lines[slice(*span)]
        return "".join(lines)
    del inner[path[-1]]
    return _dumped(document, yaml, text)


def _block(document: Any, path: Sequence[str], text: str) -> list[str] | None:
    """The lines of the text, if what is at the path is a mapping of several lines."""
    for name in path:
        if document.fa.flow_style() or name not in (document.lc.data or {}):
            return None
        document = document[name]
    if not isinstance(document, CommentedMap) or document.fa.flow_style():
        return None
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _key(document: Any, path: Sequence[str]) -> tuple[int, int]:
    """The line and column of the name at the end of the path."""
    for name in path[:-1]:
        document = document[name]
    line, column = document.lc.key(path[-1])
    return line, column


def _span(lines: Sequence[str], inner: Any, name: str) -> tuple[int, int] | None:
    """The lines of a name of the mapping and what is below it, if it stands in lines of its own."""
    if name not in inner.lc.data:
        return None
    line, column = inner.lc.key(name)
    return None if lines[line][:column].strip() else (line, _end(lines, line, column))


def _end(lines: Sequence[str], line: int, column: int) -> int:
    """Behind the last line below a name; comments that are not set in further are not below it."""
    end, outside = line + 1, False
    for at in range(line + 1, len(lines)):
        said = lines[at].lstrip(" ")
        is_below, is_comment = len(lines[at]) - len(said) > column, said.startswith("#")
        if not said.strip():
            continue
        if is_below and not (is_comment and outside):
            end, outside = at + 1, False
        elif is_comment:
            outside = True
        else:
            break
    return end


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
        raise MalformedConfiguration(f"{name} is not a mapping", 1, 1)
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value
