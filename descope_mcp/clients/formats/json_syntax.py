"""JSON, with comments and trailing commas or without, read with the place of every value.

Python's own parser forgets where things were, and knows no comments. Editors save settings in what
they call JSON with comments: line and block comments, and a comma after the last element.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from descope_mcp.clients.errors import MalformedConfiguration

_BLANK = re.compile(r"[ \t\r\n]*")
_COMMENT = re.compile(r"//[^\r\n]*|/\*.*?\*/", re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
_SCALAR = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null")


@dataclass(slots=True)
class Member:
    """One name and value of an object; `comma` is where the comma after it stands, -1 if none."""

    name: str
    start: int
    value: Value
    comma: int = -1


@dataclass(slots=True)
class Value:
    """A value and the characters that it is written in, from `start` up to `end`."""

    start: int
    end: int
    plain: Any
    members: list[Member] = field(default_factory=list)

    def member(self, name: str) -> Member | None:
        """The member of that name; of several the last, which is the one that counts."""
        return next((m for m in reversed(self.members) if m.name == name), None)


def parse(text: str, *, comments: bool) -> Value:
    """The value that the text is, with or without comments and trailing commas.

    Raises:
        MalformedConfiguration: it is no JSON.
    """
    reader = _Reader(text, comments)
    value = reader.value(reader.skip(0))
    if (rest := reader.skip(value.end)) != len(text):
        raise reader.fault("there is something after the end", rest)
    return value


class _Reader:
    def __init__(self, text: str, comments: bool) -> None:
        self._text, self._comments = text, comments

    def fault(self, what: str, at: int) -> MalformedConfiguration:
        before = self._text[:at]
        return MalformedConfiguration(what, before.count("\n") + 1, at - before.rfind("\n"))

    def skip(self, at: int) -> int:
        """Where the blanks and comments from `at` on end."""
        while True:
            at = _match_end(_BLANK, self._text, at)
            if not self._text.startswith(("//", "/*"), at):
                return at
            if not self._comments:
                raise self.fault("a comment, which this client does not accept", at)
            end = _match_end(_COMMENT, self._text, at)
            if end == at:
                raise self.fault("a comment that does not end", at)
            at = end

    def value(self, at: int) -> Value:
        first = self._text[at : at + 1]
        if first == "{":
            return self._object(at)
        if first == "[":
            return self._array(at)
        end = _match_end(_STRING if first == '"' else _SCALAR, self._text, at)
        if end == at:
            raise self.fault("a value is missing" if first in ",}]" else "this is not a value", at)
        return Value(at, end, self._decoded(at, end))

    def _object(self, start: int) -> Value:
        members: list[Member] = []
        at = self.skip(start + 1)
        while self._text[at : at + 1] != "}":
            end = _match_end(_STRING, self._text, at)
            if end == at:
                raise self.fault("a name in double quotes is missing", at)
            name, colon = self._decoded(at, end), self.skip(end)
            if self._text[colon : colon + 1] != ":":
                raise self.fault("a colon is missing", colon)
            member = Member(name, at, self.value(self.skip(colon + 1)))
            members.append(member)
            member.comma, at = self._separator(self.skip(member.value.end), "}")
        plain = {member.name: member.value.plain for member in members}
        return Value(start, at + 1, plain, members)

    def _array(self, start: int) -> Value:
        found: list[Any] = []
        at = self.skip(start + 1)
        while self._text[at : at + 1] != "]":
            element = self.value(at)
            found.append(element.plain)
            _, at = self._separator(self.skip(element.end), "]")
        return Value(start, at + 1, found)

    def _separator(self, at: int, closing: str) -> tuple[int, int]:
        """Where the comma stands (-1 if none), and where the next element or the bracket does."""
        if self._text[at : at + 1] == closing:
            return -1, at
        if self._text[at : at + 1] != ",":
            raise self.fault(f"a comma or {closing} is missing", at)
        following = self.skip(at + 1)
        if self._text[following : following + 1] == closing and not self._comments:
            raise self.fault(
                "a comma after the last element, which this client does not accept", at
            )
        return at, following

    def _decoded(self, start: int, end: int) -> Any:
        try:
            return json.loads(self._text[start:end])
        except ValueError:
            raise self.fault("this is not a valid text or number", start) from None


def _match_end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at


def written(value: Mapping[str, Any], indent: str, unit: str, end_of_line: str) -> str:
    """An object over several lines, all but the first of which begin with `indent`."""
    text = json.dumps(value, indent=unit, ensure_ascii=False)
    return text.replace("\n", f"{end_of_line}{indent}")
