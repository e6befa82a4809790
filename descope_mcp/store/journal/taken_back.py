"""Which calls of the journal have been taken back, and how far.

A call is taken back by several calls, each of which says which of them it is. What is not there
yet can be done later; what takes back, and was taken back itself, does not count any more.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, select

from descope_mcp.store.journal.entry import Intent
from descope_mcp.store.tables import journal


class TakenBack(NamedTuple):
    """How far a call was taken back, or may have been.

    ``by`` is the first call that does, or the plan of which those are; ``steps`` are the numbers of
    the calls that have run, and ``whole`` says that no other is left.
    """

    by: str
    steps: frozenset[int]
    whole: bool


class _Back(NamedTuple):
    """A call that takes back another: which of ``of`` calls it is; 0 of 0 if that is all of it."""

    call: str
    undoes: str
    step: int
    of: int


def taken_back(connection: Connection) -> dict[str, TakenBack]:
    """The calls that were taken back, or may have been; what did not run took back nothing."""
    rows = select(journal.c.call, journal.c.undoes, journal.c.kind, journal.c.body)
    ran = _ran(connection.execute(rows.where(journal.c.undoes != "").order_by(journal.c.seq)))
    found: dict[str, TakenBack] = {}
    of_call: defaultdict[str, list[_Back]] = defaultdict(list)
    for one in ran:
        of_call[one.undoes].append(one)
    # What takes back, and was taken back later itself, has to be known first.
    place = {one.call: number for number, one in enumerate(ran)}
    for undoes in sorted(of_call, key=lambda call: place.get(call, -1), reverse=True):
        standing = [one for one in of_call[undoes] if not _is_void(found.get(one.call))]
        if standing:
            found[undoes] = _together(standing)
    return found


def takes_back_too(connection: Connection, intent: Intent) -> str:
    """The call that does the same of what takes back a call, or may have; "" if none does."""
    taken = taken_back(connection).get(intent.undoes)
    step = intent.back[0] if intent.back else 0
    same = taken and (taken.whole or not step or step in taken.steps)
    return taken.by if taken and same else ""


def _ran(rows: Iterable[Row[Any]]) -> list[_Back]:
    """The calls that take back others, in their order, but for those that did not run."""
    begun: dict[str, _Back] = {}
    became: dict[str, str] = {}
    for row in rows:
        said = json.loads(row.body)
        if row.kind == "intent":
            step, of = said.get("back", (0, 0))
            begun[row.call] = _Back(row.call, row.undoes, step, of)
        else:
            # A plan that was gone on with has ended more than once.
            became[row.call] = said["result"]
    return [one for call, one in begun.items() if became.get(call) not in ("failed", "not_sent")]


def _together(standing: list[_Back]) -> TakenBack:
    steps = frozenset(one.step for one in standing if one.step)
    most = max(one.of for one in standing)
    whole = any(not one.step for one in standing) or len(steps) == most
    return TakenBack(standing[0].call, steps, whole)


def _is_void(taken: TakenBack | None) -> bool:
    return taken is not None and taken.whole
