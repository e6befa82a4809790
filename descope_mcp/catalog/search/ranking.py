"""Finding operations by words: BM25F over words and concepts, and what else the query says.

The things that a query looks for (`query_intent`) are compared with the index (`index`). What comes
out is weighed by how much of the query it covers, by how much the query is like a title, an alias
or an example, and by what shall be done, to how many, and who speaks. A model of how people ask
(`phrasing_model`) counts beside it, and a query that is a name or title (`titles`) comes first.
"""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.operation_record import Effect
from descope_mcp.catalog.search.phrasing_model import PhrasingModel, Told
from descope_mcp.catalog.search.query_intent import Query, Reader, Wanted
from descope_mcp.catalog.search.spelling import Spelling
from descope_mcp.catalog.search.titles import Titles
from descope_mcp.catalog.search.words import concepts


@dataclass(frozen=True, slots=True)
class Weights:
    """What counts how much; the values were chosen by cross-validation."""

    saturation: float = 3.0
    concept: float = 0.7  # a concept beside the word itself
    rarest: float = 4.0  # the most that a word counts for being rare
    part: float = 0.6  # a word of a phrase that means something as a whole
    uncovered: float = 0.3  # what is left of an operation that has none of the query's words
    likeness: float = 7.0  # a title, alias or example like the query
    action: float = 1.2
    other_action: float = 0.85
    unmarked: float = 0.7  # an operation with a mark that the query does not have
    marked: float = 1.3  # one with a mark that the query has
    other_mark: float = 0.65  # one without a mark that the query has
    end_user: float = 0.75  # an operation of the sign-in of users, unless the query speaks as one
    # Whether anything fits: chosen by regression on queries with and without an answer.
    sure_model: float = 3.7
    sure_nothing: float = 3.5
    sure_covered: float = 4.8
    sure_like: float = 1.8
    sure: float = 4.1
    words: float = 0.65  # what is known of the words beside the model of phrasings


_WEIGHTS = Weights()
#: What an operation counts that has none of the query's words, beside the best by words.
_LEAST = 1e-3
#: How many operations are looked at closely.
_LOOKED_AT = 120
#: What any word counts in a likeness beside its rarity.
_FLOOR = 0.5


class Found(NamedTuple):
    """What a search found; `fits` says whether the first is likely to be what was asked for."""

    operations: tuple[Operation, ...]
    fits: bool


class _Match(NamedTuple):
    """How rare a wanted thing is, and what it counts for each operation that has it."""

    rarest: float
    scores: dict[int, float]


class _Facets(NamedTuple):
    """What is asked of an operation besides its words."""

    toolset: str
    effect: str
    plane: str
    actions: frozenset[str]
    marks: frozenset[str]


