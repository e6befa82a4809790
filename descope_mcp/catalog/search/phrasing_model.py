"""A linear model of how people ask for operations: what a text's words and letters speak for.

`scripts/train_search.py` fits it to the titles, aliases, examples and phrasings of the records (a
linear support vector machine, one against the rest) and writes
``tool_specs/search/phrasing_model.json``. It knows wordings that share no word with a record;
letters make it forgive misspellings.
"""

from __future__ import annotations

import base64
import math
import sys
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations, pairwise
from typing import Any, NamedTuple

from descope_mcp.catalog.search.words import Concepts, split, stem

#: The name, among the operations of the model, of what none of them does.
NOTHING = "-"
#: Lengths of the runs of letters.
_RUNS = (3, 4, 5)
#: Weights are kept in one byte each.
_STEPS = 127


def features(text: str, known: Concepts) -> tuple[Counter[str], ...]:
    """What the model sees of a text, block by block.

    Stems, concepts and two that follow each other; any two of them, wherever they stand; runs of
    letters in words.
    """
    units = [unit.replace(" ", "_") for unit in known.units(text)]
    pairs = (f"{one} {other}" for one, other in pairwise(units))
    letters = (
        padded[start : start + size]
        for padded in (f" {word} " for word in split(text))
        for size in _RUNS
        for start in range(max(1, len(padded) - size + 1))
    )
    both = (f"{one}&{other}" for one, other in combinations(sorted({*units}), 2))
    return Counter([*units, *pairs]), Counter(both), Counter(f"~{run}" for run in letters)


def weighed(found: Mapping[str, int], rarity: Mapping[str, float]) -> dict[str, float]:
    """The features that are known, each by how often and how rare, scaled to length 1."""
    values = {
        name: (1 + math.log(count)) * rarity[name]
        for name, count in found.items()
        if name in rarity
    }
    length = math.sqrt(sum(value * value for value in values.values())) or 1.0
    return {name: value / length for name, value in values.items()}


class Told(NamedTuple):
    """How much a text speaks for each operation, by number, and for none; 0 is a yes's border."""

    operations: dict[int, float]
    nothing: float


class PhrasingModel:
    """Says how much a text speaks for each operation.

    Args:
        data: the content of the file, see `packed`.
        names: of the operations, in their order.
    """

    def __init__(self, data: Mapping[str, Any], names: Sequence[str]) -> None:
        numbers = {name: number for number, name in enumerate(names)}
        self._numbers = [numbers.get(name) for name in data["operations"]]
        self._nothing: int = data["operations"].index(NOTHING)
        self._bias: list[float] = data["bias"]
        #: What the signals of a query count, see `confidence`.
        self.confidence: list[float] = data["confidence"]
        self._step = float(data["step"])
        self._operations = _unpacked("H", data["places"])
        self._weights = _unpacked("b", data["weights"])
        self._rarity: dict[str, float] = {}
        self._found: dict[str, tuple[int, int]] = {}
        start = 0
        rarities, sizes = _unpacked("H", data["rarity"]), _unpacked("H", data["sizes"])
        for name, rarity, size in zip(data["features"].split("\n"), rarities, sizes, strict=True):
            self._rarity[name] = rarity / 100
            self._found[name] = (start, start + size)
            start += size

    def has_seen(self, word: str) -> bool:
        """Whether the word was in any of the texts, those that no operation answers too."""
        return stem(word) in self._found

    def knows(self, word: str) -> bool:
        """Whether the word speaks for any operation."""
        start, end = self._found.get(stem(word), (0, 0))
        return any(
            weight > 0 and place != self._nothing
            for place, weight in zip(
                self._operations[start:end], self._weights[start:end], strict=True
            )
        )

    def scores(self, text: str, known: Concepts) -> Told:
        """How much `text` speaks for each operation, and for none of them."""
        scores = list(self._bias)
        for block in features(text, known):
            for name, value in weighed(block, self._rarity).items():
                start, end = self._found[name]
                value *= self._step
                for place, weight in zip(
                    self._operations[start:end], self._weights[start:end], strict=True
                ):
                    scores[place] += value * weight
        by_number = {
            number: score
            for number, score in zip(self._numbers, scores, strict=True)
            if number is not None
        }
        return Told(by_number, scores[self._nothing])


def packed(
    operations: list[str],
    rarity: Mapping[str, float],
    bias: Iterable[float],
    weights: Mapping[str, Mapping[int, float]],
    made_of: str,
    confidence: Iterable[float] = (),
) -> dict[str, Any]:
    """The content of the file.

    Args:
        operations: their names, in the order of the model.
        rarity: of each feature.
        bias: of each operation.
        weights: for each feature, by number of an operation.
        made_of: a digest of what the model was fitted to.
        confidence: what the signals of a query count.
    """
    names = sorted(name for name in weights if weights[name])
    largest = max(abs(w) for name in names for w in weights[name].values())
    step = largest / _STEPS
    rows = [
        {n: r for n, w in sorted(weights[name].items()) if (r := round(w / step))} for name in names
    ]
    kept = [(name, row) for name, row in zip(names, rows, strict=True) if row]
    return {
        "made_of": made_of,
        "operations": operations,
        "confidence": [round(weight, 3) for weight in confidence],
        "step": round(step, 6),
        "bias": [round(b, 3) for b in bias],
        "features": "\n".join(name for name, _ in kept),
        "rarity": _packed("H", [round(100 * rarity[name]) for name, _ in kept]),
        "sizes": _packed("H", [len(row) for _, row in kept]),
        "places": _packed("H", [n for _, row in kept for n in row]),
        "weights": _packed("b", [w for _, row in kept for w in row.values()]),
    }


def _packed(kind: str, numbers: list[int]) -> str:
    values = array(kind, numbers)
    if sys.byteorder == "big":
        values.byteswap()
    return base64.b64encode(values.tobytes()).decode()


def _unpacked(kind: str, text: str) -> array[int]:
    values: array[int] = array(kind, base64.b64decode(text))
    if sys.byteorder == "big":
        values.byteswap()
    return values
