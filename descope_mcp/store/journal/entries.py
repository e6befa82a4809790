"""The journal: what was about to be done, and what became of it.

Its chain (see `hash_chain`) holds no personal data: what a call said and what it found lies in
``details``, encrypted, of which the chain keeps a signature. Details are forgotten after a while;
the chain stays whole.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select, update

from descope_mcp.store import target_leases
from descope_mcp.store.databases.standing import standing
from descope_mcp.store.errors import KeyChanged, NotAsLeft, StoreError
from descope_mcp.store.integrity.witness import advance
from descope_mcp.store.journal.entry import Entry, Intent, RanBefore, Result, UndoneBefore
from descope_mcp.store.journal.hash_chain import anyhow, canonical, following, genuine
from descope_mcp.store.store import Store
from descope_mcp.store.tables import details, journal
from descope_mcp.store.target_leases import Section


def intend(store: Store, intent: Intent, section: Section | None = None, since: int = 0) -> None:
    """Record that a call is about to be sent. It is on disk when this returns.

    Details that are older than the store keeps them are forgotten on the way.

    Args:
        store: where.
        intent: the call.
        section: what it holds until it is settled.
        since: the entry that was the newest when its targets were looked at.

    Raises:
        Held: another call changes one of its targets, or has changed it since.
        UndoneBefore: it was to take back alone what another call takes back.
        RanBefore: it is a call of a plan that was sent already, or may have been.
        NotAsLeft: something is missing from the store.
        StoreError: it cannot be recorded, so the call must not be sent.
    """
    private = canonical(intent.details)
    body = {
        "caller": intent.caller,
        "consent": intent.consent,
        "details": store.key.sign(private),
        "effect": intent.effect,
        "rule": intent.rule,
        "target": store.key.sign(intent.target),
        **({"plan": intent.plan, "number": intent.number} if intent.plan else {}),
    }
    now = time.time()
    with store.begin() as connection:
        if intent.alone and (by := _undone(connection).get(intent.undoes)):
            raise UndoneBefore(by)
        if intent.plan and (by := _sent(connection, intent)):
            raise RanBefore(by)
        if section:
            target_leases.enter(connection, section, since)
        oldest = standing(connection).oldest
        if oldest is not None and oldest < now - store.retention:
            _forget(connection, now - store.retention)
        sealed = store.key.seal(private)
        kept = details.insert().values(call=intent.call, at=now, body=sealed, undo="")
        head, adding = following(connection, store, _row(intent, "intent", body))
        store.database.finish(connection, (kept, adding))
    try:
        advance(store, journal=head)
    except StoreError:
        settle(store, intent, "not_sent", _NOT_WITNESSED, section=section)
        raise


def settle(
    store: Store,
    intent: Intent,
    result: Result,
    reason: str = "",
    undo: object = None,
    section: Section | None = None,
    *,
    once: bool = False,
) -> None:
    """Record what became of a call, and what would take it back.

    Args:
        store: where.
        intent: as it was recorded.
        result: how the call ended.
        reason: one line, without secrets and personal data.
        undo: the plan that takes the call back, in JSON's types; None where nothing does.
        section: what it held.
        once: it may have been recorded before, when the database failed without a word.

    Raises:
        StoreError: it cannot be recorded; the journal shows the call as unknown.
    """
    try:
        _settle(store, intent, result, reason, undo, section, once=once)
    except KeyChanged:
        _settle(store, intent, result, reason, undo, section, once=once)


def _settle(
    store: Store,
    intent: Intent,
    result: Result,
    reason: str,
    undo: object,
    section: Section | None,
    *,
    once: bool,
) -> None:
    plan = "" if undo is None else canonical(undo)
    body = {"result": result, "reason": reason, "undo": store.key.sign(plan)}
    whole = True
    with store.begin() as connection:
        if once and _outcomes(connection, [intent.call]):
            return
        sealed = store.key.seal(plan) if plan else ""
        kept = update(details).where(details.c.call == intent.call).values(undo=sealed)
        row = _row(intent, "outcome", body)
        try:
            head, adding = following(connection, store, row)
        except NotAsLeft:
            # The call was sent, whatever has happened to the journal since.
            head, adding = anyhow(connection, store.key, row)
            whole = False
        left = target_leases.leaving(section, head[0]) if section else ()
        store.database.finish(connection, (kept, adding, *left))
    # The outcome stands; a witness that lags behind is brought forward by the next entry.
    with suppress(StoreError):
        if whole:
            advance(store, journal=head)


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
        outcomes = _outcomes(connection, [row.call for row in intents])
        undone = _undone(connection)
        open_ = [row.call for row in intents if row.call not in outcomes and row.kind == "intent"]
        held = target_leases.held(connection, open_[:_LATELY])
    return [
        _entry(row, outcomes.get(row.call), undone.get(row.call, ""), held.get(row.call))
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


def _outcomes(connection: Connection, calls: list[str]) -> dict[str, Row[Any]]:
    rows = select(journal).where(journal.c.kind == "outcome")
    if len(calls) < 500:  # the variables of one statement are limited
        rows = rows.where(journal.c.call.in_(calls))
    return {row.call: row for row in connection.execute(rows)}


def _forget(connection: Connection, before: float) -> None:
    """Delete the details and targets of calls older than `before` (epoch seconds)."""
    old = select(details.c.call).where(details.c.at < before)
    connection.execute(update(journal).where(journal.c.call.in_(old)).values(target=""))
    connection.execute(delete(details).where(details.c.at < before))


def _row(intent: Intent, kind: str, body: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "call": intent.call,
        "kind": kind,
        "at": time.time(),
        "project": intent.project,
        "caller": intent.caller,
        "operation": intent.operation,
        "undoes": intent.undoes,
        "target": intent.target if kind == "intent" else "",
        "body": canonical(body),
    }


def _undone(connection: Connection) -> dict[str, str]:
    """Which call took back which, or may have; one that did not run did not."""
    rows = select(journal.c.call, journal.c.undoes, journal.c.kind, journal.c.body)
    found: dict[str, str] = {}
    for row in connection.execute(rows.where(journal.c.undoes != "").order_by(journal.c.seq)):
        if row.kind == "intent":
            found[row.call] = row.undoes
        elif json.loads(row.body)["result"] in ("failed", "not_sent"):
            found.pop(row.call, None)
    return {undoes: call for call, undoes in found.items()}


def _sent(connection: Connection, intent: Intent) -> str:
    """The call at the same place of the same plan that was sent, or may have been; "" if none."""
    mine = journal.c.call == intent.plan
    (begun,) = connection.execute(select(func.min(journal.c.seq)).where(mine)).one()
    # As canonical JSON has them, side by side; only what came after the plan is looked through.
    place = canonical({"number": intent.number, "plan": intent.plan}).strip("{}")
    same = select(journal.c.call).where(
        journal.c.seq > (begun or 0),
        journal.c.kind == "intent",
        journal.c.body.contains(place, autoescape=True),
    )
    calls = [row.call for row in connection.execute(same)]
    became = _outcomes(connection, calls)
    for call in calls:
        outcome = became.get(call)
        if outcome is None or json.loads(outcome.body)["result"] in ("done", "unknown"):
            return str(call)
    return ""


def _entry(
    row: Row[Any], outcome: Row[Any] | None, undone_by: str, held: bool | None = None
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
        undone_by=undone_by,
        plan=said.get("plan", ""),
        number=said.get("number", 0),
        held=held,
    )


#: What is known of a call whose process ended before it could say.
_NO_OUTCOME = {"result": "unknown", "reason": "no outcome was recorded"}
_ON_ITS_WAY = {"result": "unknown", "reason": "it is still on its way"}
#: Of so many calls without an outcome it is seen whether they are still on their way.
_LATELY = 500
_NOT_WITNESSED = "the journal's end could not be witnessed"
