"""Whether a comparison with the before-state has looked at all that a call says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.replacement import targets
from descope_mcp.guard.preview.comparison.before_state import as_arguments
from descope_mcp.guard.preview.comparison.difference import Held


def is_covered(operation: Operation, given: Mapping[str, Any], before: Any) -> bool:
    """Whether every argument was compared, but for those that say which object is meant.

    Without that, no difference only means that nobody has looked: at what a creation creates, at
    an argument that no read shows, at an option of the call.

    Args:
        operation: what is called.
        given: the arguments of the caller.
        before: what the first step of the preview found.
    """
    held = None if before is None else as_arguments(operation, given, before)
    if held is None:
        return False
    named = targets(operation)
    return all(
        _looked_at(value, held.get(name), name, named)
        for name, value in given.items()
        if operation.places[name].where in ("body", "query")
    )


def _looked_at(value: Any, held: Any, path: str, named: frozenset[str]) -> bool:
    if path in named or value is None:
        return True
    if held is Held.APART:
        return False
    if isinstance(held, tuple):
        return all(map(_looked_at, value, held, [f"{path}[]"] * len(held), [named] * len(held)))
    if isinstance(held, dict) and isinstance(value, dict):
        below = {name: held.get(name) for name in value}
        return all(_looked_at(value[n], h, f"{path}.{n}", named) for n, h in below.items())
    return True
