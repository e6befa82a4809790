"""Fit the search's model of phrasings to the records; with --check, say if it is out of date.

What tells whether anything fits a query is weighed on texts that were left out of the fit. With
--folds N it measures instead: phrasings that were left out are searched for, and what no operation
does is asked for.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from descope_mcp.catalog.build.phrasings import read_phrasings, read_unanswerable
from descope_mcp.catalog.catalog import Catalog, load
from descope_mcp.catalog.reports.report import Report
from descope_mcp.catalog.search import phrasing_model
from descope_mcp.catalog.search.confidence import Signals, sure
from descope_mcp.catalog.search.ranking import Index
from descope_mcp.catalog.search.words import Concepts, concepts

SPECS = Path(__file__).parents[1] / "tool_specs"
_FILE = SPECS / "search" / "phrasing_model.json"
#: Of each operation's weights so many are kept, the largest.
_KEPT = 500
#: How much a wrong answer counts against a large weight, by cross-validation.
_STRICTNESS = 1.0
#: Into so many parts the texts are cut to weigh the signals.
_FOLDS = 4
#: Longer words than this are misspelt sometimes.
_LONG = 4
#: The share of phrasings of which it may be said that nothing fits.
_WRONGLY = 0.002
#: By so much more a text has to come to: so much that not quite 2 % of the queries that are tuned
#: on are told wrongly that nothing fits.
_CAUTION = 1.0


class Text(NamedTuple):
    """Something that is said of an operation or asked for it."""

    said: str
    operation: str
    is_phrasing: bool


def texts(catalog: Catalog) -> list[Text]:
    """What the model is fitted to."""
    phrasings = read_phrasings(SPECS)
    nothing = phrasing_model.NOTHING
    out = [Text(said, nothing, is_phrasing=False) for said in read_unanswerable(SPECS)]
    for name in (*catalog, *catalog.reports):
        operation = catalog[name]
        said = (example.say for example in operation.examples)
        told = [name, operation.title, *operation.aliases, *said, operation.description]
        asked = operation.asked if isinstance(operation, Report) else phrasings[name]
        out += [Text(text, name, is_phrasing=False) for text in told]
        out += [Text(text, name, is_phrasing=True) for text in asked]
    return out


def digest(given: Sequence[Text], catalog: Catalog) -> str:
    """A digest of what a fit depends on."""
    everything = json.dumps([given, dict(catalog.synonyms)], sort_keys=True, default=dict)
    return hashlib.blake2b(everything.encode(), digest_size=12).hexdigest()


def fit(
    given: Sequence[Text], known: Concepts, made_of: str, confidence: Sequence[float] = ()
) -> dict[str, Any]:
    """The model's file for these texts; `confidence` are the weights of the signals."""
    import numpy as np
    from scipy.sparse import csr_matrix
    from sklearn.svm import LinearSVC

    seen = [phrasing_model.features(text.said, known) for text in given]
    spread = Counter(name for blocks in seen for block in blocks for name in block)
    rarity = {n: math.log((1 + len(given)) / (1 + c)) + 1 for n, c in spread.items()}
    names = {name: number for number, name in enumerate(sorted(rarity))}
    rows, columns, values = [], [], []
    for row, blocks in enumerate(seen):
        for block in blocks:
            for name, value in phrasing_model.weighed(block, rarity).items():
                rows.append(row)
                columns.append(names[name])
                values.append(value)
    matrix = csr_matrix((values, (rows, columns)), shape=(len(given), len(names)))
    machine = LinearSVC(C=_STRICTNESS, random_state=0)
    machine.fit(matrix, [text.operation for text in given])
    by_number = list(names)
    weights: dict[str, dict[int, float]] = defaultdict(dict)
    for number, row in enumerate(machine.coef_):
        for column in np.argsort(-np.abs(row))[:_KEPT]:
            weights[by_number[column]][number] = float(row[column])
    operations = [str(name) for name in machine.classes_]
    return phrasing_model.packed(
        operations, rarity, machine.intercept_, weights, made_of, confidence
    )


