"""Where two long texts differ, in pieces short enough to be shown whole.

Of a long text a person would see the beginning only, and that is the same before and after.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from itertools import islice

from descope_mcp.guard.question.quoting import fits, quoted

#: More lines than this are not compared, nor shown.
MOST_LINES = 200
_MOST_COMPARED = 1000
#: A line that does not fit is shown in pieces of so many characters, or shorter ones.
_PIECE = 100


def passages(before: str, after: str) -> list[str] | None:
    """A line for every piece that goes (``-``) or comes (``+``), None if there are too many."""
    start = _common(before, after)
    end = _common(before[start:][::-1], after[start:][::-1])
    # From the beginning of the line in which the first difference is, to the end of the last.
    start = before.rfind("\n", max(0, start - 100), start) + 1 or start
    old, new = (_middle(text, start, end).split("\n") for text in (before, after))
    if len(old) + len(new) > _MOST_COMPARED:
        return None
    # One more than is shown tells that there are too many; the others are never made.
    shown = list(islice(_pieces_of(old, new), MOST_LINES + 1))
    return shown if len(shown) <= MOST_LINES else None


def _pieces_of(old: list[str], new: list[str]) -> Iterator[str]:
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for kind, i1, i2, j1, j2 in matcher.get_opcodes():
        if kind == "equal":
            continue
        for sign, lines in (("-", old[i1:i2]), ("+", new[j1:j2])):
            for line in lines:
                yield from (f"{sign} {quoted(piece)}" for piece in _pieces(line))


def _common(one: str, other: str) -> int:
    """How many characters two texts have in common at their beginning."""
    same, most = 0, min(len(one), len(other))
    while same < most:
        half = (same + most + 1) // 2
        if one[same:half] == other[same:half]:
            same = half
        else:
            most = half - 1
    return same


def _middle(text: str, start: int, end: int) -> str:
    """`text` without its beginning and its end, but to the end of the last line."""
    stop = len(text) - end
    rest = text.find("\n", stop, stop + 100)
    return text[start : stop if rest < 0 else rest]


def _pieces(line: str) -> Iterator[str]:
    """The parts of a line, from its beginning, that can each be quoted whole."""
    start = 0
    while True:
        length = len(line) - start
        while not fits(line[start : start + length]):
            length = min(length // 2, _PIECE)
        yield line[start : start + length]
        start += length
        if start >= len(line):
            return
