"""The words of a consequence, filled in: ``says`` of a record with its names and counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from descope_mcp.catalog.json_path import distinct
from descope_mcp.catalog.wording.consequence_template import CHANGES, TARGET, Item, Place, parse
from descope_mcp.guard.preview.impact import Tally
from descope_mcp.guard.preview.recipe_values import ABSENT, Scope, resolve
from descope_mcp.guard.question.quoting import whole

#: So many elements of a list are named in a sentence; all of them are below it.
_MOST_NAMED = 4
#: What a sentence says of a value that is not there.
NOWHERE = "(none)"


@dataclass(frozen=True, slots=True)
class Consequence:
    """A filled sentence; `shown` are the references and counts whose values are in it, whole."""

    text: str
    shown: frozenset[str]


@dataclass(frozen=True, slots=True)
class Known:
    """What a sentence can be filled with."""

    scope: Scope
    target: Any
    counts: Sequence[Tally]
    changes: str


def filled(says: str, known: Known) -> Consequence:
    """The sentence `says`, with what is `known`; parts in brackets only where all of it is."""
    shown: set[str] = set()
    parts: list[str] = []
    for piece in parse(says):
        if isinstance(piece, list):
            inner: set[str] = set()
            texts = [one if isinstance(one, str) else _place(one, known, inner) for one in piece]
            if all(texts):
                parts += texts
                shown |= inner
        elif isinstance(piece, str):
            parts.append(piece)
        else:
            parts.append(_place(piece, known, shown) or _nothing(piece))
    return Consequence("".join(parts), frozenset(shown))


def joined(parts: Sequence[str]) -> str:
    """``a, b and c``."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def number(count: int, one: str, many: str) -> str:
    """A number with its noun: ``1 user``, ``1,200 users``."""
    return f"{count:,} {one if count == 1 else many}"


def _nothing(place: Place) -> str:
    """What stands for a value that is not there."""
    return f"no {place[0].many}" if place[0].many else NOWHERE


def _place(place: Place, known: Known, shown: set[str]) -> str:
    return joined([text for item in place if (text := _item(item, known, shown))])


def _item(item: Item, known: Known, shown: set[str]) -> str:
    if item.source == CHANGES:
        return known.changes
    if item.source == TARGET or item.source.startswith("$"):
        value = known.target if item.source == TARGET else resolve(item.source, known.scope)
        return _value(item, value, shown)
    tally = next((tally for tally in known.counts if tally.key == item.source), None)
    if tally is None or not tally.number:
        return ""
    shown.add(item.source)
    return f"{'at least ' if tally.at_least else ''}{number(tally.number, item.one, item.many)}"


def _value(item: Item, value: Any, shown: set[str]) -> str:
    """A value in a sentence, "" if there is none."""
    if value is ABSENT or value is None or value in ("", [], {}):
        return ""
    values = value if isinstance(value, list) else [value]
    if item.mode == "by":
        return ", ".join(f"{n:,} {_plain(v)}" for v, n in Counter(map(str, values)).most_common())
    values = distinct(values)
    if item.one:
        count = value if isinstance(value, int) else len(values)
        return _counted(item, count)
    named = [whole(v) for v in values[:_MOST_NAMED]]
    more = len(values) - _MOST_NAMED
    if more > 0:
        return joined([*named, f"{more:,} more"])
    shown.add(item.source)
    return joined(named)


def _counted(item: Item, count: int) -> str:
    if item.mode == "word":
        return item.one if count == 1 else item.many
    return number(count, item.one, item.many)


def _plain(value: str) -> str:
    """A word of the service as it is, anything else quoted."""
    return value if value.isascii() and value.isalpha() and len(value) < 20 else whole(value)
