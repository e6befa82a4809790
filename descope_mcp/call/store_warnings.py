"""What an answer says of the store: that it cannot be used, or that others have written to it."""

from __future__ import annotations

from dataclasses import replace

from descope_mcp.call.outcome import Completed, NeedsConfirmation, Outcome, Refused
from descope_mcp.store.errors import StoreError
from descope_mcp.store.store import Store


def reported(outcome: Outcome, store: Store) -> Outcome:
    """The outcome with what was noted of forged rows; a question leaves it for the answer."""
    if isinstance(outcome, NeedsConfirmation) or not (said := store.take_reports()):
        return outcome
    notes = tuple(f"{_FORGED} {what}." for what in said)
    if isinstance(outcome, Completed):
        return replace(outcome, notes=(*outcome.notes, *notes))
    return replace(outcome, message=" ".join((outcome.message, *notes)))


def unusable(error: StoreError, store: Store, what: str = "Nothing was sent") -> Refused:
    """The refusal of what needs a store that cannot be used, and where to look."""
    remedy = f"Check {store.kind} (`descope-mcp doctor`) and call again."
    return Refused("store", f"{what}, since {error}.", remedy)


_FORGED = "Somebody has written into the store (`descope-mcp journal verify`):"
