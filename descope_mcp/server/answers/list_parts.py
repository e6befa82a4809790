"""Where the list of an answer is, which part of it this is, and how to ask for more of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from descope_mcp.catalog import field_selection
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.pagination import Paging


class Position(NamedTuple):
    """Which part of the service's list an answer holds.

    ``first`` is the place of its first element, from 0; ``total`` how many there are, both None if
    nobody knows; ``onward`` the arguments that the next part takes in addition, None at the end.
    """

    first: int | None = 0
    total: int | None = None
    onward: Mapping[str, int] | None = None


class Read(NamedTuple):
    """The list of an answer: its field, how many elements of it were read, and whether all."""

    field: str
    length: int
    whole: bool


def read_of(operation: Operation, data: Any, fields: str, place: Position) -> Read | None:
    """The list in `data`, which stands at `place`, of which `fields` are made; None of no list."""
    field = field_of(operation, data) if fields else None
    if field is None or (field and field not in field_selection.names(fields)):
        return None
    length = len(data[field] if field else data)
    return Read(field, length, not place.first and place.onward is None)


def made_of(read: Read | None, place: Position) -> dict[str, Any]:
    """Of how many elements `fields` were made, for where what is shown does not say it."""
    if read is None:
        return {}
    total = {"total": place.total} if place.total is not None else {}
    of = read.field or "elements"
    return {"madeOf": {"of": of, "read": read.length, **total, "all": read.whole}}


def field_of(operation: Operation, data: Any) -> str | None:
    """The field of `data` that is its list: "" if `data` is one itself, None if it has none."""
    if isinstance(data, list):
        return ""
    if not isinstance(data, dict):
        return None
    if isinstance(data.get(operation.rows), list):
        return operation.rows
    lists = _lists(data)
    return lists[0] if len(lists) == 1 else None


def longest(data: Any) -> str | None:
    """The field of the longest list in `data`, None if it has none."""
    return max(_lists(data), key=lambda name: len(data[name]), default=None)


def sized(operation: Operation, given: dict[str, Any], limit: int) -> dict[str, Any]:
    """The arguments of a call, asking for no more than `limit` elements where it can be asked."""
    paging = operation.paging
    if not (limit and paging) or paging.size in given:
        return given
    return {**given, paging.size: min(limit, paging.maximum or limit)}


def position(operation: Operation, given: Mapping[str, Any], data: Mapping[str, Any]) -> Position:
    """Which part of the list an answer is, by the arguments `given`.

    Where the service's largest page is not known, neither is the place of a page that is not full,
    and the last page may be followed by an empty one; that is better than to end too early.
    """
    rows = data.get(operation.rows)
    paging = operation.paging
    if not isinstance(rows, list):
        return Position()
    if paging is None:
        return Position(0, len(rows))
    total = _number(data.get(paging.total))
    first, onward = _onward(paging, given, len(rows))
    ended = None not in (first, total) and (first or 0) + len(rows) >= (total or 0)
    return Position(first, total, None if ended or not rows else onward)


def _onward(
    paging: Paging, given: Mapping[str, Any], count: int
) -> tuple[int | None, dict[str, int]]:
    if paging.start:
        first = max(_number(given.get(paging.start)) or 1, 1) - 1
        return first, {paging.start: first + count + 1}
    if paging.offset and (first := _number(given.get(paging.offset)) or 0):
        return first, {paging.offset: first + count}
    page = _number(given.get(paging.page)) or 0
    size = _number(given.get(paging.size)) or paging.default
    if paging.maximum:
        size = min(size, paging.maximum)
    known = page == 0 or (size and (paging.maximum or count == size))
    return (page * size if known else None), {paging.page: page + 1}


def _lists(data: Any) -> list[str]:
    fields = data.items() if isinstance(data, dict) else ()
    return [name for name, value in fields if isinstance(value, list)]


def _number(value: Any) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
