"""Lists of records: a table where standard output is a terminal with room for it, else lines."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Sequence

import click

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
#: More columns than any terminal has.
_UNBOUNDED = 100_000
#: A table that has less of the room that it needs is harder to read than lines.
_SQUEEZED = 0.75


def show(
    columns: Sequence[str], rows: Iterable[tuple[str, Sequence[str]]], *, nothing: str
) -> None:
    """Print rows.

    Args:
        columns: what the cells are, for the table.
        rows: each as a line, and as cells.
        nothing: the sentence if there are none; on stderr, so that a pipe gets nothing.
    """
    found = list(rows)
    if not found:
        click.echo(nothing, err=True)
    elif not in_terminal():
        for line, _ in found:
            click.echo(line)
    elif not _table(columns, [cells for _, cells in found]):
        for line, _ in found:
            click.echo(_harmless(line))


def in_terminal() -> bool:
    """Whether a person reads standard output, in a terminal that can show a table."""
    return sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def age(at: float) -> str:
    """How long ago, or in how much time, in the largest unit that fits: ``3 h``, ``in 2 d``."""
    apart = time.time() - at
    count = abs(apart)
    for size, unit in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if count >= size:
            said = f"{int(count // size)} {unit}"
            break
    else:
        said = "now" if apart >= 0 else f"{int(count)} s"
    return said if apart >= 0 else f"in {said}"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Print a table, unless the terminal is too narrow for it: then False, and nothing."""
    # Loaded here alone: it takes as long as everything else that a list needs.
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name, overflow="fold")
    for cells in rows:
        # Text: what stands in a cell is no markup of rich's, whoever wrote it.
        table.add_row(*(Text(_harmless(cell)) for cell in cells))
    console = Console(highlight=False)
    needed = console.measure(table, options=console.options.update(width=_UNBOUNDED)).maximum
    if console.width < needed * _SQUEEZED:
        return False
    console.print(table)
    return True


def _harmless(text: str) -> str:
    """A text that cannot tell the terminal to do something."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
