"""A person's no, and what only looks like one.

A no counts for a minute for the same change to the same target, by whatever name that is called,
whatever hangs on it by then and whatever it is put into, in every process of the store: asking
again and again is no way to a yes. One that is given outside of the client counts alike, from when
the agent hears of it. Whoever meant yes approves the request that waits outside of the client. Some
clients decline by themselves and show nobody anything; that shows in the time that it takes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from descope_mcp.catalog.replacement import targets
from descope_mcp.guard.consent.confirmation import OF_CALL
from descope_mcp.guard.preview.comparison.after_state import ends_target
from descope_mcp.guard.preview.target_identity import identities

if TYPE_CHECKING:
    from descope_mcp.catalog.catalog import Catalog
    from descope_mcp.catalog.operation import Operation
    from descope_mcp.guard.consent.confirmation import Question
    from descope_mcp.guard.preview.preview import Preview
    from descope_mcp.store.consent.request import Request
    from descope_mcp.store.store import Store

#: Seconds for which nobody is asked again about a call that a person said no to.
STANDS = 60.0
#: Seconds in which nobody has seen that there is a question, read a line of it and answered.
_MOMENT = 1.0
#: More characters in a second than anybody reads; who says no need not read on for long.
_FASTEST, _LONGEST = 1000.0, 3.0
#: Seconds within which an agent that asks again hears that a request was denied.
_HEARD = 24 * 3600.0


def same_call(operation: str, arguments: Mapping[str, Any], project: str, caller: str) -> str:
    """What a call has in common with its repetitions: all that it says, not what is there."""
    said = [operation, arguments, project, caller]
    return _digest("same", json.dumps(said, sort_keys=True, separators=(",", ":"), default=str))


def same_change(
    catalog: Catalog,
    operation: Operation,
    arguments: Mapping[str, Any],
    preview: Preview,
    project: str,
    caller: str,
) -> str:
    """What a change has in common with its repetitions: what it does to whom, however named.

    Where the preview has found the target, it counts in place of the arguments that say which one
    is meant; versions of an operation, the one that does it for several, and all that leave nothing
    of the same target, are one kind.
    """
    hit = identities(operation, preview)
    if not hit:
        return same_call(operation.name, arguments, project, caller)
    single, own = _single(catalog, operation, arguments)
    batch = single.batch
    kind = batch.operation if batch and batch.each else single.operation_id
    if ends_target(catalog, operation):
        # Ids that people choose may stand for a tenant and for an application.
        kind = f"end one of {operation.toolset}"
    named = targets(single)
    rest = {name: value for name, value in own.items() if name not in named}
    return same_call(kind, {"hit": sorted(hit), "rest": rest}, project, caller)


def same_changes(changes: Collection[str]) -> str:
    """What several changes (`same_change`) have in common with those of another plan.

    In whatever order they are made, and whatever their steps are called. One alone is itself.
    """
    several = sorted(set(changes))
    return several[0] if len(several) == 1 else _digest("several", *several)


def _single(
    catalog: Catalog, operation: Operation, arguments: Mapping[str, Any]
) -> tuple[Operation, Mapping[str, Any]]:
    """A call for several that names one alone, as that of the operation for one."""
    for one in catalog.values():
        batch = one.batch
        if batch and batch.operation == operation.name:
            rest = {name: value for name, value in arguments.items() if name != batch.into}
            match arguments.get(batch.into):
                case [element] if batch.each:
                    return one, {**rest, batch.each: element}
                case [Mapping() as own]:
                    return one, {**rest, **own}
    return operation, arguments


def unread(question: Question, seconds: float) -> bool:
    """Whether an answer came sooner than any person could have read and given it."""
    return seconds < _MOMENT + min(question.length / _FASTEST, _LONGEST)


def keep(store: Store, question: Question, now: float) -> None:
    """Let a no count from `now` on (epoch seconds), and use the question up.

    Raises:
        StoreError: it cannot be recorded.
    """
    from descope_mcp.store.consent import used_confirmations

    used_confirmations.consume(store, question.nonce, question.expires)
    used_confirmations.consume(store, question.same, now + STANDS)


def stands(store: Store, question: Question) -> bool:
    """Whether a person said no to the same call, or to a part of it, within the last minute.

    Raises:
        StoreError: it cannot be told.
    """
    from descope_mcp.store.consent import used_confirmations

    return used_confirmations.used(store, *_heeded(question))


def denied(store: Store, question: Question, now: float) -> Request | None:
    """The request that a person denied for this call, as long as the agent has to hear of it.

    That is the first time that it asks again, by whatever name, and for a minute from then on.
    The request may have been for a part of it (`is_whole`).

    Raises:
        StoreError: it cannot be told.
    """
    from descope_mcp.store.consent import earlier_answers, used_confirmations

    beginnings = {same[:OF_CALL]: same for same in _heeded(question)}
    request = earlier_answers.denial(store, beginnings, _HEARD)
    if request is None:
        return None
    same = beginnings[request.binding[:OF_CALL]]
    told = _digest("told", f"{request.project} {request.number}")
    if used_confirmations.consume(store, told, now + _HEARD):
        used_confirmations.consume(store, same, now + STANDS)
        return request
    return request if used_confirmations.used(store, same) else None


def is_whole(question: Question, request: Request) -> bool:
    """Whether a request was for all that is asked, and not for a part of it."""
    return request.binding[:OF_CALL] == question.same[:OF_CALL]


def _heeded(question: Question) -> tuple[str, ...]:
    """Whatever a no may have been to that counts for this question."""
    return question.same, *question.parts


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode(errors="surrogatepass")).hexdigest()
