"""Where two policies differ, for a person who reads it in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from descope_mcp.cli.display.times import shown
from descope_mcp.guard.question import shell_quoting
from descope_mcp.store.shadow_report import Group


def lines(groups: Iterable[Group]) -> Iterator[str]:
    """The groups for a person."""
    for group in groups:
        yield (
            f"{group.calls:5}  {group.operation}: {group.decided} ({group.rule}) would be "
            f"{group.would} ({group.other_rule})"
        )
        for one in group.examples:
            named = ", ".join(one.arguments) or "no arguments"
            entry = shell_quoting.command("journal", "show", one.call[:8])
            yield f"         {shown(one.at)} {one.caller}, with {named}; `{entry}`"
