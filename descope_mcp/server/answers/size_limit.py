"""What an agent gets of an answer: a part that it can hold, and how to ask for the rest.

Every answer has the same shape, `SCHEMA`. What does not fit is kept (`kept_answers`) and read in
parts with ``descope_read`` on ``answers/NAME``, or as the resource ``descope://answers/NAME``. What
is not kept any more, or was in another process, is read again, and its rest is shown.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pydantic_core

from descope_mcp.call.outcome import SO_ALREADY, Completed
from descope_mcp.catalog import field_selection
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.reports.record import COLUMNS
from descope_mcp.catalog.reports.report import Report
from descope_mcp.server.answers import field_names, list_parts
from descope_mcp.server.answers.brief import brief
from descope_mcp.server.answers.continuation import (
    OPERATION,
    View,
    changed,
    origin_of,
    part_of,
    whole,
)
from descope_mcp.server.answers.kept_answers import Kept, Listed, Shelf
from descope_mcp.server.answers.list_parts import Position
from descope_mcp.server.answers.outline import LARGEST, bounded, text_of
from descope_mcp.server.answers.readable_values import (
    READABLE,
    LeftOut,
    Reading,
    below,
    readable,
)

#: The largest element of a list that is shown as one: beside its times there may be readable ones.
_LARGEST_ROW = LARGEST // 2
#: More than this beside the list, and the answer is no list any more.
_LARGEST_FRAME = LARGEST // 4
#: The largest part of a report, some 3,000 tokens, and the most beside its table.
_REPORT, _REPORT_FRAME = 8_000, 5_000


class Answers:
    """Shows answers to callers and keeps what they have not seen."""

    def __init__(self, times: Mapping[str, str], shelf: Shelf, last: Collection[str] = ()) -> None:
        """Args: `times` and `last` as in `Reading`; `shelf` for what is kept."""
        self._reading = Reading(times, frozenset(last))
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
        origin = origin_of(operation, given, view)
        return self._fresh(operation, outcome.data, view, caller, place, onward, origin)

    def _brief(self, operation: Operation, data: Any, caller: str) -> dict[str, Any]:
        """The answer of a change in short; the whole of it is kept if anything is left out."""
        short = brief(data)
        if short is data or short == data:
            return self._document(operation, data, View(), caller)
        name = self.shelf.put(caller, Kept(operation, text=_encoded(data)))
        return {**self._document(operation, short, View(), caller), **whole(name)}

    def part(
        self, name: str, view: View, caller: str, scopes: Collection[str] | None = None
    ) -> dict[str, Any] | None:
        """A part of a kept answer, None if it is gone, or `scopes` are not for it (`Shelf.find`).

        Raises:
            WrongFields: the fields cannot be made of this answer.
        """
        kept = self.shelf.find(caller, name, scopes)
        if kept is None:
            return None
        if view.fields:
            onward = kept.listed.onward if kept.listed else None
            place = Position(total=kept.listed.total if kept.listed else None)
            origin = kept.origin
            if origin is not None:
                # What fields were made of cannot be said together with other fields.
                origin = None if "fields" in origin else {**origin, "fields": view.fields}
            shown = self._fresh(kept.operation, kept.data(), view, caller, place, onward, origin)
        elif kept.listed:
            shown = self._rows(kept.operation, kept.listed, kept.rows, view, (name, kept))
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
        origin: Mapping[str, Any] | None,
    ) -> dict[str, Any]:
        """An answer that is seen for the first time, or through fields; the rest of it is kept."""
        shown = self._selected(operation, data, view.fields) if view.fields else data
        field = list_parts.field_of(operation, shown)
        largest, largest_frame = _sizes(operation)
        if field is None and bounded({"answer": shown}, largest)[1]:
            field = list_parts.longest(shown)
        read = list_parts.read_of(operation, data, view.fields, place)
        if field is None:
            document = self._document(operation, shown, view, caller, origin)
            return {**document, **list_parts.made_of(read, place)}
        rows = shown[field] if field else shown
        frame = {key: value for key, value in shown.items() if key != field} if field else {}
        if bounded(frame, largest_frame)[1]:
            document = self._document(operation, shown, view, caller, origin)
            return {**document, **list_parts.made_of(read, place)}
        total, made_of = place.total, {}
        if read and read.length != len(rows):
            # A filter: the total of the service says nothing about what it left.
            total, made_of = None, list_parts.made_of(read, place)
        if total is None and onward is None:
            total = len(rows)
        listed = Listed(field, frame, place.first, total, onward)
        part = {**self._rows(operation, listed, rows, view), **made_of}
        if part["part"]["shown"] == len(rows[view.start :]) and not view.digest:
            return part
        texts = tuple(map(_encoded, rows))
        if any(len(text) > _LARGEST_ROW for text in texts):
            return self._document(operation, shown, view, caller, origin)
        kept = Kept(operation, listed, texts, origin=origin)
        name = self.shelf.put(caller, kept)
        part = self._rows(operation, listed, texts, view, (name, kept))
        return {**part, **made_of, **changed(kept, view)}

    def _rows(
        self,
        operation: Operation,
        listed: Listed,
        rows: Sequence[Any],
        view: View,
        shelved: tuple[str, Kept] | None = None,
    ) -> dict[str, Any]:
        """The elements from ``view.start`` that fit; with a name they are those that are kept."""
        name = shelved[0] if shelved else ""
        exact = _is_exact(operation, view)
        beside = dict(listed.frame)
        if view.start and isinstance(operation, Report):
            # What a report says of the whole is said with its first part.
            beside = {key: value for key, value in beside.items() if key == COLUMNS}
        left_out = LeftOut()
        frame = beside if exact else below(beside, self._reading, left_out)
        left = _sizes(operation)[0] - len(text_of(frame))
        end = view.start + view.limit if view.limit else len(rows)
        shown: list[Any] = []
        for row in rows[view.start : end]:
            plain = pydantic_core.from_json(row) if name else row
            without = LeftOut()
            element = readable(plain, self._reading, without, exact=exact)
            size = len(text_of(element)) + 1
            if size > left and name and not shown:
                # With readable times it is too large, and something has to be shown.
                element, without, size = plain, LeftOut(), 0
            if size > left:
                break
            left -= size
            left_out.take(without)
            shown.append(element)
        after = view.start + len(shown)
        then = listed.onward
        if shelved and after < len(rows):
            then = View(limit=view.limit).again(f"{OPERATION}{name}", shelved[1].onward(after))
        first = None if listed.first is None else listed.first + view.start
        part = part_of(listed.field or "elements", first, len(shown), listed.total, then)
        answer = {**frame, listed.field: shown} if listed.field else shown
        named = _named(operation, left_out)
        return {"answer": answer, "part": part, **named, **whole(name)}

    def _document(
        self,
        operation: Operation,
        data: Any,
        view: View,
        caller: str,
        origin: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """An answer without a list: all of it, its outline, or after that its text from a place."""
        exact = _is_exact(operation, view)
        outline, cuts = bounded({"answer": data}, _sizes(operation)[0])
        if not (cuts or view.digest):
            left_out = LeftOut()
            shown = data
            if not exact:
                shown = below(data, self._reading, left_out, operation.other_forms)
            if len(text_of(shown)) > LARGEST:
                shown, left_out = data, LeftOut()
            return {"answer": shown, **_named(operation, left_out)}
        text = _encoded(data)
        kept = Kept(operation, text=text, origin=origin)
        name = self.shelf.put(caller, kept)
        if view.digest:
            return {**_text(kept, view, name), **changed(kept, view)}
        told = {path.removeprefix("answer."): list(cut) for path, cut in cuts.items()}
        then = View().again(f"{OPERATION}{name}", kept.onward(0))
        part = part_of("characters", 0, 0, len(text), then)
        return {"answer": outline.get("answer"), "cut": told, "part": part, **whole(name)}

    def _selected(self, operation: Operation, data: Any, fields: str) -> Any:
        """What `fields` makes of an answer, in which times can be chosen in their readable form.

        Raises:
            WrongFields: nothing, or nothing that makes sense.
        """
        if READABLE in fields:
            data = readable(data, self._reading)
        made = field_selection.project(fields, data)
        field_names.check(fields, made, data, list_parts.field_of(operation, data))
        return made


def _sizes(operation: Operation) -> tuple[int, int]:
    """How large an answer may be, and how large what is beside its list."""
    report = isinstance(operation, Report)
    return (_REPORT, _REPORT_FRAME) if report else (LARGEST, _LARGEST_FRAME)


def _text(kept: Kept, view: View, name: str) -> dict[str, Any]:
    """A part of an answer that is no list, as text."""
    text = kept.text[view.start : view.start + min(view.limit or LARGEST, LARGEST)]
    while (written := len(text_of(text))) > LARGEST:
        # JSON has to spell some characters, quotation marks above all.
        text = text[: len(text) * LARGEST // written - 1]
    after = view.start + len(text)
    then = None
    if after < len(kept.text):
        then = View(limit=view.limit).again(f"{OPERATION}{name}", kept.onward(after))
    part = part_of("characters", view.start, len(text), len(kept.text), then)
    return {"answer": text, "part": part, **whole(name)}


def _is_exact(operation: Operation, view: View) -> bool:
    """Whether an answer is shown as it is: what a report says of a whole, it says on purpose."""
    return operation.scan or bool(view.fields) or isinstance(operation, Report)


def _named(operation: Operation, left_out: LeftOut) -> dict[str, Any]:
    """What is left out of a read. A change shows what it did, and absence says nothing there."""
    return left_out.told(operation.empty_means) if operation.effect == "read" else {}


def _encoded(value: Any) -> str:
    return pydantic_core.to_json(value, fallback=str).decode()
