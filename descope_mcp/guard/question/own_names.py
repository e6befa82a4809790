"""What a target is known by whatever it is called: its id, and the names that it had before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from descope_mcp.guard.preview.former_names import FormerName
from descope_mcp.guard.preview.preview import Preview
from descope_mcp.guard.question.consequence import joined
from descope_mcp.guard.question.question_data import Fact
from descope_mcp.guard.question.quoting import whole

#: Of so many targets former names are told, and so many later ones of each; then how many more.
_MOST_TARGETS, _MOST_NAMES = 5, 3


def own_id(target: Any, said: str) -> Iterator[Fact]:
    """The id of the one target of a call, where it is not `said`: a name is changed with ease.

    Users are named by what they sign in with.
    """
    held = target.get("id") if isinstance(target, Mapping) and not target.get("loginIds") else None
    if isinstance(held, str) and held and (shown := whole(held)) not in said:
        yield Fact("id", shown)


def renamed(preview: Preview) -> Iterator[str]:
    """What each target was called before, the oldest name first, and whose call met it so."""
    names: dict[str, list[FormerName]] = {}
    for one in preview.former:
        names.setdefault(one.id, []).append(one)
    for later in list(names.values())[:_MOST_TARGETS]:
        first = later.pop()
        of = f" ({whole(first.id)})" if first.id != first.now else ""
        by = f"a call of {first.operation} by {whole(first.caller)}"
        since = [whole(one.was) for one in later[:_MOST_NAMES]]
        since += [f"{more:,} more"] if (more := len(later) - _MOST_NAMES) > 0 else []
        then = f", then {joined(since)}" if since else ""
        yield f"{whole(first.now)}{of} was called {whole(first.was)} before {by}{then}."
    if (more := len(names) - _MOST_TARGETS) > 0:
        yield f"{more:,} more of them had other names before."
