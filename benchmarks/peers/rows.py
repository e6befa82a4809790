"""The rows of the table: what a figure means, and why a peer is ahead where one is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Figure = float | list[int] | None


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    Attributes:
        name: the figure's name in the results.
        label: the head of the row.
        shown: the figure as text.
        least: whether less is better; None where neither is.
        why: why peers may be ahead in it.
    """

    name: str
    label: str
    shown: Callable[[Figure], str]
    least: bool | None = True
    why: str = ""


def value(figure: Figure) -> float:
    """A figure as a number; a pair is a share."""
    if isinstance(figure, list):
        return figure[0] / max(figure[1], 1)
    assert figure is not None
    return figure


def _count(figure: Figure) -> str:
    return f"{value(figure):,.0f}"


def _time(figure: Figure) -> str:
    number = value(figure)
    return f"{number:.1f} ms" if number < 100 else f"{number:,.0f} ms"


def _share(figure: Figure) -> str:
    return f"{value(figure):.1%}"


def _pair(figure: Figure) -> str:
    assert isinstance(figure, list)
    return f"{figure[0]} of {figure[1]}"


_FEW_TOOLS = (
    "A list of two or three tools says nothing of what the API can do, of classes of risk or of "
    "undo, and leaves all of it to further calls."
)
_UNGUARDED = (
    "Our calls are checked against the schema, decided on by the policy, searched for secrets and "
    "marked as foreign text."
)
_NODE = (
    "It is a program of Node, which loads the protocol's library faster than Python does; most of "
    "our start is that, as `benchmarks.speed` shows beside a bare server."
)
_SPARE = "It keeps neither records, rules nor a search index in memory."

ROWS = (
    Row("tools", "tools listed", _count, None),
    Row("list tokens", "tokens of the list that a model reads", _count, True, _FEW_TOOLS),
    Row("sent tokens", "tokens of the list with all that is sent", _count, True, _FEW_TOOLS),
    Row("answer tokens", "tokens of a search's answer, median", _count),
    Row("first", "right operation first", _share, False),
    Row("five", "right operation in the first five", _share, False),
    Row("start", "start to first list", _time, True, _NODE),
    *(
        Row(
            f"{what}, {transport}, {era}",
            f"{said}, {transport}, {revision}",
            _time,
            True,
            _FEW_TOOLS if what == "list" else _UNGUARDED,
        )
        for what, said in (("list", "list of tools"), ("call", "a read"))
        for transport in ("stdio", "HTTP")
        for era, revision in (("present", "2026-07-28"), ("older", "2025-11-25"))
    ),
    Row("memory", "memory", lambda figure: f"{value(figure):.0f} MiB", True, _SPARE),
    Row("undeclared", "undeclared arguments caught before sending", _pair, False),
    Row("mistyped", "arguments of a wrong type caught before sending", _pair, False),
    Row("unasked", "deletions, revocations, rotations sent without a question", _pair),
    Row("secrets", "secrets of the API's answers shown to the model", _pair),
)
