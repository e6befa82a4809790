"""What an update says of a change holds as well for a creation that changes what exists.

Somebody who may not update a thing as they like could otherwise make it anew under its id.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from descope_mcp.catalog.build.openapi import Endpoint
from descope_mcp.catalog.operation_record.record import Overwrites, Overwriting, Record
from descope_mcp.catalog.operation_record.rule import BETWEEN, COMPARISONS, CONDITIONS, Rule
from descope_mcp.catalog.schemas import input_schema

#: What the path of a creation or an update ends with, besides the place that both have.
_DOING = frozenset(("create", "update", "import", "batch", "new", "put"))


def problems(
    endpoint: Endpoint,
    record: Record,
    records: Mapping[str, Record],
    endpoints: Mapping[str, Endpoint],
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What is wrong with `overwrites` of a record that may replace what exists."""
    replaces = record.existing in ("replaced", "unknown")
    if record.overwrites is None:
        for name, other in records.items():
            there = endpoints.get(name)
            if replaces and other.update and there and _place(there) == _place(endpoint):
                yield (), f"may overwrite what exists; say that {name} does the same (overwrites)"
        return
    update = records.get(record.overwrites.operation)
    if not replaces:
        yield ("overwrites",), "it overwrites nothing, by what it says of what exists"
    elif update is None or not update.update:
        yield ("overwrites",), f"{record.overwrites.operation} is no update"
    elif not record.may_overwrite and (more := {*update.worst_hazards} - {*record.hazards}):
        yield ("hazards",), f"milder than {record.overwrites.operation}: {', '.join(sorted(more))}"


def overwriting(record: Record, update: Record, own: Mapping[str, Any]) -> Overwriting:
    """The hazards and rules of an update, for the arguments of a creation (`own` is their schema).

    What relaxes by an argument that the creation does not have is left out.
    """
    named = record.overwrites or Overwrites(operation="")
    moved = (_moved(rule, named) for rule in update.when if not rule.refuse)
    known = (
        rule
        for rule in moved
        if all(input_schema.lookup(dict(own), path) is not None for path in rule.paths)
    )
    return Overwriting(hazards=update.hazards, when=tuple(known))


def _place(endpoint: Endpoint) -> tuple[str, ...]:
    """Where an operation does what it does: its path without the words for that."""
    parts = endpoint.path.lower().split("/")
    while parts and parts[-1] in _DOING:
        parts.pop()
    return tuple(parts)


def _moved(rule: Rule, named: Overwrites) -> Rule:
    """A rule of the update on the same fields of the creation."""
    at, under = named.at, named.under

    def path(text: str) -> str:
        return ".".join(filter(None, (at, text.removeprefix(f"{under}.") if under else text)))

    def value(name: str, held: Any) -> Any:
        if not isinstance(held, dict):
            return tuple(map(path, held))
        return {
            path(key): tuple(map(path, inner)) if name in BETWEEN else inner
            for key, inner in held.items()
        }

    conditions = {name: value(name, getattr(rule, name)) for name in (*CONDITIONS, *COMPARISONS)}
    return rule.model_copy(update=conditions)
