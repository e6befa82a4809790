"""What a call makes different, as a person reads it: losses first, secrets masked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from descope_mcp.catalog.arguments import SEALED
from descope_mcp.catalog.operation import Operation
from descope_mcp.guard.preview.difference import UNKNOWN, Change, is_unset
from descope_mcp.guard.question.quoting import (
    MOST_ITEMS,
    MOST_VALUES,
    TooMuchToShow,
    fits,
    identity,
    quoted,
)
from descope_mcp.guard.question.text_difference import passages
from descope_mcp.guard.secrets.redaction import masked_at


def becomes_different(operation: Operation, changes: Sequence[Change]) -> list[str]:
    """What becomes different, one value a line, losses first.

    Raises:
        TooMuchToShow: more becomes different than a person can be shown.
    """
    if not changes:
        return ["Nothing becomes different."]
    if len(changes) > MOST_VALUES:
        raise TooMuchToShow(operation.name)
    lines = []
    for change in sorted(changes, key=lambda c: not c.loses):
        of = f" of {quoted(change.element)}" if change.element else ""
        shown = _masked(operation, change)
        lines.append(f"  {quoted(change.path)[1:-1]}{of}: {_becomes(shown)}")
        lines += _passages(operation, shown)
    return ["Becomes different:", *lines]


def _passages(operation: Operation, change: Change) -> list[str]:
    """Where a text becomes different that is too long to be shown."""
    before = change.before if isinstance(change.before, str) else ""
    if not isinstance(change.after, str) or not change.after or fits(change.after):
        return []
    found = passages(before, change.after)
    if found is None:
        raise TooMuchToShow(operation.name)
    return [f"    {line}" for line in found]


def _masked(operation: Operation, change: Change) -> Change:
    """A change as a person may see it."""

    def of(values: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(masked_at(operation, f"{change.path}[]", value) for value in values)

    before = change.before
    if before is not UNKNOWN:
        before = masked_at(operation, change.path, before)
    after = masked_at(operation, change.path, change.after)
    return replace(
        change, before=before, after=after, gained=of(change.gained), lost=of(change.lost)
    )


def _becomes(change: Change) -> str:
    if change.after == SEALED:
        return "another secret"
    if change.gained or change.lost:
        parts = [("loses", change.lost), ("gains", change.gained)]
        return ", ".join(
            f"{verb} ({len(items)}) {', '.join(quoted(identity(i)) for i in items[:MOST_ITEMS])}"
            + (f" and {len(items) - MOST_ITEMS} more" if len(items) > MOST_ITEMS else "")
            for verb, items in parts
            if items
        )
    before = "what is there, which is not known" if change.before is UNKNOWN else None
    was = before or (quoted(change.before) if not is_unset(change.before) else "not set")
    return f"{was} -> {quoted(change.after) if not is_unset(change.after) else 'cleared'}"
