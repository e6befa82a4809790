"""What a target is known by whatever it is called: its id, and the names that it had before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from descope_mcp.guard.preview.preview import Preview
from descope_mcp.guard.question.question_data import Fact
from descope_mcp.guard.question.quoting import whole

#: So many former names are told; of the others, how many there are.
_MOST_NAMES = 5


def own_id(target: Any, said: str) -> Iterator[Fact]:
    """The id of the one target of a call, where it is not `said`: a name is changed with ease.

    Users are named by what they sign in with.
    """
    held = target.get("id") if isinstance(target, Mapping) and not target.get("loginIds") else None
    if isinstance(held, str) and held and (shown := whole(held)) not in said:
        yield Fact("id", shown)


def renamed(preview: Preview) -> Iterator[str]:
    """What the targets were called before, and whose calls met them by that name."""
    for one in preview.former[:_MOST_NAMES]:
        by = f"a call of {one.operation} by {whole(one.caller)}"
        of = f" ({whole(one.id)})" if one.id != one.now else ""
        yield f"{whole(one.now)}{of} was called {whole(one.was)} before {by}."
    more = len(preview.former) - _MOST_NAMES
    if more > 0:
        yield f"There were {more:,} more names before."
