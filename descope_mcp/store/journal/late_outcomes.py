"""Outcomes that could not be written when they were known, and are as soon as that can be done.

They wait in memory: of a process that ends before, the journal shows the call as unknown. Until
then its targets are held, so that the next change of one waits for the word.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from descope_mcp.store.errors import StoreError
from descope_mcp.store.journal.entry import Intent, Result
from descope_mcp.store.target_leases import Section

if TYPE_CHECKING:
    from descope_mcp.store.store import Store


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a call, as `write_ahead.settle` takes it."""

    intent: Intent
    result: Result
    reason: str
    undo: object
    section: Section | None


def write(store: Store) -> None:
    """Write what waits, if anything does.

    Raises:
        StoreError: it still cannot be written.
    """
    from descope_mcp.store.journal import write_ahead

    while store.late:
        try:
            late = store.late.popleft()
        except IndexError:
            return  # another thread was faster
        try:
            write_ahead.settle(
                store,
                late.intent,
                late.result,
                late.reason,
                late.undo,
                late.section,
                once=True,
            )
        except StoreError:
            store.late.append(late)
            raise
