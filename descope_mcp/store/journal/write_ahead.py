"""The two words of the journal about a call: what is about to be done, what became of it.

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

from sqlalchemy import Connection, delete, func, select, update

from descope_mcp.store import target_leases
from descope_mcp.store.databases.standing import standing
from descope_mcp.store.errors import KeyChanged, NotAsLeft, StoreError
from descope_mcp.store.integrity.witness import advance
from descope_mcp.store.journal.entries import outcomes_of
from descope_mcp.store.journal.entry import Intent, RanBefore, Result, UndoneBefore
from descope_mcp.store.journal.hash_chain import anyhow, canonical, following
from descope_mcp.store.journal.taken_back import takes_back_too
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
        **({"back": intent.back} if intent.back else {}),
    }
    now = time.time()
    with store.begin() as connection:
        if intent.alone and (by := takes_back_too(connection, intent)):
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
        if once and outcomes_of(connection, [intent.call]):
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
    became = outcomes_of(connection, calls)
    for call in calls:
        outcome = became.get(call)
        if outcome is None or json.loads(outcome.body)["result"] in ("done", "unknown"):
            return str(call)
    return ""


_NOT_WITNESSED = "the journal's end could not be witnessed"
