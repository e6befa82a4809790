"""Finding operations by words: BM25F over the fields of the records.

The index is built when the catalog is compiled; a query costs about a millisecond. The weights of
the fields and the constants of BM25 (Robertson and Zaragoza, 2009) are the only tuning.
"""

from __future__ import annotations

import difflib
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.record import Effect

_K1 = 1.2
_B = 0.75
#: What a synonym counts beside the word itself, and a query's half beside the whole of it.
_SYNONYM = 0.6
_PART = 0.15
#: What a title or alias like the query counts, and how many operations are compared with it.
_PHRASE = 4.0
_LOOKED_AT = 80
#: What a record's field counts. A name of a neighbour in a description counts nothing.
_WEIGHTS = {
    "title": 3.0,
    "aliases": 2.0,
    "name": 2.0,
    "description": 1.2,
    "toolset_title": 0.8,
    "path": 0.5,
    "places": 0.4,
    "answer_fields": 0.2,
}
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SIGN = re.compile(r"\b[Ss]ign[- ]?(in|up|out)|[Ss]ign(In|Up|Out)")
_STOP = frozenset(
    re.findall(
        r"\w+",
        "a an and are as at be been by can could do does for from has have how i if in into is it "
        "its just me my need not now of on or other our please same should so some than that the "
        "their them then they this to us want was we were what when which who will with would "
        "you your",
    )
)


def words(text: str) -> Iterator[str]:
    """The stems of a text's words, CamelCase split, without the words that say nothing."""
    joined = _SIGN.sub(lambda m: f" sign{(m[1] or m[2]).lower()} ", text)
    for match in _WORD.findall(joined):
        word = match.lower()
        if word not in _STOP:
            yield _stem(word)


@cache
def _stemmer() -> Any:
    # Its many languages take a while to import; only a search pays for that.
    import snowballstemmer

    return snowballstemmer.stemmer("english")


# Bounded by the words of the catalog and of the queries of one process.
@cache
def _stem(word: str) -> str:
    return str(_stemmer().stemWord(word))


def build(operations: Mapping[str, Mapping[str, Any]], titles: Mapping[str, str]) -> dict[str, Any]:
    """The inverted index of compiled operations.

    Args:
        operations: as in the compiled catalog.
        titles: of the toolsets, by name.

    Returns:
        ``{"postings": {word: [[number of the operation, weight], ...]}, "phrases": [...]}``. A
        weight is already divided by how long the operation's text is beside the average; phrases
        are the words of the title and of each alias, by operation.
    """
    known = re.compile(r"\b(?:" + "|".join(sorted(operations, key=len, reverse=True)) + r")\b")
    weighed = [_weigh(operation, titles, known) for operation in operations.values()]
    average = sum(sum(w.values()) for w in weighed) / len(weighed)
    postings: dict[str, list[list[float]]] = defaultdict(list)
    for number, weights in enumerate(weighed):
        scale = 1 - _B + _B * sum(weights.values()) / average
        for word, weight in weights.items():
            postings[word].append([number, round(weight / scale, 3)])
    return {
        "postings": dict(postings),
        "phrases": [
            [sorted(set(words(phrase))) for phrase in (o["title"], *o.get("aliases", ()))]
            for o in operations.values()
        ],
    }


def _weigh(
    operation: Mapping[str, Any], titles: Mapping[str, str], known: re.Pattern[str]
) -> Counter[str]:
    texts = {**operation, "toolset_title": titles[operation["toolset"]]}
    texts["description"] = known.sub(" ", operation["description"])
    weights: Counter[str] = Counter()
    for field, weight in _WEIGHTS.items():
        value = texts.get(field, "")
        for word in words(value if isinstance(value, str) else " ".join(value)):
            weights[word] += weight  # type: ignore[assignment]
    return weights


class Index:
    """Answers queries from the index in the compiled catalog."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._names = list(catalog)
        index = catalog.index
        self._postings: Mapping[str, list[tuple[int, float]]] = index["postings"]
        self._phrases: list[list[list[str]]] = index["phrases"]
        self._synonyms = {
            next(words(word)): [stem for other in others for stem in words(other)]
            for word, others in catalog.synonyms.items()
        }

    def search(
        self, query: str, *, toolset: str = "", effect: Effect | None = None, limit: int = 6
    ) -> list[Operation]:
        """The operations that fit `query` best, best first; none if no word is known."""
        scores: dict[int, float] = defaultdict(float)
        covered: dict[int, float] = defaultdict(float)
        total = 0.0
        for word in self._known(query):
            best_of: dict[int, float] = {}
            rarest = 0.0
            for alike, share in self._alike(word):
                postings = self._postings[alike]
                rarity = math.log(1 + len(self._names) / (len(postings) + 0.5))
                rarest = max(rarest, rarity * share)
                for number, weight in postings:
                    score = share * rarity * weight * (_K1 + 1) / (weight + _K1)
                    best_of[int(number)] = max(best_of.get(int(number), 0.0), score)
            total += rarest
            for number, score in best_of.items():
                scores[number] += score
                covered[number] += rarest
        # An operation that has most of the query's words beats one that has a few of them often.
        ranked = {n: score * (_PART + covered[n] / total) for n, score in scores.items()}
        asked = {alike: share for w in self._known(query) for alike, share in self._alike(w)}
        for number in sorted(ranked, key=ranked.__getitem__, reverse=True)[:_LOOKED_AT]:
            ranked[number] *= 1 + _PHRASE * self._likeness(number, asked)
        best = sorted(ranked, key=lambda number: (-ranked[number], number))
        found = (self._catalog[self._names[number]] for number in best)
        fits = (o for o in found if toolset in ("", o.toolset) and effect in (None, o.effect))
        return [operation for operation, _ in zip(fits, range(limit), strict=False)]

    def _likeness(self, number: int, asked: Mapping[str, float]) -> float:
        """How much the query and the operation's title, or one of its aliases, are the same.

        The share of words that both have among the words that either has, 0 to 1: it tells a
        deletion of one from a deletion of several.
        """
        most = 0.0
        size = len([share for share in asked.values() if share == 1.0])
        for phrase in self._phrases[number]:
            both = sum(asked.get(word, 0.0) for word in phrase)
            most = max(most, both / max(len(phrase) + size - both, 1.0))
        return most

    def _alike(self, word: str) -> Iterable[tuple[str, float]]:
        """A word of the index with its synonyms, and what each counts."""
        if word in self._postings:
            yield word, 1.0
        for other in self._synonyms.get(word, ()):
            if other in self._postings:
                yield other, _SYNONYM

    def _known(self, query: str) -> Iterable[str]:
        """The query's words that the index knows, once each; a misspelt one is corrected."""
        for word in dict.fromkeys(words(query)):
            if word in self._postings or word in self._synonyms:
                yield word
            elif len(word) > 3:
                alike = [known for known in self._postings if known[0] == word[0]]
                yield from difflib.get_close_matches(word, alike, n=1, cutoff=0.78)