class Index:
    """Answers queries from the index in the compiled catalog."""

    def __init__(
        self,
        catalog: Catalog,
        weights: Weights = _WEIGHTS,
        model: Mapping[str, Any] | None = None,
    ) -> None:
        """Args: `catalog` to search in; `model` instead of the one that belongs to it."""
        self._catalog = catalog
        self._weights = weights
        self._names = list(catalog)
        index = catalog.index
        units: list[str] = index["units"]
        self._postings: dict[str, list[tuple[int, int]]] = {
            unit: list(zip(found[::2], found[1::2], strict=True))
            for unit, found in zip(units, index["postings"], strict=True)
        }
        self._rarities = {unit: self._rarity(len(found)) for unit, found in self._postings.items()}
        self._facets = [
            _Facets(toolset, effect, plane, frozenset(actions), frozenset(marks))
            for toolset, effect, plane, actions, marks in index["facets"]
        ]
        self._phrases: list[tuple[int, float]] = []  # of which operation, and how much it says
        self._phrases_with: dict[str, list[int]] = defaultdict(list)
        for number, phrases in enumerate(index["phrases"]):
            for phrase in phrases:
                self._add_phrase(number, [units[unit] for unit in phrase])
        self._vocabulary: str = index["vocabulary"]
        self._concepts = concepts(catalog.synonyms)
        self._model = PhrasingModel(model or catalog.phrasings, self._names)
        self._titles = Titles(index["titles"], self._names)
        self._reader = Reader(
            catalog.synonyms,
            self._postings,
            lambda word: self._spelling.correct(word),
            concept=weights.concept,
            part=weights.part,
        )

    def _add_phrase(self, number: int, phrase: list[str]) -> None:
        for unit in phrase:
            self._phrases_with[unit].append(len(self._phrases))
        stems = [unit for unit in phrase if not unit.startswith("#")]
        self._phrases.append((number, sum(self._rarities[unit] + _FLOOR for unit in stems)))

    def _rarity(self, count: int) -> float:
        """What a unit counts that `count` operations have."""
        return min(math.log(1 + len(self._names) / (count + 0.5)), self._weights.rarest)

    @cached_property
    def _spelling(self) -> Spelling:
        # The first misspelt word pays for it.
        return Spelling(self._vocabulary.split())

    def search(
        self, text: str, *, toolset: str = "", effect: Effect | None = None, limit: int = 6
    ) -> list[Operation]:
        """The operations that fit `text` best, best first."""
        return list(self.find(text, toolset=toolset, effect=effect, limit=limit).operations)

    def find(
        self, text: str, *, toolset: str = "", effect: Effect | None = None, limit: int = 6
    ) -> Found:
        """The operations that fit `text` best, best first, and whether any fits well."""
        query = self._reader.read(text)
        told = self._model.scores(text, self._concepts)
        matches = [self._matches(one) for one in query.wanted]
        likeness = self._likeness(query.wanted)
        scores = self._together(self._by_words(query, matches, likeness), told)
        named = self._titles.named(text)
        scores |= dict.fromkeys(named, math.inf)
        best = sorted(scores, key=lambda number: (-scores[number], number))
        suitable = (
            self._catalog[self._names[number]]
            for number in best
            if toolset in ("", self._facets[number].toolset)
            and effect in (None, self._facets[number].effect)
        )
        fits = bool(named) or self._sure(query, told, matches, best[0], likeness) > 0
        return Found(tuple(islice(suitable, limit)), fits)

    def about(self, text: str, operation: Operation) -> Callable[[str], int]:
        """Counts what a text, as an argument's name, has in common with a query.

        What the operation's title says is said of all its arguments.
        """
        asked = self._reader.units(text) - {*self._concepts.units(operation.title)}
        return lambda said: len(asked.intersection(self._concepts.units(said)))

    def _by_words(
        self, query: Query, matches: Sequence[_Match], likeness: Mapping[int, float]
    ) -> dict[int, float]:
        scores = self._covering(matches)
        for number in heapq.nlargest(_LOOKED_AT, scores, key=scores.__getitem__):
            alike = 1 + self._weights.likeness * likeness.get(number, 0.0)
            scores[number] *= alike * self._suits(self._facets[number], query)
        return scores

    def _sure(
        self,
        query: Query,
        told: Told,
        matches: Sequence[_Match],
        best: int,
        likeness: Mapping[int, float],
    ) -> float:
        """How sure it is that the best operation is what was asked for; above 0: it is.

        The model has learned what no operation does; beside it counts how much of the query the
        operation covers, words that nobody knows included, and how like it is to a phrase of it.
        """
        given = self._weights
        if not matches:
            return -math.inf
        unknown = sum(not self._model.knows(word) for word in query.unknown)
        said = sum(match.rarest for match in matches) + given.rarest * unknown
        covered = sum(match.rarest for match in matches if best in match.scores)
        return (
            given.sure_model * (told.operations[best] - told.nothing)
            - given.sure_nothing * told.nothing
            + given.sure_covered * covered / (said or 1.0)
            + given.sure_like * likeness.get(best, 0.0)
            - given.sure
        )

    def _together(self, scores: Mapping[int, float], told: Told) -> dict[int, float]:
        """What the model says, and beside it how far an operation is from the best by words."""
        best = max(scores.values(), default=0.0) or 1.0
        share = self._weights.words
        return {
            number: said + share * math.log(max(scores.get(number, 0.0) / best, _LEAST))
            for number, said in told.operations.items()
        }

    def _covering(self, matches: Sequence[_Match]) -> dict[int, float]:
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
        least = self._weights.uncovered
        return {n: score * (least + covered[n] / total) for n, score in scores.items()}

    def _matches(self, one: Wanted) -> _Match:
        """How rare a wanted thing is, and the operations that have it."""
        best: dict[int, float] = {}
        rarest = 0.0
        # The index has weights in hundredths.
        half = 100 * self._weights.saturation
        for unit, share in one:
            rarity = share * self._rarities[unit]
            rarest = max(rarest, rarity)
            for number, weight in self._postings[unit]:
                score = rarity * weight / (weight + half)
                if score > best.get(number, 0.0):
                    best[number] = score
        return _Match(rarest, best)

    def _likeness(self, wanted: tuple[Wanted, ...]) -> dict[int, float]:
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

    def _suits(self, facets: _Facets, query: Query) -> float:
        """How well an operation suits what the query says besides its words."""
        given = self._weights
        factor = given.action if query.actions & facets.actions else given.other_action
        if query.marks or facets.marks:
            factor *= given.marked ** len(facets.marks & query.marks)
            factor *= given.unmarked ** len(facets.marks - query.marks)
            factor *= given.other_mark ** len(query.marks - facets.marks)
        if facets.plane == "end_user" and not query.as_user:
            factor *= given.end_user
        return factor
