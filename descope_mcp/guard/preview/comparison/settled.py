"""Whether all that a call would do is so already: then there is nothing to ask about.

What was read of the target before decides it, and nothing else: neither what the call says of it
nor an answer that repeats the call, since the read is made by the target's name alone (the
compiler holds that). Whoever is wrong about it keeps a call from being sent, never the reverse.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.operation_record.recipe import Settled, Source
from descope_mcp.catalog.schemas.input_schema import REPLACE
from descope_mcp.guard.preview.comparison.before_state import held_by
from descope_mcp.guard.preview.comparison.difference import Change
from descope_mcp.guard.preview.preview import Preview
from descope_mcp.guard.preview.recipe_values import ABSENT, Scope, as_list, resolve


def is_settled(
    operation: Operation,
    given: Mapping[str, Any],
    preview: Preview,
    changes: Sequence[Change] | None,
) -> bool:
    """Whether a call has nothing to do, as far as its record says when that is.

    Args:
        operation: what is called.
        given: the arguments of the caller. With ``replace: true`` they are sent as they are.
        preview: the before-state; what could not be read is not settled.
        changes: what becomes different, None where that is not known.
    """
    rule = operation.settled
    if not rule or given.get(REPLACE) is True or not isinstance(preview.target, Mapping):
        return False
    if not isinstance(rule, Settled):
        return changes is not None and not changes
    scope = Scope(given, preview.target)
    values = as_list(resolve(rule.values, scope))
    if not values:
        return False
    if rule.equals:
        return all(value == rule.equals for value in values)
    held = _held(rule.within or rule.outside, scope)
    if held is None:
        return False
    return all((value in held) is bool(rule.within) for value in values)


def _held(sources: Source | tuple[Source, ...], scope: Scope) -> list[Any] | None:
    """What the first source that is there holds; None if it cannot be told."""
    for source in sources if isinstance(sources, tuple) else (sources,):
        # A list that an answer lacks is not known to be empty.
        listed = source.partition("[]")[0] if isinstance(source, str) else source
        if held_by(listed, scope) not in (ABSENT, None):
            return as_list(held_by(source, scope))
    return None
