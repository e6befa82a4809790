"""Misspelt words: what known word one letter more, less, other or swapped leads to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

_SHORTEST = 3
#: From this length on a word may have two wrong letters.
_LONG = 6
#: Two letters that changed places are the likelier slip.
_SWAP = 0.8


class Spelling:
    """Corrects words by those of a vocabulary.

    A word and what it was meant to be become the same when a letter or two are left out of both;
    those shortened forms are looked up (Garbe's symmetric deletion). Of words that are as near the
    one that stands first in the vocabulary is taken.
    """

    def __init__(self, vocabulary: Iterable[str]) -> None:
        self._known = {word: place for place, word in enumerate(vocabulary)}
        self._shortened: dict[str, list[str]] = defaultdict(list)
        for word in self._known:
            for short in {word, *_without_one(word)}:
                self._shortened[short].append(word)

    def correct(self, word: str) -> list[str]:
        """The words that `word` stands for: two written as one, or the nearest; none if unknown."""
        if len(word) < _SHORTEST or word in self._known:
            return []
        for cut in range(3, len(word) - 2):
            if word[:cut] in self._known and word[cut:] in self._known:
                return [word[:cut], word[cut:]]
        shorts = {word, *_without_one(word)}
        if len(word) >= _LONG:
            shorts |= {two for one in _without_one(word) for two in _without_one(one)}
        near = {known for short in shorts for known in self._shortened.get(short, ())}
        best = min(near, key=lambda known: (_distance(word, known), self._known[known]), default="")
        return [best] if best and _distance(word, best) <= (2 if len(word) >= _LONG else 1) else []


def _without_one(word: str) -> Iterator[str]:
    return (word[:i] + word[i + 1 :] for i in range(len(word)))


def _distance(one: str, other: str) -> float:
    """How many letters are wrong, two swapped as less than one; the first letter counts more.

    It is the distance of Damerau, with weights.
    """
    before: list[float] = []
    row: list[float] = [*range(len(other) + 1)]
    for i, letter in enumerate(one, 1):
        last, before, row = before, row, [i]
        for j, wanted in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != wanted))
            swapped = i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted
            row.append(min(cost, last[j - 2] + _SWAP) if swapped else cost)
    return row[-1] + (0.5 if one[:1] != other[:1] else 0.0)
