"""The search finds the right operation; the bounds are what was measured, less a little.

`python -m benchmarks.retrieval` prints the same figures, by toolset and by kind of query.
"""

from __future__ import annotations

import pytest

from benchmarks.retrieval import Query, Score, own_queries, ranks, score
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.search.ranking import Index

#: First, and among the first five.
TUNED = (0.91, 0.98)
HELD_OUT = (0.81, 0.96)


@pytest.fixture(scope="module")
def index(catalog: Catalog) -> Index:
    return Index(catalog)


def _score(index: Index, queries: list[Query]) -> Score:
    return score(ranks(queries, lambda text: [o.name for o in index.search(text)]))


def test_queries_are_about_operations_and_many(catalog: Catalog) -> None:
    queries = own_queries()
    assert len(queries) >= 300
    assert {query.toolset for query in queries} == {t.name for t in catalog.toolsets}
    unknown = {name for query in queries for name in query.right if name not in catalog}
    assert not unknown


@pytest.mark.parametrize(("held_out", "bounds"), [(False, TUNED), (True, HELD_OUT)])
def test_the_right_operation_is_found(
    index: Index, held_out: bool, bounds: tuple[float, float]
) -> None:
    reached = _score(index, [q for q in own_queries() if q.held_out == held_out])
    assert reached.first >= bounds[0], reached
    assert reached.five >= bounds[1], reached


def test_no_toolset_is_neglected(index: Index) -> None:
    by_toolset: dict[str, list[Query]] = {}
    for query in own_queries():
        by_toolset.setdefault(query.toolset, []).append(query)
    poor = {t: s for t, qs in by_toolset.items() if (s := _score(index, qs)).five < 0.8}
    assert not poor
