"""What the store has to say with the next answer: somebody else has written into it."""

from __future__ import annotations

from dataclasses import replace

from descope_mcp.call.outcome import Completed, NeedsConfirmation, Outcome
from descope_mcp.store.store import Store


def reported(outcome: Outcome, store: Store) -> Outcome:
    """The outcome with what was noted of forged rows; a question leaves it for the answer."""
    if isinstance(outcome, NeedsConfirmation) or not (said := store.take_reports()):
        return outcome
    notes = tuple(f"{_FORGED} {what}." for what in said)
    if isinstance(outcome, Completed):
        return replace(outcome, notes=(*outcome.notes, *notes))
    return replace(outcome, message=" ".join((outcome.message, *notes)))


_FORGED = "Somebody has written into the store (`descope-mcp journal verify`):"
