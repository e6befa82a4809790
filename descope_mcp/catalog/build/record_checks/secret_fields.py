"""What the contract calls after secrets: a text is a secret of the record, an object may not be.

In an answer everything under such a name is sealed, whoever put it there. So that no setting of
the contract's own is hidden, its fields are looked at here, when the catalog is compiled.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from descope_mcp.catalog.operation_record.record import Record
from descope_mcp.catalog.secret_names import names_holder, names_secret

_Place = tuple[str, str, Mapping[str, Any]]


def problems(
    answer: Mapping[str, Any], own: Mapping[str, Any], record: Record
) -> Iterator[tuple[tuple[str], str]]:
    """The texts of an operation that are called like a secret and are none of its record."""
    for key, schema, listed in (
        ("secrets", answer, record.secrets),
        ("secret_arguments", own, (*record.secret_arguments, "credential")),
    ):
        for path, name, held in _places(schema):
            if _sounds(name, held) and not _is_listed(path, listed):
                yield (key,), f"{path} is called like a secret: list it, or see secret_names"


def holders(*schemas: Mapping[str, Any]) -> list[str]:
    """The names of objects and lists that sound like secrets alone and have fields of their own."""
    places = (place for schema in schemas for place in _places(schema))
    structured = (name for _, name, held in places if held.get("type") in ("object", "array"))
    return sorted({name for name in structured if names_holder(name)})


def _sounds(name: str, held: Mapping[str, Any]) -> bool:
    """Whether a text, or each of a list of texts, has a name that speaks of a secret."""
    if held.get("type") == "array":
        return names_holder(name) and held.get("items", {}).get("type") == "string"
    return names_secret(name) and held.get("type") in ("string", None) and "properties" not in held


def _is_listed(path: str, listed: tuple[str, ...]) -> bool:
    return any(path == one or path.startswith((f"{one}.", f"{one}[")) for one in listed)


def _places(schema: Mapping[str, Any], path: str = "") -> Iterator[_Place]:
    """All fields below a schema: path, name, and what they hold."""
    for choice in schema.get("anyOf", [schema]):
        for name, inner in choice.get("properties", {}).items():
            here = f"{path}.{name}" if path else name
            yield here, name, inner
            yield from _places(inner, here)
        if isinstance(choice.get("items"), Mapping):
            yield from _places(choice["items"], f"{path}[]")
