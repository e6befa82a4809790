"""What the journal says of calls: what was about to be done, and what became of it."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, Row, select

from descope_mcp.store import target_leases
from descope_mcp.store.errors import StoreError
from descope_mcp.store.journal.entry import Entry
from descope_mcp.store.journal.hash_chain import canonical, genuine
from descope_mcp.store.journal.taken_back import TakenBack, taken_back
from descope_mcp.store.store import Store
from descope_mcp.store.tables import details, journal


def entries(
    store: Store,
    *,
    project: str = "",
    operation: str = "",
    caller: str = "",
    target: str = "",
    since: float = 0.0,
    until: float = 0.0,
    call: str = "",
    plan: str = "",
    before: int = 0,
    limit: int = 0,
    acts: bool = False,
) -> list[Entry]:
    """The calls that fit, newest first.

    Args:
        store: where.
        project: only calls in it.
        operation: only calls of it.
        caller: only calls of it.
        target: only calls whose target has this text in it.
        since: epoch seconds; only calls from then on.
        until: epoch seconds; only calls before.
        call: only calls whose id begins so.
        plan: only calls of the plan with this id.
        before: only entries before the one with this number, for the next page.
        limit: no more than so many; 0 for all.
        acts: also what people did that is no call (`store.journal.acts`).

    Raises:
        StoreError: the journal cannot be read.
    """
    kinds = journal.c.kind != "outcome" if acts else journal.c.kind == "intent"
    rows = select(journal).where(kinds).order_by(journal.c.seq.desc())
    for column, value in (
        (journal.c.project, project),
        (journal.c.operation, operation),
        (journal.c.caller, caller),
    ):
        rows = rows.where(column == value) if value else rows
    rows = rows.where(journal.c.target.contains(target, autoescape=True)) if target else rows
    rows = rows.where(journal.c.call.startswith(call, autoescape=True)) if call else rows
    if plan:
        part = canonical({"plan": plan}).strip("{}")
        rows = rows.where(journal.c.body.contains(part, autoescape=True))
    rows = rows.where(journal.c.seq < before) if before else rows
    rows = rows.where(journal.c.at >= since) if since else rows
    rows = rows.where(journal.c.at < until) if until else rows
    rows = rows.limit(limit) if limit else rows
    with store.begin() as connection:
        intents = connection.execute(rows).all()
        outcomes = outcomes_of(connection, [row.call for row in intents])
        undone = taken_back(connection)
        open_ = [row.call for row in intents if row.call not in outcomes and row.kind == "intent"]
        held = target_leases.held(connection, open_[:_LATELY])
    return [
        _entry(row, outcomes.get(row.call), undone.get(row.call), held.get(row.call))
        for row in intents
    ]


def detail(store: Store, call: str) -> tuple[dict[str, Any], Any]:
    """What a call said and found, and its undo plan; both are empty once forgotten.

    Raises:
        StoreError: the journal cannot be read, or the details are not those that were recorded.
    """
    with store.begin() as connection:
        row = connection.execute(select(details).where(details.c.call == call)).one_or_none()
        chained = connection.execute(select(journal).where(journal.c.call == call)).all()
        for entry in chained:
            if not genuine(connection, store.key, entry):
                raise StoreError(f"entry {entry.seq} of the journal was changed")
    if row is None:
        return {}, None
    body = store.key.unseal(row.body)
    undo = store.key.unseal(row.undo) if row.undo else ""
    signed = {key: value for e in chained for key, value in json.loads(e.body).items()}
    if signed.get("details") != store.key.sign(body):
        raise StoreError(f"the details of {call} are not those that were recorded")
    if undo and signed.get("undo") != store.key.sign(undo):
        raise StoreError(f"the undo plan of {call} is not the one that was recorded")
    return json.loads(body), json.loads(undo) if undo else None


def outcomes_of(connection: Connection, calls: list[str]) -> dict[str, Row[Any]]:
    """The words about what became of these calls, and perhaps of others, by call."""
    # A plan that was gone on with has ended more than once.
    rows = select(journal).where(journal.c.kind == "outcome").order_by(journal.c.seq)
    if len(calls) < 500:  # the variables of one statement are limited
        rows = rows.where(journal.c.call.in_(calls))
    return {row.call: row for row in connection.execute(rows)}


def _entry(
    row: Row[Any],
    outcome: Row[Any] | None,
    taken: TakenBack | None = None,
    held: bool | None = None,
) -> Entry:
    said = json.loads(row.body)
    became: dict[str, Any] = json.loads(outcome.body) if outcome else _NO_OUTCOME
    if outcome is None and held:
        became = _ON_ITS_WAY
    act = row.kind != "intent"
    if act:
        became = {"result": row.kind, "reason": said["reason"]}
    return Entry(
        seq=row.seq,
        call=row.call,
        at=row.at,
        project=row.project,
        caller=row.caller,
        operation=row.operation,
        target=row.target,
        effect=said["effect"],
        rule=said["rule"],
        consent=said["consent"],
        undoes=row.undoes,
        result=became["result"],
        settled=act or outcome is not None,
        reason=became["reason"],
        undone_by=taken.by if taken and taken.whole else "",
        undone_steps=tuple(sorted(taken.steps)) if taken and not taken.whole else (),
        plan=said.get("plan", ""),
        number=said.get("number", 0),
        held=held,
    )


#: What is known of a call whose process ended before it could say.
_NO_OUTCOME = {"result": "unknown", "reason": "no outcome was recorded"}
_ON_ITS_WAY = {"result": "unknown", "reason": "it is still on its way"}
#: Of so many calls without an outcome it is seen whether they are still on their way.
_LATELY = 500
