"""Operations in compact notation: ``DeleteUser(loginId | userId)``, ``page?: integer``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from descope_mcp.catalog.operation import Operation


def signature(
    operation: Operation, most: int = 8, about: Callable[[str], int] | None = None
) -> str:
    """The operation's name and arguments, at most `most` of them.

    The required ones come first, then those whose name and note `about` says most of.
    """
    shown = [*_required(operation), *_optional(operation, about)]
    more = [f"+{len(shown) - most} more"] if len(shown) > most else []
    return f"{operation.name}({', '.join([*shown[:most], *more])})"


def brief(operation: Operation) -> str:
    """The operation's name and required arguments: ``CreateTenant(name: string, ...)``."""
    required, optional = _required(operation), _optional(operation)
    return f"{operation.name}({', '.join([*required, *(['...'] if optional else [])])})"


def kind(value: Mapping[str, Any]) -> str:
    """A JSON Schema as a short type: ``string[]``, ``{tenantId: string, roleNames: string[]}``."""
    if "enum" in value:
        return " | ".join(f'"{choice}"' for choice in value["enum"])
    if "anyOf" in value:
        return " | ".join(kind(choice) for choice in value["anyOf"])
    if value.get("type") == "array":
        inner = kind(value["items"])
        return f"({inner})[]" if " | " in inner else f"{inner}[]"
    if "properties" in value:
        fields = ", ".join(f"{name}: {kind(v)}" for name, v in value["properties"].items())
        return f"{{{fields}}}"
    extra = value.get("additionalProperties")
    if isinstance(extra, Mapping):
        return f"map of {kind(extra)}"
    return str(value.get("type", "any"))


def _required(operation: Operation) -> list[str]:
    groups = [" | ".join(group) for group in operation.one_of]
    names = operation.input_schema.get("required", ())
    return [*(f"{name}: {_type(operation, name)}" for name in names), *groups]


def _optional(operation: Operation, about: Callable[[str], int] | None = None) -> list[str]:
    taken = {*operation.input_schema.get("required", ()), *(n for g in operation.one_of for n in g)}
    properties = operation.input_schema["properties"]
    names = [name for name in properties if name not in taken]
    if about is not None:
        names.sort(key=lambda name: -about(f"{name} {properties[name].get('description', '')}"))
    return [f"{name}?: {_type(operation, name)}" for name in names]


def _type(operation: Operation, name: str) -> str:
    """The type of an argument; a moment may be written as any (see `timestamps`)."""
    value = operation.input_schema["properties"][name]
    return "time" if name in operation.moments else _short(value)


def _short(value: Mapping[str, Any]) -> str:
    """The type without the fields of objects."""
    if value.get("type") == "array":
        return f"{_short(value['items'])}[]"
    return "object" if "properties" in value else kind(value)
