"""What the attacks come to: counted by the tests themselves, told when the run is over."""

from __future__ import annotations

from collections import Counter

#: In the order in which they are told.
CALLS, KILLS, CANCELLED = "calls tried", "kills", "calls cancelled"
BYPASSED, LOST, LEAKED = "bypasses", "intents lost", "canaries leaked"
CANARIES, LOST_UPDATES = "canaries planted", "lost updates"
KINDS = (CALLS, KILLS, CANCELLED, CANARIES, BYPASSED, LOST, LOST_UPDATES, LEAKED)

tally: Counter[str] = Counter()


def none(wrong: list[str], kind: str) -> None:
    """Count what went wrong, and fail if anything did."""
    tally[kind] += len(wrong)
    assert not wrong, "\n".join(wrong)
