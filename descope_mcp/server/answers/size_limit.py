"""What an agent gets of an answer: a part that it can hold, and how to ask for the rest.

Every answer has the same shape, `SCHEMA`. What does not fit is kept (`kept_answers`) and read in
parts with ``descope_read`` on ``answers/NAME``, or as the resource ``descope://answers/NAME``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pydantic_core

from descope_mcp.call.outcome import SO_ALREADY, Completed
from descope_mcp.catalog.field_selection import project
from descope_mcp.catalog.operation import Operation
from descope_mcp.server.answers import list_parts
from descope_mcp.server.answers.brief import brief
from descope_mcp.server.answers.kept_answers import LIFETIME, Kept, Listed, Shelf
from descope_mcp.server.answers.list_parts import Position
from descope_mcp.server.answers.outline import LARGEST, bounded, text_of
from descope_mcp.server.answers.readable_values import readable

#: Where the parts of a kept answer are read: as an operation of ``descope_read``, as a resource.
OPERATION, RESOURCE = "answers/", "descope://answers/"
#: The largest element of a list that is shown as one: beside its times there may be readable ones.
_LARGEST_ROW = LARGEST // 2
#: More than this beside the list, and the answer is no list any more.
_LARGEST_FRAME = LARGEST // 4


@dataclass(frozen=True, slots=True)
class View:
    """What a read is to show: `fields` of it, at most `limit` elements (0: all), from `start`."""

    fields: str = ""
    limit: int = 0
    start: int = 0

    def again(self, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments of ``descope_read`` for the next part, seen the same way."""
        call: dict[str, Any] = {"operation": operation, "arguments": dict(arguments)}
        if self.fields:
            call["fields"] = self.fields
        return {**call, "limit": self.limit} if self.limit else call


