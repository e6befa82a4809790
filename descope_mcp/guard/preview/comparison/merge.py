"""Replace without loss: what a caller leaves out is filled in from the before-state.

An operation that replaces clears every field that its request can carry and the caller did not
give. What cannot be read is never invented: it is left out, and shows as a change from UNKNOWN.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from descope_mcp.catalog.json_path import is_empty
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.schemas.input_schema import REPLACE
from descope_mcp.guard.preview.comparison.before_state import Locked, as_arguments
from descope_mcp.guard.preview.comparison.difference import Change, Held, difference


@dataclass(frozen=True, slots=True)
class Merged:
    """The arguments to send, the paths that were filled in, and what the call changes.

    ``changes`` is None where nothing is known of the before-state: then the worst case counts.
    """

    arguments: dict[str, Any]
    filled: tuple[str, ...] = ()
    changes: tuple[Change, ...] | None = None


def merge(operation: Operation, arguments: Mapping[str, Any], before: Any) -> Merged:
    """Fill in what a replacing call leaves out, and compare the call with the before-state.

    Args:
        operation: what is called. One that does not replace is compared and not completed.
        arguments: checked arguments. With ``replace: true`` they are left as they are.
        before: what the first step of the preview found (`Preview.target`), None if nothing. An
            empty value that the caller gave counts as given.
    """
    given = dict(arguments)
    compared = operation.update or operation.before or operation.may_overwrite
    if before is None or not compared:
        return Merged(given)
    held = as_arguments(operation, given, before)
    if held is None:
        return Merged(given)
    wanted = operation.input_schema
    filled: list[str] = []
    replaces = operation.update == "replace"
    if replaces and given.get(REPLACE) is not True:
        given = _completed(operation, wanted, given, held, "", filled)
    said, there = given, _comparable(held)
    if not (replaces or operation.may_overwrite):
        # What is not given stays, and a null that reaches a patch means "keep".
        said = {name: value for name, value in given.items() if value is not None}
        there = {name: value for name, value in there.items() if name in said}
    changes = difference(wanted, there, said, given_only=operation.update == "patch")
    return Merged(given, tuple(filled), changes)


def _completed(
    operation: Operation,
    schema: Mapping[str, Any],
    given: Mapping[str, Any],
    held: Mapping[str, Any],
    path: str,
    filled: list[str],
) -> dict[str, Any]:
    """`given` with what it leaves out; the paths that were filled are added to `filled`."""
    out = dict(given)
    for name, inner in schema["properties"].items():
        here, value = (f"{path}.{name}" if path else name), held.get(name)
        if isinstance(value, Locked):
            out[name] = value.value
        elif name not in given:
            sent = _sendable(inner, value)
            if not is_empty(sent):
                out[name] = sent
                filled.append(here)
        elif here in operation.whole or is_empty(given[name]):
            continue
        elif isinstance(value, dict) and isinstance(given[name], dict) and "properties" in inner:
            out[name] = _completed(operation, inner, given[name], value, here, filled)
        elif isinstance(value, tuple):
            out[name] = [
                _completed(operation, inner["items"], element, own, f"{here}[{index}]", filled)
                if isinstance(own, dict)
                else element
                for index, (element, own) in enumerate(zip(given[name], value, strict=True))
            ]
    return out


def _sendable(schema: Mapping[str, Any], value: Any) -> Any:
    """What of a held value can be sent: nothing unknown, and no field that says nothing."""
    if isinstance(value, Held):
        return None
    if isinstance(value, Locked):
        return value.value
    if not isinstance(value, dict):
        return value
    listed = schema.get("properties")
    pairs = {n: _sendable((listed or {}).get(n, {}), v) for n, v in value.items()}
    gone = {n for n, v in value.items() if isinstance(v, Held)}
    return {n: v for n, v in pairs.items() if n not in gone and not (listed and is_empty(v))}


def _comparable(held: Any) -> Any:
    """The before-state for the comparison: a lock is no part of it."""
    if isinstance(held, dict):
        return {name: _comparable(value) for name, value in held.items()}
    if isinstance(held, tuple):
        return tuple(_comparable(value) for value in held)
    return Held.APART if isinstance(held, Locked) else held
