"""How much of a call can be taken back: by its record, by what is there, or by its plan."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.operation import Operation
from descope_mcp.guard.preview.preview import Preview
from descope_mcp.guard.restore import restore_steps


@dataclass(frozen=True, slots=True)
class Undoable:
    """How much of a call can be taken back, and in sentences what not."""

    covers: Literal["whole", "part", "no"]
    lacks: tuple[str, ...] = ()


def by_record(operation: Operation) -> Undoable:
    """How much of a call of `operation` can be taken back, as long as no target is known."""
    if not operation.undone_by:
        return Undoable("no", _told(operation))
    return _covered(operation, ())


def messages_sent(operation: Operation, hazards: Collection[str]) -> tuple[str, ...]:
    """What stays of a call's messages, whatever is taken back; where the record does not say it."""
    sends = "sends_message" in hazards and not operation.lost
    return ("What was sent to people.",) if sends else ()


def by_plan(operation: Operation, steps: Sequence[Any], missing: Sequence[str]) -> Undoable:
    """How much of a call that has run its plan takes back."""
    if not steps:
        return Undoable("no", tuple(missing) or _told(operation) or ("No operation undoes it.",))
    return _covered(operation, missing)


def foreseen(
    catalog: Catalog,
    operation: Operation,
    arguments: Mapping[str, Any],
    preview: Preview,
    project: str,
    hazards: Collection[str] = (),
) -> Undoable:
    """How much of a call of these hazards that has not run could be taken back, by its preview.

    The same recipes decide as afterwards; what the answer will hold counts as known.
    """
    found = preview.found
    any_call, missing = restore_steps.foreseen(catalog, operation, arguments, found, project)
    if not any_call:
        return Undoable("no", (*_told(operation), *missing))
    return _covered(operation, (*missing, *messages_sent(operation, hazards)))


def _covered(operation: Operation, missing: Sequence[str]) -> Undoable:
    lacks = (*_told(operation), *missing)
    return Undoable("part" if lacks else "whole", lacks)


def _told(operation: Operation) -> tuple[str, ...]:
    return (operation.lost,) if operation.lost else ()
