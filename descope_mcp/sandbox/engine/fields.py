"""Reading fields of a request by a template of defaults.

A template is the object as the service emits it when nothing is set (it emits defaults), so it
also says the type of every field. `fill` gives the whole object and so makes a full replace,
`given` only what was sent and so makes a patch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from descope_mcp.sandbox.engine.errors import INVALID, MALFORMED, DescopeError

Record = dict[str, Any]


def given(template: Mapping[str, Any], arguments: Mapping[str, Any]) -> Record:
    """The fields of `template` that `arguments` hold; null counts as absent, others are ignored.

    Raises:
        DescopeError: a value has another type than the template's.
    """
    return {
        name: _typed(name, default, arguments[name])
        for name, default in template.items()
        if arguments.get(name) is not None
    }


def fill(template: Mapping[str, Any], arguments: Mapping[str, Any]) -> Record:
    """Every field of `template`, with the default where `arguments` have none."""
    defaults: Record = copied(dict(template))
    return defaults | given(template, arguments)


def copied(value: Any) -> Any:
    """A copy of a JSON value that shares no list or object with it."""
    if isinstance(value, dict):
        return {name: copied(item) for name, item in value.items()}
    if isinstance(value, list):
        return [copied(item) for item in value]
    return value


def integer(arguments: Mapping[str, Any], name: str, default: int = 0) -> int:
    """A number that may come as a string, as int64 does in JSON."""
    return int(given({name: default}, arguments).get(name, default))


def seconds(arguments: Mapping[str, Any], name: str) -> int:
    """A span of time up to ten years; 0 if there is none."""
    value = integer(arguments, name)
    if not 0 <= value <= 10 * 365 * 24 * 3600:
        raise DescopeError(INVALID, f"The {name} field is out of range")
    return value


def _typed(name: str, default: Any, value: Any) -> Any:
    if isinstance(default, bool):
        fits = isinstance(value, bool)
    elif isinstance(default, int):
        if isinstance(value, str) and value.lstrip("-").isdigit():
            value = int(value)
        fits = isinstance(value, int) and not isinstance(value, bool)
    else:
        fits = isinstance(value, type(default))
    if not fits:
        raise DescopeError(MALFORMED, f"The {name} field has a wrong type")
    return copied(value)


def one_of(name: str, value: str, allowed: Iterable[str]) -> str:
    """`value`, which must be one of `allowed`."""
    if value not in allowed:
        raise DescopeError(INVALID, f"The {name} field must be one of {', '.join(allowed)}")
    return value


def distinct(values: Iterable[str]) -> list[str]:
    """`values`, which must be strings, without repetitions and empty ones, in their order."""
    out = list(values)
    if not all(isinstance(value, str) for value in out):
        raise DescopeError(MALFORMED, "A list of strings is expected")
    return list(dict.fromkeys(value for value in out if value))


def strings(arguments: Mapping[str, Any], name: str) -> list[str]:
    """The list of strings `name`, without repetitions; empty if it is absent."""
    return distinct(given({name: []}, arguments).get(name, []))


def objects(arguments: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """The list of objects `name`; an error if it is, or holds, anything else."""
    items: list[Any] = given({name: []}, arguments).get(name, [])
    if not all(isinstance(item, Mapping) for item in items):
        raise DescopeError(MALFORMED, f"The {name} field must be a list of objects")
    return items