class Answers:
    """Shows answers to callers and keeps what they have not seen."""

    def __init__(self, times: Mapping[str, str], shelf: Shelf) -> None:
        self._times = times
        self.shelf = shelf

    def first(
        self, outcome: Completed, view: View, given: Mapping[str, Any], caller: str
    ) -> dict[str, Any]:
        """The first part of an answer; `given` are the arguments of the call.

        Raises:
            WrongFields: the fields cannot be made of this answer.
        """
        operation = outcome.operation
        change = outcome.undo is not None or outcome.became == SO_ALREADY
        if change and not (view.fields or view.limit):
            return self._brief(operation, outcome.data, caller)
        place = list_parts.position(operation, given, outcome.data)
        again = view.again(operation.name, {**given, **(place.onward or {})})
        onward = again if place.onward else None
        return self._fresh(operation, outcome.data, view, caller, place, onward)

    def _brief(self, operation: Operation, data: Any, caller: str) -> dict[str, Any]:
        """The answer of a change in short; the whole of it is kept if anything is left out."""
        short = brief(data)
        if short is data or short == data:
            return self._document(operation, data, View(), caller)
        name = self.shelf.put(caller, Kept(operation, text=_encoded(data)))
        return {**self._document(operation, short, View(), caller), **_whole(name)}

    def part(self, name: str, view: View, caller: str) -> dict[str, Any] | None:
        """A part of a kept answer, None if it is gone.

        Raises:
            WrongFields: the fields cannot be made of this answer.
        """
        kept = self.shelf.find(caller, name)
        if kept is None:
            return None
        if view.fields:
            onward = kept.listed.onward if kept.listed else None
            place = Position(total=kept.listed.total if kept.listed else None)
            shown = self._fresh(kept.operation, kept.data(), view, caller, place, onward)
        elif kept.listed:
            shown = self._rows(kept.operation, kept.listed, kept.rows, view, name)
        else:
            shown = _text(kept, view, name)
        return {"operation": f"{OPERATION}{name}", "answerOf": kept.operation.name, **shown}

    def _fresh(
        self,
        operation: Operation,
        data: Any,
        view: View,
        caller: str,
        place: Position,
        onward: Mapping[str, Any] | None,
    ) -> dict[str, Any]:
        """An answer that is seen for the first time, or through fields; the rest of it is kept."""
        shown = project(view.fields, data) if view.fields else data
        field = list_parts.field_of(operation, shown)
        if field is None and bounded({"answer": shown})[1]:
            field = list_parts.longest(shown)
        if field is None:
            return self._document(operation, shown, view, caller)
        rows = shown[field] if field else shown
        frame = {key: value for key, value in shown.items() if key != field} if field else {}
        if bounded(frame, _LARGEST_FRAME)[1]:
            return self._document(operation, shown, view, caller)
        total = place.total
        if view.fields and _length(operation, data) != len(rows):
            # A filter: the total of the service says nothing about what it left.
            total = None
        if total is None and onward is None:
            total = len(rows)
        listed = Listed(field, frame, place.first, total, onward)
        part = self._rows(operation, listed, rows, view)
        if part["part"]["shown"] == len(rows[view.start :]):
            return part
        texts = tuple(map(_encoded, rows))
        if any(len(text) > _LARGEST_ROW for text in texts):
            return self._document(operation, shown, view, caller)
        name = self.shelf.put(caller, Kept(operation, listed, texts))
        return self._rows(operation, listed, texts, view, name)

    def _rows(
        self,
        operation: Operation,
        listed: Listed,
        rows: Sequence[Any],
        view: View,
        name: str = "",
    ) -> dict[str, Any]:
        """The elements from ``view.start`` that fit; with a name they are those that are kept."""
        exact = operation.scan or bool(view.fields)
        frame, left_out = (dict(listed.frame), 0) if exact else self._below(listed.frame)
        left = LARGEST - len(text_of(frame))
        end = view.start + view.limit if view.limit else len(rows)
        shown: list[Any] = []
        for row in rows[view.start : end]:
            plain = pydantic_core.from_json(row) if name else row
            element, empty = readable(plain, self._times, exact=exact)
            size = len(text_of(element)) + 1
            if size > left and name and not shown:
                # With readable times it is too large, and something has to be shown.
                element, empty, size = plain, 0, 0
            if size > left:
                break
            left -= size
            left_out += empty
            shown.append(element)
        after = view.start + len(shown)
        then = listed.onward
        if after < len(rows):
            then = View(limit=view.limit).again(f"{OPERATION}{name}", {"from": after})
        first = None if listed.first is None else listed.first + view.start
        part = _part(listed.field or "elements", first, len(shown), listed.total, then)
        answer = {**frame, listed.field: shown} if listed.field else shown
        return {"answer": answer, "part": part, **_left_out(left_out), **_whole(name)}

    def _document(self, operation: Operation, data: Any, view: View, caller: str) -> dict[str, Any]:
        """An answer without a list: all of it, or its outline."""
        exact = operation.scan or bool(view.fields)
        outline, cuts = bounded({"answer": data})
        if not cuts:
            shown, left_out = (data, 0) if exact else self._below(data)
            if len(text_of(shown)) > LARGEST:
                shown, left_out = data, 0
            return {"answer": shown, **_left_out(left_out)}
        text = _encoded(data)
        name = self.shelf.put(caller, Kept(operation, text=text))
        told = {path.removeprefix("answer."): list(cut) for path, cut in cuts.items()}
        then = View().again(f"{OPERATION}{name}", {"from": 0})
        part = _part("characters", 0, 0, len(text), then)
        return {"answer": outline.get("answer"), "cut": told, "part": part, **_whole(name)}

    def _below(self, data: Any) -> tuple[Any, int]:
        """`data` for a reader, with all of its own fields: that they are empty is an answer."""
        if not isinstance(data, dict):
            return readable(data, self._times)
        shown: dict[str, Any] = {}
        left_out = 0
        for key, value in data.items():
            seen, empty = readable({key: value}, self._times)
            shown |= seen or {key: value}
            left_out += empty if seen else 0
        return shown, left_out


def _text(kept: Kept, view: View, name: str) -> dict[str, Any]:
    """A part of an answer that is no list, as text."""
    text = kept.text[view.start : view.start + min(view.limit or LARGEST, LARGEST)]
    while (written := len(text_of(text))) > LARGEST:
        # JSON has to spell some characters, quotation marks above all.
        text = text[: len(text) * LARGEST // written - 1]
    after = view.start + len(text)
    then = None
    if after < len(kept.text):
        then = View(limit=view.limit).again(f"{OPERATION}{name}", {"from": after})
    part = _part("characters", view.start, len(text), len(kept.text), then)
    return {"answer": text, "part": part, **_whole(name)}


def _length(operation: Operation, data: Any) -> int:
    """How long the list of an answer is."""
    field = list_parts.field_of(operation, data)
    return len(data[field] if field else data) if field is not None else 0


def _part(
    of: str, first: int | None, shown: int, total: int | None, then: Mapping[str, Any] | None
) -> dict[str, Any]:
    part: dict[str, Any] = {"of": of, "shown": shown}
    if first is not None:
        part["from"] = first
    if total is not None:
        part["total"] = total
    if then is not None:
        part["next"] = dict(then)
    return part


def _left_out(empty: int) -> dict[str, Any]:
    return {"emptyFieldsLeftOut": empty} if empty else {}


def _whole(name: str) -> dict[str, Any]:
    return {"whole": {"uri": f"{RESOURCE}{name}", "minutes": LIFETIME // 60}} if name else {}


def _encoded(value: Any) -> str:
    return pydantic_core.to_json(value, fallback=str).decode()
