"""One object in a JSON file put in, replaced or taken out; no other character changes.

The edits are of text: a member is written after the last one of its object, in the indentation
that the file has.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from descope_mcp.clients.errors import MalformedConfiguration
from descope_mcp.clients.formats import json_syntax
from descope_mcp.clients.formats.json_syntax import Value

_INDENTED = re.compile(r"^([ \t]+)\S", re.MULTILINE)
_REST_OF_LINE = re.compile(r"[ \t]*(?:/\*[^\r\n]*?\*/[ \t]*)*(?://[^\r\n]*)?(?=\r?\n)")


def read(text: str, *, comments: bool) -> dict[str, Any]:
    """What the file holds; a file without anything holds an empty object.

    Raises:
        MalformedConfiguration: it is no JSON, or no object.
    """
    return dict(_root(text, comments).plain)


def with_entry(text: str, path: Sequence[str], entry: Mapping[str, Any], *, comments: bool) -> str:
    """The text with the object at `path`; the objects around it are made where they are missing.

    Raises:
        MalformedConfiguration: it is no JSON, or something on the way is no object.
    """
    text = text if text.strip() else "{}\n"
    inner = _root(text, comments)
    for depth, name in enumerate(path):
        found = inner.member(name)
        if found is None:
            value: Mapping[str, Any] = entry
            for missing in reversed(path[depth + 1 :]):
                value = {missing: value}
            return _added(text, inner, name, value)
        if depth + 1 == len(path):
            value_at = found.value
            own = json_syntax.written(entry, _indent(text, found.start), _unit(text), _eol(text))
            return f"{text[: value_at.start]}{own}{text[value_at.end :]}"
        inner = _object(text, found.value, name)
    return text


def without_entry(text: str, path: Sequence[str], *, comments: bool) -> str:
    """The text without what is at `path`.

    Raises:
        MalformedConfiguration: it is no JSON.
    """
    inner = _root(text, comments)
    for name in path[:-1]:
        around = inner.member(name)
        if around is None:
            return text
        inner = _object(text, around.value, name)
    found = inner.member(path[-1])
    if found is None:
        return text
    # Of a name that occurs twice, the first must not come to count.
    return without_entry(_removed(text, inner, inner.members.index(found)), path, comments=comments)


def _root(text: str, comments: bool) -> Value:
    if not text.strip():
        return Value(0, 0, {})
    return _object(text, json_syntax.parse(text, comments=comments), "the file")


def _object(text: str, value: Value, name: str) -> Value:
    if not isinstance(value.plain, dict):
        before = text[: value.start]
        column = value.start - before.rfind("\n")
        raise MalformedConfiguration(f"{name} is not an object", before.count("\n") + 1, column)
    return value


def _added(text: str, inner: Value, name: str, value: Mapping[str, Any]) -> str:
    unit, eol = _unit(text), _eol(text)
    key = json.dumps(name, ensure_ascii=False)
    if not inner.members:
        outer = _indent(text, inner.start)
        own = json_syntax.written(value, outer + unit, unit, eol)
        rest = text[inner.start + 1 : inner.end - 1].rstrip()
        return (
            f"{text[: inner.start + 1]}{rest}{eol}{outer}{unit}{key}: {own}{eol}{outer}"
            f"{text[inner.end - 1 :]}"
        )
    last = inner.members[-1]
    if "\n" not in text[inner.start : last.start]:
        # An object on one line stays on it.
        own = f"{key}: {json.dumps(value, ensure_ascii=False)}"
        end = last.value.end
        return f"{text[:end]}, {own}{text[end:]}"
    indent = _indent(text, last.start)
    own = f"{eol}{indent}{key}: {json_syntax.written(value, indent, unit, eol)}"
    comma = "," if last.comma >= 0 else ""
    after = last.comma + 1 if comma else last.value.end
    line = _REST_OF_LINE.match(text, after)
    end = line.end() if line else after
    head = text[:after] if comma else f"{text[:after]},"
    return f"{head}{text[after:end]}{own}{comma}{text[end:]}"


def _removed(text: str, inner: Value, index: int) -> str:
    member = inner.members[index]
    start, end = member.start, member.value.end
    around = text[inner.start + 1 : start] + text[max(end, member.comma + 1) : inner.end - 1]
    if len(inner.members) == 1 and not around.strip():
        return f"{text[: inner.start + 1]}{text[inner.end - 1 :]}"
    if member.comma >= 0:
        end = member.comma + 1
    elif index:
        # It was the last: the comma before it goes, and what stands between them stays.
        comma = inner.members[index - 1].comma
        text = f"{text[:comma]}{text[comma + 1 :]}"
        start, end = start - 1, end - 1
    before, after = text[:start], text[end:]
    lines = re.match(r"[ \t]*\r?\n", after)
    if lines and not text[text.rfind("\n", 0, start) + 1 : start].strip():
        return before.rstrip(" \t") + after[lines.end() :]
    if member.comma >= 0:
        return before + after.lstrip(" \t")
    kept = before.rstrip()
    # What follows must not become part of a comment that ends with its line.
    return (before if "//" in kept[kept.rfind("\n") + 1 :] else kept) + after


def _indent(text: str, at: int) -> str:
    """The blanks that the line of `at` begins with."""
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _unit(text: str) -> str:
    """What the file indents by, two blanks if it does not say."""
    found = _INDENTED.search(text)
    return found[1] if found else "  "


def _eol(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"
