"""The outline of what is too large to show: its shape, with long lists and texts cut."""

from __future__ import annotations

import json
from typing import Any

#: The largest answer that a model gets, in characters of JSON.
LARGEST = 40_000
#: How much of every list and object, and of every text, an outline tries to show, best first.
_TRIES = ((200, 4_000), (50, 1_000), (20, 400), (10, 100), (5, 60), (3, 30), (2, 20))
_DEEPEST = 30
#: So many cuts are told.
_MOST_CUTS = 20

_WRITTEN = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str)

#: For a cut field how much is shown of how much: elements, or characters of a text.
Cuts = dict[str, tuple[int, int]]


def text_of(value: Any) -> str:
    """`value` as JSON, the way that sizes are counted."""
    return _WRITTEN.encode(value)


def bounded(data: dict[str, Any], largest: int = LARGEST) -> tuple[dict[str, Any], Cuts]:
    """`data` as it is if it has at most `largest` characters, else its outline.

    An attempt ends as soon as it is too large, so that the cost does not grow with the answer.

    Returns:
        ``(data, cut)``, the second empty if nothing is.
    """
    if _left(data, largest) >= 0 and len(text_of(data)) <= largest:
        return data, {}
    for items, characters in ((10**9, 10**9), *_TRIES):
        attempt = _Attempt(items, characters, largest)
        try:
            outline = attempt.cut(data, "", 0)
        except _TooLargeError:
            continue
        return outline, dict(list(attempt.cuts.items())[:_MOST_CUTS])
    return {}, {"answer": (0, len(data))}


def _left(value: Any, left: int, depth: int = 0) -> int:
    """What a value leaves of `left` characters, at most; below 0 if it is too large or too deep.

    Cheaper than an attempt, since nothing is written or copied, and most answers are small.
    """
    if depth > _DEEPEST:
        return -1
    if isinstance(value, str):
        return left - len(value)
    if isinstance(value, dict):
        for key, item in value.items():
            left = _left(item, left - len(str(key)), depth + 1)
            if left < 0:
                break
    elif isinstance(value, list):
        for item in value:
            left = _left(item, left - 1, depth + 1)
            if left < 0:
                break
    return left


class _TooLargeError(Exception):
    pass


class _Attempt:
    """A copy that shows so many elements and characters, counted while it is made."""

    def __init__(self, items: int, characters: int, most: int) -> None:
        self._items, self._characters, self._left = items, characters, most
        self.cuts: Cuts = {}

    def cut(self, value: Any, path: str, depth: int) -> Any:
        if depth > _DEEPEST:
            self.cuts[path] = (0, 1)
            return None
        if isinstance(value, dict):
            shown = (
                list(value.items())[: self._items] if len(value) > self._items else value.items()
            )
            self._tell(path, len(shown), len(value))
            made = {}
            for key, item in shown:
                self._spend(len(text_of(key)) + 2)
                made[key] = self.cut(item, f"{path}.{key}" if path else str(key), depth + 1)
            return made
        if isinstance(value, list):
            self._tell(path, min(self._items, len(value)), len(value))
            self._spend(2)
            return [self.cut(item, f"{path}[]", depth + 1) for item in value[: self._items]]
        if isinstance(value, str):
            self._tell(path, min(self._characters, len(value)), len(value))
            value = value[: min(self._characters, self._left + 1)]
        self._spend(len(text_of(value)) + 1)
        return value

    def _tell(self, path: str, shown: int, of: int) -> None:
        if shown < of:
            self.cuts.setdefault(path, (shown, of))

    def _spend(self, characters: int) -> None:
        self._left -= characters
        if self._left < 0:
            raise _TooLargeError
