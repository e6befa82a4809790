"""The filters that the search operations share."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from typing import Any

from descope_mcp.sandbox.engine.errors import INVALID, DescopeError
from descope_mcp.sandbox.engine.fields import Record, given, integer, objects

#: How many records a page has if the caller does not say.
PAGE = 100

#: The sort fields of the contract, as far as their names differ from the record's.
_SORT_FIELDS = {"displayName": "name", "phoneNumber": "phone", "externalId": "loginIds"}


def has_any(value: Any, wanted: Container[Any]) -> bool:
    """Whether `value`, or one of its elements if it is a list, is among `wanted`."""
    return any(one in wanted for one in (value if isinstance(value, list) else [value]))


def asked(arguments: Mapping[str, Any], fields: Mapping[str, str]) -> dict[str, list[Any]]:
    """The list filters that `arguments` give, as the record's field -> allowed values.

    `fields` says which argument filters which field. An empty or absent list does not filter.
    """
    lists = given({name: [] for name in fields}, arguments)
    return {fields[name]: values for name, values in lists.items() if values}


def matches(record: Mapping[str, Any], wanted: Mapping[str, Container[Any]]) -> bool:
    """Whether every field of `wanted` has, in `record`, one of the values it allows."""
    return all(has_any(record[field], values) for field, values in wanted.items())


def has_text(record: Mapping[str, Any], text: str, fields: Iterable[str]) -> bool:
    """Whether one of `fields` contains `text`, whatever its case."""
    wanted = text.casefold()
    return any(wanted in str(record[field]).casefold() for field in fields)


def has_attributes(record: Mapping[str, Any], arguments: Mapping[str, Any]) -> bool:
    """Whether the record has all ``customAttributes`` that `arguments` ask for.

    A list asks for one of its values.
    """
    own = record["customAttributes"]
    wanted = given({"customAttributes": {}}, arguments).get("customAttributes", {})
    return all(
        name in own and has_any(own[name], value if isinstance(value, list) else [value])
        for name, value in wanted.items()
    )


def ordered(records: Iterable[Record], sort: Any) -> list[Record]:
    """`records` sorted by the contract's ``sort``, the first criterion first."""
    out = list(records)
    for criterion in reversed(objects({"sort": sort}, "sort")):
        field = str(criterion.get("field", ""))
        out.sort(key=_key(_SORT_FIELDS.get(field, field)), reverse=bool(criterion.get("desc")))
    return out


def _key(field: str) -> Callable[[Record], tuple[bool, Any]]:
    def key(record: Record) -> tuple[bool, Any]:
        value = record.get(field, record.get("userId") if field == "id" else None)
        return (False, value) if isinstance(value, int) else (True, str(value or ""))

    return key


def page(records: list[Record], arguments: Mapping[str, Any]) -> list[Record]:
    """A page of ``limit`` records: ``page`` counts from 0, a positive ``offset`` goes before it."""
    length = integer(arguments, "limit") or PAGE
    start = integer(arguments, "offset") or integer(arguments, "page") * length
    if length < 0 or start < 0:
        raise DescopeError(INVALID, "page, offset and limit must not be negative")
    return records[start : start + length]
