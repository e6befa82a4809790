"""What the targets of a call were called before: a name that a person is shown may be a new one.

Most things are renamed without a question. So the name that a person reads, and has to type, may be
one that an agent chose a moment ago, and a rule that protects a name would not know the new one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from descope_mcp.guard.preview.recipe_values import as_list
from descope_mcp.guard.preview.target_identity import id_field, identity

#: Fields of an answer that say what an object is called, and do not tell it from others.
_CALLED = ("name", "displayName", "userName")


class FormerName(NamedTuple):
    """A name that a target had when ``caller`` called ``operation``, and what it is called now."""

    id: str
    now: str
    was: str
    operation: str
    caller: str


class Called(NamedTuple):
    """What an object of this id was called, by the fields that say so.

    ``id_field`` tells a user from a tenant that somebody gave the id of a user.
    """

    id_field: str
    id: str
    names: Mapping[str, str]


def called(target: Any) -> Iterator[Called]:
    """What a target, or each of several, is called."""
    for one in as_list(target):
        names = {field: one[field] for field in _CALLED if field in one} if identity(one) else {}
        if texts := {field: name for field, name in names.items() if isinstance(name, str)}:
            yield Called(id_field(one), identity(one), texts)


def former_names(
    target: Any, earlier: Iterable[tuple[str, str, Iterable[Called]]]
) -> Iterator[FormerName]:
    """The names that a target, or each of several, does not have any more.

    Args:
        target: the before-state.
        earlier: an operation, its caller and what it met, newest first.
    """
    here = {(one.id_field, one.id): one.names for one in called(target)}
    told: set[tuple[str, str]] = set()
    for operation, caller, met in earlier:
        for was in met:
            now = here.get((was.id_field, was.id))
            if now is None:
                continue
            for field, held in was.names.items():
                holds = now.get(field, "")
                if held not in ("", holds) and (was.id, held) not in told:
                    told.add((was.id, held))
                    yield FormerName(was.id, holds or was.id, held, operation, caller)
