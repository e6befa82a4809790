"""A person's no, and what only looks like one.

A no counts for a minute for the same change to the same target, by whatever name that is called
and whatever hangs on it by then, in every process of the store: asking again and again is no way to
a yes. Whoever meant yes approves the request that waits outside of the client. Some clients decline
by themselves and show nobody anything; that shows in the time that it takes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from descope_mcp.catalog.replacement import targets
from descope_mcp.guard.preview.target_identity import identities

if TYPE_CHECKING:
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
    operation: Operation,
    arguments: Mapping[str, Any],
    preview: Preview,
    project: str,
    caller: str,
) -> str:
    """What a change has in common with its repetitions: what it does to whom, however named.

    Where the preview has found the target, it counts in place of the arguments that say which one
    is meant; versions of an operation, and the one that does it for several, are one kind.
    """
    hit = identities(operation, preview)
    if not hit:
        return same_call(operation.name, arguments, project, caller)
    batch = operation.batch
    kind = batch.operation if batch and batch.each else operation.operation_id
    named = targets(operation)
    rest = {name: value for name, value in arguments.items() if name not in named}
    return same_call(kind, {"hit": sorted(hit), "rest": rest}, project, caller)


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
    """Whether a person said no to the same call within the last minute.

    Raises:
        StoreError: it cannot be told.
    """
    from descope_mcp.store.consent import used_confirmations

    return used_confirmations.used(store, question.same)


def denied(store: Store, question: Question, now: float) -> Request | None:
    """The request that a person denied for this call, as long as the agent has to hear of it.

    That is the first time that it asks again, and for a minute from then on.

    Raises:
        StoreError: it cannot be told.
    """
    from descope_mcp.store.consent import approvals, used_confirmations

    request = approvals.denial(store, question.binding, _HEARD)
    if request is None:
        return None
    told = _digest("told", f"{request.project} {request.number}")
    if used_confirmations.consume(store, told, now + _HEARD):
        used_confirmations.consume(store, question.same, now + STANDS)
        return request
    return request if used_confirmations.used(store, question.same) else None


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode(errors="surrogatepass")).hexdigest()
