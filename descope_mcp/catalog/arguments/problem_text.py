"""What is wrong with an argument, in our words and without its value, which may be a secret."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

import jsonschema_rs

from descope_mcp.catalog.arguments import scalar_coercion

#: More problems than this are not told, nor more than so many characters of a name.
MAX_PROBLEMS = 20
MAX_NAME_SHOWN = 64


def told(error: jsonschema_rs.ValidationError, wanted: Mapping[str, Any] | None = None) -> str:
    """One problem in our words; the value itself is left out, it may be a secret."""
    kind: Any = error.kind
    value: Any = getattr(kind, "value", None)
    where = located(error.instance_path)
    prefix = f"{where}: " if where else ""
    match kind.name:
        case "additionalProperties":
            names = ", ".join(cut(name) for name in value[:MAX_PROBLEMS])
            return (
                f"{prefix}{names}: not an argument of this operation{_nearest(value, wanted or {})}"
            )
        case "required":
            return f"{prefix}{value}: required"
        case "type":
            return f"{prefix}{_mistyped(kind.types, error.instance)}"
        case "enum":
            return f"{prefix}expected one of {', '.join(map(str, value))}"
        case "anyOf":
            return _of_choice(error, prefix)
        case "minimum":
            return f"{prefix}must be at least {value}"
        case "maximum":
            return f"{prefix}must be at most {value}"
        case "maxItems" | "maxLength":
            return f"{prefix}is too long; at most {value}"
        case other:
            return f"{prefix}does not meet {other}"


def _nearest(unknown: list[str], wanted: Mapping[str, Any]) -> str:
    """The argument that was probably meant, if one name looks like the unknown one."""
    known = list(wanted.get("properties", ()))
    near = difflib.get_close_matches(cut(unknown[0]), known, n=1) if len(unknown) == 1 else []
    return f"; did you mean {near[0]}?" if near else ""


def _of_choice(error: jsonschema_rs.ValidationError, prefix: str) -> str:
    """None of several types fits, or one does and its content is the problem."""
    kind: Any = error.kind
    inner = [e for choice in kind.context for e in choice]
    own = [e for e in inner if e.kind.name == "type" and e.instance_path == error.instance_path]
    if len(own) < len(kind.context):
        return told(next(e for e in inner if e not in own))
    types = list(dict.fromkeys(name for e in own for name in e.kind.types))
    return f"{prefix}{_mistyped(types, error.instance)}"


def _mistyped(types: list[str], value: object) -> str:
    meant = scalar_coercion.meant(value, set(types))
    hint = f"; {meant}" if meant else ""
    return f"expected {' or '.join(types)}, got {_kind(value)}{hint}"


def located(path: Iterable[str | int]) -> str:
    """A place in the arguments: ``users[0].email``."""
    steps = (f"[{p}]" if isinstance(p, int) else f".{cut(p)}" for p in path)
    return "".join(steps).removeprefix(".")


def cut(name: object) -> str:
    """A name, not longer than is shown."""
    text = str(name)
    return text if len(text) <= MAX_NAME_SHOWN else text[: MAX_NAME_SHOWN - 1] + "…"


def _kind(value: object) -> str:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}
    return "null" if value is None else names.get(type(value), "object")
