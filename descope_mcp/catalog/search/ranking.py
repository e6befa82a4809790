"""Finding operations by words, and by what else the query says.

The things that a query looks for (`query_intent`) are compared with the index (`word_scores`). What
comes out is weighed by how much of the query it covers, by how like the query is to a title, an
alias or an example, and by what shall be done, to how many, and who speaks. A model of how people
ask (`phrasing_model`) counts beside it, and a query that is a name or title (`titles`) comes first.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.operation_record.effect import Effect
from descope_mcp.catalog.search.confidence import Signals, sure
from descope_mcp.catalog.search.phrasing_model import PhrasingModel, Told
from descope_mcp.catalog.search.query_intent import Query, Reader
from descope_mcp.catalog.search.spelling import Spelling
from descope_mcp.catalog.search.titles import Titles
from descope_mcp.catalog.search.word_scores import Match, WordScores
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
    denied: float = 0.5  # how far one goes back that the policy denies
    old: float = 0.2  # and an old version that is not asked for
    not_as_user: float = 0.1  # and one of the sign-in of users, unless the query speaks as one
    words: float = 0.65  # what is known of the words beside the model of phrasings


_WEIGHTS = Weights()
#: What an operation counts that has none of the query's words, beside the best by words.
_LEAST = 1e-3
#: How many operations are looked at closely.
_LOOKED_AT = 120
#: The mark of a former version.
_OLD = "old"
#: So many of the best are asked whether they are of one toolset.
_NEXT = 6


class Found(NamedTuple):
    """What a search found; `fits` says whether the first is likely to be what was asked for."""

    operations: tuple[Operation, ...]
    fits: bool


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
        self._names = [*catalog, *catalog.reports]
        index = catalog.index
        self._words = WordScores(
            index,
            saturation=weights.saturation,
            rarest=weights.rarest,
            uncovered=weights.uncovered,
        )
        self._facets = [
            _Facets(toolset, effect, plane, frozenset(actions), frozenset(marks))
            for toolset, effect, plane, actions, marks in index["facets"]
        ]
        self._old = [n for n, facets in enumerate(self._facets) if _OLD in facets.marks]
        self._end_user = [n for n, f in enumerate(self._facets) if f.plane == "end_user"]
        self._numbers = {name: number for number, name in enumerate(self._names)}
        self._vocabulary: str = index["vocabulary"]
        self._concepts = concepts(catalog.synonyms)
        self._model = PhrasingModel(model or catalog.phrasings, self._names)
        self._titles = Titles(index["titles"], self._names)
        self._reader = Reader(
            catalog.synonyms,
            self._words.postings,
            lambda word: self._spelling.correct(word),
            concept=weights.concept,
            part=weights.part,
        )

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
        self,
        text: str,
        *,
        toolset: str = "",
        effect: Effect | None = None,
        limit: int = 6,
        denied: Collection[str] = (),
    ) -> Found:
        """The operations that fit `text` best, best first, and whether any fits well.

        Those that are `denied` stand back, unless the text names them. Of several wishes the best
        of each stands before what fits the whole second best.
        """
        best, signals = self.judged(text, denied)
        named = self._titles.named(text)
        wished = self._wished(text, denied)
        suitable = (
            self._catalog[self._names[number]]
            for number in dict.fromkeys([*named, *best[:1], *wished, *best])
            if toolset in ("", self._facets[number].toolset)
            and effect in (None, self._facets[number].effect)
        )
        fits = bool(named) or (signals is not None and sure(signals, self._model.confidence) > 0)
        return Found(tuple(islice(suitable, limit)), fits)

    def judged(self, text: str, denied: Collection[str] = ()) -> tuple[list[int], Signals | None]:
        """All operations by number, best first, and what says whether the first fits.

        There are no signals where nothing is known of any word.
        """
        query = self._reader.read(text)
        told = self._model.scores(text, self._concepts)
        matches = [self._words.match(one) for one in query.wanted]
        likeness = self._words.likeness(query.wanted)
        scores = self._together(self._by_words(query, matches, likeness), told)
        self._set_back(scores, query, denied)
        best = sorted(scores, key=lambda number: (-scores[number], number))
        return best, self._signals(query, told, matches, best, likeness) if matches else None

    def _wished(self, text: str, denied: Collection[str]) -> list[int]:
        """What fits each of the wishes of a text best; nothing where it has only one."""
        found = []
        for wish in self._reader.wishes(text):
            best, signals = self.judged(wish, denied)
            fits = signals is not None and sure(signals, self._model.confidence) > 0
            found += self._titles.named(wish)[:1] or (best[:1] if fits else [])
        return found

    def about(self, text: str, operation: Operation) -> Callable[[str], int]:
        """Counts what a text, as an argument's name, has in common with a query.

        What the operation's title says is said of all its arguments.
        """
        asked = self._reader.units(text) - {*self._concepts.units(operation.title)}
        return lambda said: len(asked.intersection(self._concepts.units(said)))

    def _by_words(
        self, query: Query, matches: Sequence[Match], likeness: Mapping[int, float]
    ) -> dict[int, float]:
        scores = self._words.covering(matches)
        for number in heapq.nlargest(_LOOKED_AT, scores, key=scores.__getitem__):
            alike = 1 + self._weights.likeness * likeness.get(number, 0.0)
            scores[number] *= alike * self._suits(self._facets[number], query)
        return scores

    def _signals(
        self,
        query: Query,
        told: Told,
        matches: Sequence[Match],
        best: Sequence[int],
        likeness: Mapping[int, float],
    ) -> Signals:
        """What says whether the first of the best operations is what was asked for."""
        first, toolset = best[0], self._facets[best[0]].toolset
        strange = [word for word in query.words if not self._model.knows(word)]
        misspelt = [
            word
            for word in strange
            if not self._model.has_seen(word)
            and any(map(self._model.knows, query.misspelt.get(word, ())))
        ]
        words = len(query.words) or 1
        unknown = sum(not self._model.knows(word) for word in query.unknown)
        asked = sum(match.rarest for match in matches) + self._weights.rarest * unknown
        covered = sum(m.rarest for m in matches if first in m.scores) / (asked or 1.0)
        return Signals(
            margin=told.operations[first] - told.nothing,
            nothing=told.nothing,
            covered=covered,
            like=covered * likeness.get(first, 0.0),
            agreement=sum(self._facets[n].toolset == toolset for n in best[1:_NEXT]) / (_NEXT - 1),
            misspelt=len(misspelt) / words,
            strangers=(len(strange) - len(misspelt)) / words,
        )

    def _together(self, scores: Mapping[int, float], told: Told) -> dict[int, float]:
        """What the model says, and beside it how far an operation is from the best by words."""
        best = max(scores.values(), default=0.0) or 1.0
        share = self._weights.words
        return {
            number: said + share * math.log(max(scores.get(number, 0.0) / best, _LEAST))
            for number, said in told.operations.items()
        }

    def _set_back(self, scores: dict[int, float], query: Query, denied: Collection[str]) -> None:
        """Lower what hardly anybody means who does not say so."""
        given = self._weights
        if _OLD not in query.marks:
            for number in self._old:
                scores[number] -= given.old
        if not query.as_user:
            for number in self._end_user:
                scores[number] -= given.not_as_user
        for name in denied:
            scores[self._numbers[name]] -= given.denied

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
