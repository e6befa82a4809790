"""The answer of a change in short: what it repeats of an object is left out, and kept whole.

What became different is told apart from the answer (`call.evidence`). An object that the answer
repeats is named by its id; its secrets, and all that stands beside it, stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from descope_mcp.api.partial_failures import PARTIAL
from descope_mcp.catalog.arguments.validation import SEALED
from descope_mcp.server.answers.outline import text_of

#: The ids of an object, the surest first.
IDS = ("userId", "id", "appId", "ssoId", "clientId")
#: Fewer characters than this are not worth leaving out.
_WORTH = 300
#: So many objects of a list are named.
_MOST = 5
_SEAL = SEALED.rstrip("]")


def brief(answer: Any) -> Any:
    """`answer` with its objects cut to what they are known by; as it is if that saves little."""
    if not isinstance(answer, Mapping):
        return answer
    short = {name: _short(value) for name, value in answer.items() if name not in PARTIAL}
    if _is_object(answer):
        short = _named(answer)
    return short if len(text_of(answer)) - len(text_of(short)) >= _WORTH else answer


def _short(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _named(value) if _is_object(value) else value
    if isinstance(value, list) and value and all(map(_is_object, value)):
        more = len(value) - _MOST
        shown: list[Any] = [_named(one) for one in value[:_MOST]]
        return [*shown, f"and {more} more"] if more > 0 else shown
    return value


def _is_object(value: Any) -> bool:
    """Whether a value is an object with an id, as answers repeat them."""
    return isinstance(value, Mapping) and any(isinstance(value.get(key), str) for key in IDS)


def _named(one: Mapping[str, Any]) -> dict[str, Any]:
    """What an object is known by, its status, and its secrets."""
    first = next(key for key in IDS if isinstance(one.get(key), str))
    return {
        key: value
        for key, value in one.items()
        if key in (first, "status") or (isinstance(value, str) and _SEAL in value)
    }
