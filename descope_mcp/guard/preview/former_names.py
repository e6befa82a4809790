"""What the targets of a call were called before: a name that a person is shown may be a new one.

Most things are renamed without a question. So the name that a person reads, and has to type, may be
one that an agent chose a moment ago, and a rule that protects a name would not know the new one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from descope_mcp.guard.preview.recipe_values import as_list
from descope_mcp.guard.preview.target_identity import identity

#: Fields of an answer that say what an object is called, and do not tell it from others.
_CALLED = ("name", "displayName", "userName")


class FormerName(NamedTuple):
    """A name that a target had when ``caller`` called ``operation``, and what it is called now."""

    id: str
    now: str
    was: str
    operation: str
    caller: str


def former_names(target: Any, earlier: Iterable[tuple[str, str, Any]]) -> Iterator[FormerName]:
    """The names that a target, or each of several, does not have any more.

    Args:
        target: the before-state.
        earlier: an operation, its caller and the before-state that it met, newest first.
    """
    here = {identity(one): one for one in as_list(target) if isinstance(one, Mapping)}
    told: set[tuple[str, str]] = set()
    for operation, caller, before in earlier:
        for was in as_list(before):
            key = identity(was)
            now = here.get(key) if key else None
            for field in _CALLED if now else ():
                held, holds = was.get(field), now.get(field) if now else None
                if isinstance(held, str) and held not in ("", holds) and (key, held) not in told:
                    told.add((key, held))
                    yield FormerName(key, str(holds or key), held, operation, caller)
