"""What the calls of the journal found before they changed it, as far as that is still kept."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from sqlalchemy import func, select

from descope_mcp.store.store import Store
from descope_mcp.store.tables import details, journal

#: So many calls are looked through, the newest, and so many characters of what they found.
MOST_CALLS, _MOST_CHARACTERS = 1000, 20_000_000


class EarlierState(NamedTuple):
    """What a call of ``operation`` by ``caller`` found at a time; ``before`` is its target."""

    seq: int
    at: float
    operation: str
    caller: str
    before: Any


def earlier_states(
    store: Store, project: str, after: int = 0
) -> tuple[tuple[EarlierState, ...], bool]:
    """What calls in a project found, newest first, and whether these are all that is kept.

    What was changed in the store since it was written is left out, and is not all then. Only
    entries later than the one with the number `after` are looked at.

    Raises:
        StoreError: the journal cannot be read.
    """
    joined = journal.join(details, journal.c.call == details.c.call)
    mine = (journal.c.kind == "intent") & (journal.c.project == project) & (journal.c.seq > after)
    newest = journal.c.seq.desc()
    sizes = select(journal.c.seq, func.length(details.c.body).label("size"))
    bodies = select(journal, details.c.body.label("sealed")).select_from(joined).where(mine)
    with store.begin() as connection:
        listed = connection.execute(
            sizes.select_from(joined).where(mine).order_by(newest).limit(MOST_CALLS + 1)
        ).all()
        oldest, room = None, _MOST_CHARACTERS
        for row in listed[:MOST_CALLS]:
            room -= row.size
            oldest = row.seq if room >= 0 else oldest
        if oldest is None:
            return (), not listed
        rows = connection.execute(bodies.where(journal.c.seq >= oldest).order_by(newest)).all()
    found: list[EarlierState] = []
    for row in rows:
        body = store.key.unseal(row.sealed)
        if json.loads(row.body)["details"] == store.key.sign(body):
            before = json.loads(body).get("before") or [None]
            found.append(EarlierState(row.seq, row.at, row.operation, row.caller, before[0]))
    return tuple(found), len(found) == len(listed)
