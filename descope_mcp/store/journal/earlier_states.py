"""What the calls of the journal found before they changed it, as far as that is still kept."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from sqlalchemy import func, select

from descope_mcp.store.store import Store
from descope_mcp.store.tables import details, journal

#: So many calls are looked through, the newest, and so much of what they found.
MOST_CALLS, _MOST_CHARACTERS = 1000, 20_000_000


class EarlierState(NamedTuple):
    """What a call of ``operation`` by ``caller`` found; ``before`` is its target."""

    operation: str
    caller: str
    before: Any


def earlier_states(store: Store, project: str) -> tuple[list[EarlierState], bool]:
    """What calls in a project found, newest first, and whether these are all that is kept.

    What was changed in the store since it was written is left out, and is not all then.

    Raises:
        StoreError: the journal cannot be read.
    """
    joined = journal.join(details, journal.c.call == details.c.call)
    mine = (journal.c.kind == "intent") & (journal.c.project == project)
    newest = journal.c.seq.desc()
    sizes = (
        select(journal.c.seq, func.length(details.c.body).label("size"))
        .select_from(joined)
        .where(mine)
        .order_by(newest)
        .limit(MOST_CALLS + 1)
    )
    bodies = select(journal, details.c.body.label("sealed")).select_from(joined).where(mine)
    with store.begin() as connection:
        read, room = [], _MOST_CHARACTERS
        listed = connection.execute(sizes).all()
        for row in listed[:MOST_CALLS]:
            room -= row.size
            if room < 0:
                break
            read.append(row.seq)
        if not read:
            return [], not listed
        since = bodies.where(journal.c.seq >= read[-1]).order_by(newest)
        rows = connection.execute(since).all()
    found: list[EarlierState] = []
    for row in rows:
        body = store.key.unseal(row.sealed)
        if json.loads(row.body)["details"] == store.key.sign(body):
            before = json.loads(body).get("before") or [None]
            found.append(EarlierState(row.operation, row.caller, before[0]))
    return found, len(found) == len(listed)
