"""Queries that are an operation's own name or title, in whatever order and number."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from descope_mcp.catalog.search.words import says_nothing, split, stem

_AROUND = ".,;:?!()'\"`"
#: Words that a title may have more, or a query.
_FILLERS = frozenset({"a", "an", "the", "of", "by", "to", "in", "for", "from", "with"})

_Words = tuple[str, ...]


class Titles:
    """The operations by the words of their names and titles.

    Args:
        titles: of the operations, in their order.
        names: in the same order.
    """

    def __init__(self, titles: Sequence[str], names: Sequence[str]) -> None:
        self._names = {name.lower(): number for number, name in enumerate(names)}
        self._plain = {name.lower() for name in names if name.istitle()}
        self._exact: dict[_Words, list[int]] = defaultdict(list)
        self._stems: dict[_Words, set[int]] = defaultdict(set)
        for number, texts in enumerate(zip(names, titles, strict=True)):
            for text in texts:
                words = _words(text)
                if number not in self._exact[words]:
                    self._exact[words].append(number)
                self._stems[_stems(words)].add(number)

    def named(self, text: str) -> list[int]:
        """The operations that `text` names or is the title of, by number.

        A plain word (*Check*) names an operation only if it is all there is.
        """
        found = [*self._mentioned(text)]
        words = _words(text)
        alike = self._stems.get(_stems(words), set()) if words else set()
        same = self._exact.get(words, []) if words else []
        return found or same or ([*alike] if len(alike) == 1 else [])

    def _mentioned(self, text: str) -> Iterator[int]:
        for word in text.split():
            name = word.strip(_AROUND).lower()
            if name in self._names and (name not in self._plain or word == text.strip()):
                yield self._names[name]


def _words(text: str) -> _Words:
    return tuple(sorted({word for word in split(text) if word not in _FILLERS}))


def _stems(words: Iterable[str]) -> _Words:
    return tuple(sorted({stem(word) for word in words if not says_nothing(word)}))
