"""Fit the search's model of phrasings to the records; with --check, say if it is out of date.

With --folds N it measures instead: phrasings that were left out of the fit are searched for.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from descope_mcp.catalog.build.phrasings import read_phrasings, read_unanswerable
from descope_mcp.catalog.catalog import Catalog, load
from descope_mcp.catalog.search import phrasing_model
from descope_mcp.catalog.search.words import Concepts, concepts

SPECS = Path(__file__).parents[1] / "tool_specs"
_FILE = SPECS / "search" / "phrasing_model.json"
#: Of each operation's weights so many are kept, the largest.
_KEPT = 350
#: How much a wrong answer counts against a large weight, by cross-validation.
_STRICTNESS = 0.3


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
    for name, operation in catalog.items():
        told = [name, operation.title, *operation.aliases]
        out += [Text(said, name, is_phrasing=False) for said in told]
        out += [Text(said, name, is_phrasing=True) for said in phrasings[name]]
    return out


def digest(given: Sequence[Text], catalog: Catalog) -> str:
    """A digest of what a fit depends on."""
    everything = json.dumps([given, dict(catalog.synonyms)], sort_keys=True, default=dict)
    return hashlib.blake2b(everything.encode(), digest_size=12).hexdigest()


def fit(given: Sequence[Text], known: Concepts, made_of: str) -> dict[str, Any]:
    """The model's file for these texts."""
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
    return phrasing_model.packed(operations, rarity, machine.intercept_, weights, made_of)


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
        _measure(catalog, given, known, options.folds)
        return 0
    _FILE.write_text(json.dumps(fit(given, known, made_of), indent=0) + "\n", encoding="utf-8")
    return 0


def _measure(catalog: Catalog, given: Sequence[Text], known: Concepts, folds: int) -> None:
    """How often a phrasing that was left out finds its operation."""
    from descope_mcp.catalog.search.ranking import Index

    first = five = asked = 0
    for fold in range(folds):
        left_out = [t for n, t in enumerate(given) if t.is_phrasing and n % folds == fold]
        rest = [t for n, t in enumerate(given) if not t.is_phrasing or n % folds != fold]
        index = Index(catalog, model=fit(rest, known, ""))
        for text in left_out:
            found = [operation.name for operation in index.search(text.said, limit=5)]
            first += found[:1] == [text.operation]
            five += text.operation in found
        asked += len(left_out)
        print(f"fold {fold + 1}: {first / asked:.1%} first, {five / asked:.1%} in five")


if __name__ == "__main__":
    sys.exit(main())
