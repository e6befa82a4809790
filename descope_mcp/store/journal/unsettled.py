"""Calls that were begun, and of which nobody has said what became, on whatever machine.

A call holds its targets until its outcome is written (`store.target_leases`). One without outcome
that holds them no longer was left by a process that is no more. What never held any (a plan, a
call without a target) is taken for left once nothing has been heard of it for as long as a call
can take.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from descope_mcp.store.journal.entries import entries
from descope_mcp.store.journal.entry import Entry
from descope_mcp.store.store import Store

#: For so long what was left is told, in seconds; the journal has it as long as it is.
_TOLD = 7 * 24 * 3600.0
#: Seconds of silence after which a plan or a call is not at work any more.
_SILENCE = 300.0


def left(store: Store) -> list[Entry]:
    """What was left in the middle within the last days, the newest first.

    Raises:
        StoreError: the journal cannot be read.
    """
    lately = entries(store, since=time.time() - _TOLD)
    return [
        entry
        for entry in lately
        if not (entry.settled or at_work(entry, (e for e in lately if e.plan == entry.call)))
    ]


def at_work(entry: Entry, calls: Iterable[Entry] = ()) -> bool:
    """Whether somebody may still be at a call without an outcome, or at a plan with these calls."""
    if entry.held is not None:
        return entry.held
    return max(e.at for e in (entry, *calls)) > time.time() - _SILENCE
