"""An operation's arguments in lines: what to fill in, in which form, and what it means.

A line is the name (``?``: may be left out), the type, and what there is to say. The type is as a
reader needs it: ``time`` is ISO 8601 (or epoch, see `timestamps`), ``Tenant.id`` the id of a
tenant. The fields of an object follow in lines of their own, indented. Arguments of one type of
which there is nothing or the same to say share a line; those that nobody knows come last.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from descope_mcp.catalog.arguments.argument_paths import inside
from descope_mcp.catalog.arguments.explanation import Explanation
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.schemas.signature import kind

_INDENT = "  "
_UNKNOWN = "undocumented"
_MORE = "schema: true shows more"
#: So many arguments that nobody knows are named at once.
_FEW = 6


class _Line(NamedTuple):
    """One argument or field, and the lines of those in it."""

    name: str
    optional: bool
    kind: str
    note: str
    inner: Sequence[str]


def argument_lines(
    operation: Operation, explained: Explanation, *, unfolded: bool = False
) -> list[str]:
    """The lines of all arguments; with `unfolded` those of rarely used fields too."""
    return list(_Lines(operation, explained, unfolded=unfolded).of(operation.input_schema, ""))


class _Lines:
    def __init__(self, operation: Operation, explained: Explanation, *, unfolded: bool) -> None:
        self._moments = operation.moments
        self._explained = explained
        self._unfolded = unfolded

    def of(self, schema: Mapping[str, Any], above: str) -> Iterator[str]:
        """The lines of the fields of `schema`, whose paths begin with `above`."""
        needed = {*(f"{above}{name}" for name in schema.get("required", ()))}
        needed |= {*self._explained.required}
        lines = [
            self._line(name, value, path := f"{above}{name}", optional=path not in needed)
            for name, value in schema["properties"].items()
        ]
        lines.sort(key=lambda line: line.kind if line.note == _UNKNOWN else "")
        for _, group in groupby(lines, _alike):
            together = list(group)
            first = together[0]
            shown = [f"{line.name}{'?' if line.optional else ''}" for line in together]
            note = f" - {first.note}" if first.note else ""
            if first.note == _UNKNOWN and len(shown) > _FEW and not self._unfolded:
                shown = [*shown[:_FEW], f"+{len(shown) - _FEW} more"]
                note = f"{note}; {_MORE}"
            yield f"{', '.join(shown)}: {first.kind}{note}"
            yield from (f"{_INDENT}{line}" for line in first.inner)

    def _line(self, name: str, value: Mapping[str, Any], path: str, *, optional: bool) -> _Line:
        element, here, lists = value, path, ""
        while element.get("type") == "array":
            element, here, lists = element["items"], f"{here}[]", f"{lists}[]"
        note = self._note(path, value)
        fields, step = inside(element)
        if not fields:
            to = self._explained.refers_to.get(path)
            shown = to or ("time" if here in self._moments else kind(element))
            shown = f"({shown})" if lists and " | " in shown else shown
            return _Line(name, optional, f"{shown}{lists}", note, ())
        if path in self._explained.folded and not self._unfolded:
            note = f"{note}; {_MORE}" if note else _MORE
            return _Line(name, optional, f"{{{', '.join(fields)}}}{lists}", note, ())
        holder = element["additionalProperties"] if step else element
        inner = list(self.of(holder, f"{here}{step}."))
        return _Line(name, optional, f"{'map of ' if step else ''}object{lists}", note, inner)

    def _note(self, path: str, value: Mapping[str, Any]) -> str:
        """The few words that the record has, and what there is to say besides."""
        if path in self._explained.unknown:
            return _UNKNOWN
        said = (value.get("description", ""), self._explained.notes.get(path, ""))
        return "; ".join(text for text in said if text)


def _alike(line: _Line) -> tuple[str, str, tuple[str, ...]]:
    """The same for lines that can be one: of one type, with nothing or the same to say."""
    return line.kind, line.note, tuple(line.inner)
