"""A disclosure for a terminal: wrapped at words, names in columns, perhaps with colours."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterator, Sequence

from descope_mcp.guard.question.question_data import Disclosure
from descope_mcp.guard.question.renderers.layout import Block, Kind, blocks

WIDTH = 80
_COLOURS: dict[Kind, str] = {
    "consequence": "1",
    "warning": "33",
    "gain": "1;33",
    "loss": "31",
    "quiet": "2",
}


def screen(said: Disclosure, *, width: int = WIDTH, colours: bool = False) -> str:
    """The whole question; of a long difference of documents its parts (`difference` has it).

    Args:
        said: what is told.
        width: of the terminal, in columns.
        colours: whether the terminal has any.
    """
    lines: list[str] = []
    for block in blocks(said, shortened=True):
        shown = list(_lines(block, max(40, width)))
        code = _COLOURS.get(block.kind, "") if colours else ""
        lines += [f"\x1b[{code}m{line}\x1b[0m" if code else line for line in shown]
    return "\n".join(lines)


def difference(said: Disclosure, *, width: int = WIDTH) -> str:
    """All that becomes different in documents, whole; "" if there are none."""
    every = blocks(said)
    shown = [b for b in every if b.lines or b.text.startswith(("  ", "Becomes"))]
    return "\n".join(line for block in shown for line in _lines(block, max(40, width)))


def again(said: Disclosure, *, width: int = WIDTH) -> str:
    """The consequence once more, for the end of a question that is longer than a screen."""
    return "\n".join(_wrapped(f"{said.consequence}?", max(40, width)))


def _lines(block: Block, width: int) -> Iterator[str]:
    if block.text:
        yield from _wrapped(block.text, width)
    yield from _columns(block.names, width)
    for line in block.lines:
        yield from _wrapped(f"    {line}", width)


def _wrapped(text: str, width: int) -> Iterator[str]:
    """A paragraph in lines of the width; what follows the first is set in."""
    indent = " " * (len(text) - len(text.lstrip()))
    yield from textwrap.wrap(
        text,
        width,
        initial_indent="",
        subsequent_indent=f"{indent}  ",
        break_on_hyphens=False,
        drop_whitespace=True,
        replace_whitespace=False,
    ) or [""]


def _columns(names: Sequence[str], width: int) -> Iterator[str]:
    """Names side by side, read line by line."""
    if not names:
        return
    room = width - 2
    widest = min(room, max(map(_width, names)) + 1)
    per_line = max(1, (room + 1) // widest)
    if per_line == 1 and len(names) > 1:
        yield from _wrapped(f"  {', '.join(names)}", width)
        return
    for start in range(0, len(names), per_line):
        row = names[start : start + per_line]
        line = "".join(name + " " * (widest - _width(name)) for name in row).rstrip()
        yield from _wrapped(f"  {line}", width) if _width(line) > room else [f"  {line}"]


def _width(text: str) -> int:
    """How many columns of a terminal a text takes (Unicode Standard Annex 11)."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
