"""What an update has replaced, as its arguments: the same update with them takes it back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from descope_mcp.catalog.json_path import is_empty
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.schemas.input_schema import REPLACE
from descope_mcp.guard.preview.comparison.before_state import Locked, as_arguments
from descope_mcp.guard.preview.comparison.difference import UNKNOWN, Held
from descope_mcp.guard.preview.recipe_values import ABSENT

#: What clears an argument, by its type.
_CLEARING = {"string": "", "array": [], "object": {}, "boolean": False, "integer": 0, "number": 0}


def old_values(
    operation: Operation, arguments: Mapping[str, Any], before: Any
) -> dict[str, Any] | None:
    """The old values of everything, or of what a patch has changed.

    UNKNOWN stands where one is not known; None for all of them if nothing was recorded.
    """
    held = None if before is None else as_arguments(operation, arguments, before)
    if held is None:
        return None
    whole = operation.update == "replace"
    return _old(operation, operation.input_schema, held, arguments, whole=whole)


def _old(
    operation: Operation,
    wanted: Mapping[str, Any],
    held: Mapping[str, Any],
    given: Any,
    *,
    whole: bool,
) -> dict[str, Any]:
    """The old values in the shape of the arguments; UNKNOWN where they are not known.

    `whole` takes all of them, else only those of what was given. A version is left out: the
    update takes the present one.
    """
    said = given if isinstance(given, Mapping) else {}
    unsaid = {REPLACE, "credential", *operation.secret_arguments}
    old = {
        name: _old_value(operation, inner, held.get(name, UNKNOWN), said.get(name))
        for name, inner in wanted["properties"].items()
        if name not in unsaid and (whole or name in said)
    }
    return {name: value for name, value in old.items() if value is not ABSENT}


def _old_value(operation: Operation, wanted: Mapping[str, Any], held: Any, given: Any) -> Any:
    """One old value; ABSENT where there is nothing to write back."""
    told = not is_empty(given)
    if isinstance(held, Locked) or (isinstance(held, Held) and held is not UNKNOWN and not told):
        return ABSENT
    if held is Held.APART:
        return given
    if isinstance(held, Held):
        return UNKNOWN
    if isinstance(held, tuple):
        return [
            _old(operation, wanted["items"], own, element, whole=operation.update == "replace")
            if isinstance(own, dict)
            else UNKNOWN
            for own, element in zip(held, given or [], strict=True)
        ]
    if isinstance(held, dict) and wanted.get("properties"):
        return _old(operation, wanted, held, given, whole=True) or ABSENT
    if not is_empty(held):
        return held
    # What the call has set must be cleared in so many words, or it would be kept.
    return _CLEARING.get(wanted.get("type", "array"), []) if told else ABSENT
