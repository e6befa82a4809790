"""Checking the arguments of a call against the operation's input schema.

What comes out has been parsed, checked and stripped of nulls that mean "not given". Nothing is
ever dropped silently: an argument that the operation does not declare refuses the call.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema_rs

from descope_mcp.catalog.errors import InvalidArguments
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.path import is_empty

#: Characters that would let a path argument address something else (RFC 3986, section 2.2).
_PATH_BREAKERS = frozenset("/\\?#%")


def check(operation: Operation, arguments: object) -> dict[str, Any]:
    """The arguments as the API core takes them.

    Args:
        operation: what is called.
        arguments: a mapping, or a JSON string of one (some clients send strings); None is none.

    Raises:
        InvalidArguments: with every problem, each naming the argument and what was expected.
            The messages never repeat a value.
    """
    if arguments is None:
        arguments = {}
    parsed = _parse(arguments, operation.input_schema)
    if not isinstance(parsed, dict):
        raise InvalidArguments(operation.name, ["arguments: an object was expected"])
    keep = frozenset(operation.nullable)
    given: dict[str, Any] = _without_nulls(parsed, operation.input_schema, keep)
    # A null that means "keep" is a value of its own and has no type to check.
    typed = {name: v for name, v in given.items() if not (v is None and name in keep)}
    problems = [_explain(error) for error in operation.validator.iter_errors(typed)]
    problems += _path_problems(operation, given)
    for group in operation.one_of:
        if all(is_empty(given.get(name)) for name in group):
            problems.append(f"one of {', '.join(group)} is needed")
    if problems:
        raise InvalidArguments(operation.name, problems)
    return given


def _parse(value: Any, wanted: Mapping[str, Any]) -> Any:
    """`value` with JSON strings parsed wherever an object or a list is wanted."""
    kind = wanted.get("type")
    if isinstance(value, str) and kind in ("object", "array"):
        try:
            parsed = json.loads(value)
        except ValueError:
            return value
        if isinstance(parsed, dict if kind == "object" else list):
            value = parsed
    if isinstance(value, dict):
        properties = wanted.get("properties", {})
        return {name: _parse(item, properties.get(name, {})) for name, item in value.items()}
    if isinstance(value, list):
        return [_parse(item, wanted.get("items", {})) for item in value]
    return value


def _without_nulls(value: Any, wanted: Mapping[str, Any], keep: frozenset[str]) -> Any:
    """`value` without the nulls that strict clients send for every argument left out.

    Only where the schema lists properties: in a free map a null is the caller's.
    """
    properties = wanted.get("properties")
    if isinstance(value, dict) and properties:
        return {
            name: _without_nulls(item, properties.get(name, {}), frozenset())
            for name, item in value.items()
            if item is not None or name in keep or name not in properties
        }
    if isinstance(value, list) and isinstance(wanted.get("items"), Mapping):
        return [_without_nulls(item, wanted["items"], frozenset()) for item in value]
    return value


def _path_problems(operation: Operation, given: Mapping[str, Any]) -> Iterator[str]:
    for name, place in operation.places.items():
        value = given.get(name)
        if place.where != "path" or not isinstance(value, str):
            continue
        if not value or set(value) <= {"."}:
            yield f"{name}: an empty value or dots cannot stand in a path"
        elif _PATH_BREAKERS & set(value) or any(ord(c) < 32 or ord(c) == 127 for c in value):
            yield f"{name}: stands in the path, so / \\ ? # % and control characters are refused"


def _explain(error: jsonschema_rs.ValidationError) -> str:
    """One problem in our words; the value itself is left out, it may be a secret."""
    where = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in error.instance_path)
    kind: Any = error.kind
    value: Any = getattr(kind, "value", None)
    prefix = f"{where.removeprefix('.')}: " if where else ""
    match kind.name:
        case "additionalProperties":
            names = ", ".join(str(name) for name in value)
            return f"{prefix}{names}: not an argument of this operation"
        case "required":
            return f"{prefix}{value}: required"
        case "type":
            return f"{prefix}expected {' or '.join(kind.types)}, got {_kind(error.instance)}"
        case "enum":
            return f"{prefix}expected one of {', '.join(map(str, value))}"
        case "anyOf":
            return f"{prefix}expected another type, got {_kind(error.instance)}"
        case "minimum":
            return f"{prefix}must be at least {value}"
        case other:
            return f"{prefix}does not meet {other}"


def _kind(value: object) -> str:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}
    return "null" if value is None else names.get(type(value), "object")
