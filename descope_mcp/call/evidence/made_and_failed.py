"""What an answer says of what a call has made, and of what it did not do of several."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from descope_mcp.api.partial_failures import PARTIAL
from descope_mcp.call.evidence.evidence import Made, Spoiled
from descope_mcp.catalog.operation import Operation
from descope_mcp.guard.preview.comparison import after_state
from descope_mcp.guard.preview.comparison.after_state import NAMES, known_as
from descope_mcp.guard.preview.target_identity import identity

#: What an object got when it was made, the surest first.
_IDS = ("userId", "id", "appId", "ssoId", "clientId", "backupId", "executionId", "processId")
#: Why one of several failed, as answers call it.
_WHY = ("failure", "errorDescription", "errorMessage", "error", "reason", "message")


def made_things(operation: Operation, answer: Any, before: Any) -> Iterator[Made]:
    """What an answer holds that was not there: with an id, and not below another such thing."""
    if operation.existing == "kept" and not (isinstance(answer, dict) and answer.get("created")):
        return
    there = {identity(one) for one in after_state.objects(before)}
    failed = [answer.get(name) for name in PARTIAL] if isinstance(answer, dict) else []
    for one in _outermost(answer, failed):
        identifier = next(str(one[key]) for key in _IDS if one.get(key))
        if identifier not in there:
            yield Made(identifier, known_as(one))


def names_of_made(answer: Any, made: Sequence[Made]) -> set[str]:
    """What tells the things that were made from all others: their ids, and a user's login ids."""
    ids = {one.id for one in made}
    found: set[str] = set()
    for one in after_state.objects(answer) if ids else ():
        held = {str(one[key]) for key in _IDS if one.get(key)}
        if held & ids:
            logins = one.get("loginIds")
            found |= held | set(map(str, logins if isinstance(logins, list) else ()))
    return found


def _outermost(value: Any, without: Sequence[Any], depth: int = 4) -> Iterator[Mapping[str, Any]]:
    """The objects with an id, and none of those inside of one."""
    if isinstance(value, Mapping):
        if any(isinstance(value.get(key), str) and value[key] for key in _IDS):
            yield value
            return
        value = [one for one in value.values() if not any(one is other for other in without)]
    if isinstance(value, list) and depth:
        for one in value:
            yield from _outermost(one, without, depth - 1)


def spoiled(answer: Any) -> Iterator[Spoiled]:
    """What failed inside a success, by its name."""
    for field in PARTIAL:
        listed = answer.get(field) if isinstance(answer, dict) else None
        if isinstance(listed, dict):
            yield from (Spoiled(str(name), _why(why)) for name, why in listed.items())
        elif isinstance(listed, list):
            yield from (Spoiled(_named_below(one), _why(one)) for one in listed)


def failed_names(answer: Any) -> set[str]:
    """Every name and id of what failed."""
    listed = [answer.get(field) for field in PARTIAL] if isinstance(answer, dict) else []
    found: set[str] = set()
    for one in (inner for value in listed for inner in after_state.objects(value)):
        values = [one[key] for key in (*NAMES, *_IDS) if one.get(key)]
        found |= {
            str(v) for value in values for v in (value if isinstance(value, list) else [value])
        }
    return found


def _named_below(one: Any) -> str:
    """What an entry of a list of failures is about."""
    if not isinstance(one, Mapping):
        return ""
    named = (known_as(inner) for inner in after_state.objects(one))
    return next(filter(None, named), "")


def _why(one: Any) -> str:
    if isinstance(one, Mapping):
        return next((str(one[key]) for key in _WHY if one.get(key)), "")
    return str(one)
