"""The references in recipes (see `operation_record`): ``$args.id``, ``$before[].name``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

_ROOTS = "args|before|found|project|answer|item|element"
_ONE = re.compile(rf"\$(?P<root>{_ROOTS})(?P<every>\[\])?(?:\.(?P<path>\S+))?")
#: Keys in a recipe's object: the fields of another one, a list made from another list.
LIKE, EACH = "$like", "$each"
_DIFFERENCE = re.compile(r"(?P<left>\$\S+) (?P<sign>[-&]) (?P<right>\$\S+)")


class Reference(NamedTuple):
    """One reference: where it starts, whether at every element there, and the path from there."""

    root: str
    every: bool
    path: str

    @property
    def many(self) -> bool:
        """Whether it leads to a list of values."""
        return self.every or "[]" in self.path or "[1:]" in self.path


class Difference(NamedTuple):
    """Two references: the values of the left one that are, or are not, among the right one's."""

    left: Reference
    right: Reference
    common: bool


def parse(value: Any) -> Reference | Difference | None:
    """The reference that a value of a recipe is; None for a literal.

    Raises:
        ValueError: it begins like a reference and is none.
    """
    if not isinstance(value, str) or not value.startswith("$"):
        return None
    if match := _DIFFERENCE.fullmatch(value):
        return Difference(_one(match["left"]), _one(match["right"]), match["sign"] == "&")
    return _one(value)


def texts(value: Any) -> Iterator[str]:
    """Every text in a recipe's value that is, or pretends to be, a reference."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from texts(item)
    elif isinstance(value, str) and value.startswith("$"):
        yield value


def _one(text: str) -> Reference:
    match = _ONE.fullmatch(text)
    if match is None:
        raise ValueError(text)
    return Reference(match["root"], bool(match["every"]), match["path"] or "")


def all_in(value: Any) -> list[Reference]:
    """Every single reference in a recipe's value.

    Raises:
        ValueError: one is none.
    """
    parsed = [parse(text) for text in texts(value)]
    pairs = [(p.left, p.right) if isinstance(p, Difference) else (p,) for p in parsed if p]
    return [reference for pair in pairs for reference in pair]
