"""How much operations have of the words of a query: BM25F over words and concepts, and likeness."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from descope_mcp.catalog.search.query_intent import Wanted

#: What any word counts in a likeness beside its rarity.
_FLOOR = 0.5


class Match(NamedTuple):
    """How rare a wanted thing is, and what it counts for each operation that has it."""

    rarest: float
    scores: dict[int, float]


class WordScores:
    """Compares the things that a query looks for with the index.

    Args:
        index: as `index.build` makes it.
        saturation: from which weight on more of the same word hardly counts.
        rarest: the most that a word counts for being rare.
        uncovered: what is left of an operation that has none of the query's words.
    """

    def __init__(
        self, index: Mapping[str, Any], *, saturation: float, rarest: float, uncovered: float
    ) -> None:
        units: list[str] = index["units"]
        # The index has weights in hundredths.
        self._half = 100 * saturation
        self._uncovered = uncovered
        #: The operations that have a unit, by number, each with the unit's weight there.
        self.postings: dict[str, list[tuple[int, int]]] = {
            unit: list(zip(found[::2], found[1::2], strict=True))
            for unit, found in zip(units, index["postings"], strict=True)
        }
        operations = len(index["phrases"])
        self._rarities = {
            unit: min(math.log(1 + operations / (len(found) + 0.5)), rarest)
            for unit, found in self.postings.items()
        }
        self._phrases: list[tuple[int, float]] = []  # of which operation, and how much it says
        self._phrases_with: dict[str, list[int]] = defaultdict(list)
        for number, phrases in enumerate(index["phrases"]):
            for phrase in phrases:
                self._add_phrase(number, [units[unit] for unit in phrase])

    def _add_phrase(self, number: int, phrase: list[str]) -> None:
        for unit in phrase:
            self._phrases_with[unit].append(len(self._phrases))
        stems = [unit for unit in phrase if not unit.startswith("#")]
        self._phrases.append((number, sum(self._rarities[unit] + _FLOOR for unit in stems)))

    def match(self, one: Wanted) -> Match:
        """How rare a wanted thing is, and the operations that have it."""
        best: dict[int, float] = {}
        rarest = 0.0
        for unit, share in one:
            rarity = share * self._rarities[unit]
            rarest = max(rarest, rarity)
            for number, weight in self.postings[unit]:
                score = rarity * weight / (weight + self._half)
                if score > best.get(number, 0.0):
                    best[number] = score
        return Match(rarest, best)

    def covering(self, matches: Sequence[Match]) -> dict[int, float]:
        """The operations by their words.

        One that has most of the query's words beats one that has a few of them often.
        """
        scores: dict[int, float] = defaultdict(float)
        covered: dict[int, float] = defaultdict(float)
        total = sum(match.rarest for match in matches)
        for match in matches:
            for number, score in match.scores.items():
                scores[number] += score
                covered[number] += match.rarest
        return {n: score * (self._uncovered + covered[n] / total) for n, score in scores.items()}

    def likeness(self, wanted: tuple[Wanted, ...]) -> dict[int, float]:
        """How much the query is the same as one of an operation's phrases, 0 to 1.

        It is the share of what both say in what either says, rare words counting more: it tells a
        deletion of users from a deletion of what users have.
        """
        both: dict[int, float] = defaultdict(float)
        size = 0.0
        for one in wanted:
            best: dict[int, float] = {}
            for unit, share in one:
                worth = share * (self._rarities[unit] + _FLOOR)
                for phrase in self._phrases_with.get(unit, ()):
                    if worth > best.get(phrase, 0.0):
                        best[phrase] = worth
            size += max(share * (self._rarities[unit] + _FLOOR) for unit, share in one)
            for phrase, worth in best.items():
                both[phrase] += worth
        most: dict[int, float] = {}
        for phrase, same in both.items():
            number, length = self._phrases[phrase]
            like = same / max(length + size - same, same)
            if like > most.get(number, 0.0):
                most[number] = like
        return most