@dataclass
class Judged:
    """What was found for texts that were left out of the fit.

    ``signals`` are those of a text, and whether an operation does what it says; ``places`` those of
    the right operations, 0 the first.
    """

    signals: list[tuple[Signals, bool]] = field(default_factory=list)
    places: list[int] = field(default_factory=list)


def left_out(
    catalog: Catalog, given: Sequence[Text], known: Concepts, folds: int
) -> Iterator[Judged]:
    """For each part of the texts what a model finds that was fitted to the others."""
    nothing = phrasing_model.NOTHING
    unseen = [text.is_phrasing or text.operation == nothing for text in given]
    numbers = {name: number for number, name in enumerate((*catalog, *catalog.reports))}
    for fold in range(folds):
        out = [t for n, t in enumerate(given) if unseen[n] and n % folds == fold]
        rest = [t for n, t in enumerate(given) if not (unseen[n] and n % folds == fold)]
        index = Index(catalog, model=fit(rest, known, ""))
        judged = Judged()
        slips = random.Random(fold)
        for text in out:
            best, signals = index.judged(text.said)
            if text.is_phrasing:
                judged.places.append(best.index(numbers[text.operation]))
            _, slipped = index.judged(_with_slip(text.said, slips))
            fits = text.is_phrasing
            judged.signals += [(one, fits) for one in (signals, slipped) if one is not None]
        yield judged


def _with_slip(text: str, slips: random.Random) -> str:
    """A text with two letters of a long word in the wrong order, as people type."""
    words = text.split()
    long = [number for number, word in enumerate(words) if len(word) > _LONG]
    if not long:
        return text
    number = slips.choice(long)
    word, at = words[number], slips.randrange(1, len(words[number]) - 1)
    words[number] = f"{word[:at]}{word[at + 1]}{word[at]}{word[at + 2 :]}"
    return " ".join(words)


def weigh(judged: Sequence[tuple[Signals, bool]]) -> list[float]:
    """What each signal counts, and what a text has to come to (`confidence.sure`)."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    machine = LogisticRegression(class_weight="balanced", max_iter=1000)
    machine.fit([signals for signals, _ in judged], [fits for _, fits in judged])
    weights = [float(weight) for weight in machine.coef_[0]]
    reached = [sure(signals, [*weights, 0.0]) for signals, fits in judged if fits]
    return [*weights, -float(np.quantile(reached, _WRONGLY)) - _CAUTION]


def main() -> int:
    """Fit, check or measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--folds", type=int, default=0)
    options = parser.parse_args()
    catalog = load()
    given = texts(catalog)
    made_of = digest(given, catalog)
    if options.check:
        if catalog.phrasings["made_of"] == made_of:
            return 0
        print("the model of phrasings is stale: run .venv/bin/python scripts/train_search.py")
        return 1
    known = concepts(catalog.synonyms)
    if options.folds:
        _measure(list(left_out(catalog, given, known, options.folds)))
        return 0
    folds = left_out(catalog, given, known, _FOLDS)
    confidence = weigh([one for judged in folds for one in judged.signals])
    model = fit(given, known, made_of, confidence)
    _FILE.write_text(json.dumps(model, indent=0) + "\n", encoding="utf-8")
    return 0


def _measure(folds: Sequence[Judged]) -> None:
    """How often the right operation is found, and how often it is told that there is none.

    The signals of each part are weighed by those of the others.
    """
    places = [place for judged in folds for place in judged.places]
    told = wrongly = 0
    for judged in folds:
        weights = weigh([one for other in folds if other is not judged for one in other.signals])
        unsure = [fits for signals, fits in judged.signals if sure(signals, weights) <= 0]
        wrongly += sum(unsure)
        told += len(unsure) - sum(unsure)
    fits = [fits for judged in folds for _, fits in judged.signals]
    nothing, something = fits.count(False), fits.count(True)
    print(f"{sum(p == 0 for p in places) / len(places):.1%} first")
    print(f"{sum(p < 5 for p in places) / len(places):.1%} in five")
    print(f"{told / nothing:.1%} of what nothing does told, {wrongly / something:.1%} wrongly")


if __name__ == "__main__":
    sys.exit(main())
