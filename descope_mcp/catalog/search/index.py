"""The index that the search answers from, built when the catalog is compiled.

BM25F (Robertson and Zaragoza, 2009): every field of a record has a weight, and a word's weight in
an operation is the weighed count over the fields, divided by the length of its text.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from descope_mcp.catalog.search.words import Concepts, concepts, split

_B = 0.6
#: What a record's field counts. A name of a neighbour in a description counts nothing.
_WEIGHTS = {
    "title": 3.0,
    "aliases": 2.0,
    "name": 2.0,
    "description": 1.0,
    "toolset_title": 0.6,
    "path": 0.6,
    "places": 0.4,
    "answer_fields": 0.2,
}
_EXAMPLES = 1.0


def build(
    operations: Mapping[str, Mapping[str, Any]],
    titles: Mapping[str, str],
    synonyms: Mapping[str, Mapping[str, str]],
) -> dict[str, Any]:
    """The index of compiled operations.

    Args:
        operations: as in the compiled catalog.
        titles: of the toolsets, by name.
        synonyms: the content of ``synonyms.yaml``.

    Returns:
        ``{"units": [...], "postings": [...], "phrases": [...], "titles": [...], "facets": [...],
        "vocabulary": "..."}``.
        Postings are for each unit the numbers of the operations that have it, each followed by the
        weight there in hundredths. Phrases are for each operation the units, by number, of the
        title, of each alias and of each example; facets say what `Index` asks of an operation
        besides its words; the vocabulary has the words that a misspelt one may stand for.
    """
    known = concepts(synonyms)
    counts = {unit for said in synonyms["counts"].values() for unit in known.units(said)}
    names = re.compile(r"\b(?:" + "|".join(sorted(operations, key=len, reverse=True)) + r")\b")
    weighed = [_weigh(operation, titles, names, known) for operation in operations.values()]
    _add_examples(weighed, operations.values(), known)
    average = sum(sum(w.values()) for w in weighed) / len(weighed)
    postings: dict[str, list[int]] = defaultdict(list)
    for number, weights in enumerate(weighed):
        scale = 1 - _B + _B * sum(weights.values()) / average
        for word, weight in weights.items():
            postings[word] += [number, round(100 * weight / scale)]
    numbers = {unit: number for number, unit in enumerate(postings)}
    return {
        "units": [*postings],
        "postings": [*postings.values()],
        "phrases": [
            [
                sorted(numbers[u] for u in {*known.units(phrase)} - counts if u in numbers)
                for phrase in _phrases(o)
            ]
            for o in operations.values()
        ],
        "titles": [o["title"] for o in operations.values()],
        "facets": [_facets(o, synonyms, known) for o in operations.values()],
        "vocabulary": " ".join(_vocabulary(operations.values(), synonyms)),
    }


def _facets(
    operation: Mapping[str, Any], synonyms: Mapping[str, Mapping[str, str]], known: Concepts
) -> list[Any]:
    """Toolset, effect, plane, what the operation does (by its title and name), and its marks."""
    said = {unit[1:] for unit in known.units(operation["title"]) if unit.startswith("#")}
    begins = (operation["title"].split()[0], split(operation["name"])[0])
    first = {unit[1:] for word in begins for unit in known.units(word)}
    return [
        operation["toolset"],
        operation["effect"],
        operation["plane"],
        sorted(first & {*synonyms["actions"]}),
        sorted(said & {*synonyms["marks"], *synonyms["counts"]}),
    ]


def _vocabulary(
    operations: Iterable[Mapping[str, Any]], synonyms: Mapping[str, Mapping[str, str]]
) -> list[str]:
    """The words of the records, the most frequent first."""
    texts = [text for o in operations for text in (o["title"], o["name"], *o.get("aliases", ()))]
    texts += [f"{name} {said}" for group in synonyms.values() for name, said in group.items()]
    words = (word for text in texts for word in split(text) if len(word) > 2 and word.isalpha())
    counts = Counter(words)
    return sorted(counts, key=lambda word: (-counts[word], word))


def _weigh(
    operation: Mapping[str, Any],
    titles: Mapping[str, str],
    names: re.Pattern[str],
    known: Concepts,
) -> Counter[str]:
    texts = {**operation, "toolset_title": titles[operation["toolset"]]}
    texts["description"] = names.sub(" ", operation["description"])
    weights: Counter[str] = Counter()
    for field, weight in _WEIGHTS.items():
        value = texts.get(field, "")
        for unit in known.units(value if isinstance(value, str) else " . ".join(value)):
            weights[unit] += weight  # type: ignore[assignment]
    return weights


def _add_examples(
    weighed: list[Counter[str]], operations: Iterable[Mapping[str, Any]], known: Concepts
) -> None:
    """Add what the examples say, but for words that no record uses: they are scenery."""
    used = {unit for weights in weighed for unit in weights}
    for weights, operation in zip(weighed, operations, strict=True):
        for unit in known.units(" . ".join(_said(operation))):
            if unit in used:
                weights[unit] += _EXAMPLES  # type: ignore[assignment]


def _said(operation: Mapping[str, Any]) -> list[str]:
    """What people ask for in the operation's examples."""
    return [example["say"] for example in operation.get("examples", ())]


def _phrases(operation: Mapping[str, Any]) -> list[str]:
    """What a query may be like as a whole."""
    return [operation["title"], *operation.get("aliases", ()), *_said(operation)]
