"""The search finds the right operation; the bounds are what was measured, less a little.

`python -m benchmarks.retrieval` prints the same figures, by toolset and by kind of query.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks.retrieval import Query, Score, own_queries, ranks, score
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.search.ranking import Index

#: First, and among the first five.
TUNED = (0.95, 0.99)
HELD_OUT = (0.925, 0.985)
#: Of what nothing answers: of the half that is tuned on, and of the other.
TOLD = (0.9, 0.7)
#: What people ask that a report answers, none of it what its record says.
REPORTS = [
    ("which accounts are Tenant Admin somewhere", "FindRoleHolders"),
    ("list all people and keys that can read the billing data", "FindRoleHolders"),
    ("grace cannot get in, what is wrong with her account", "ReviewUser"),
    ("tell me all there is to know about one user", "ReviewUser"),
    ("an employee quits on Friday, what hangs on her account", "ReviewDeparture"),
    ("is anything left without an owner once I remove him", "ReviewDeparture"),
    ("prepare the yearly access review of an organization", "ReviewTenantAccess"),
    ("everybody with access to Globex and what they may do there", "ReviewTenantAccess"),
]


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


def test_reports_are_found_by_what_people_ask(index: Index) -> None:
    found = [report in [o.name for o in index.search(asked, limit=3)] for asked, report in REPORTS]
    assert sum(found) >= 6, found


def _read(name: str) -> list[Any]:
    return list(yaml.safe_load((Path(__file__).parent / name).read_text(encoding="utf-8")))


def test_every_one_of_several_wishes_is_answered(index: Index) -> None:
    wishes = missed = 0
    for text, *wanted in _read("several.yaml"):
        found = {operation.name for operation in index.search(text)}
        wishes += len(wanted)
        missed += sum(not found & set(" ".join(names).split()) for names in wanted)
    assert missed <= 0.03 * wishes


@pytest.mark.parametrize("half", [0, 1], ids=["tuned", "held out"])
def test_what_nothing_answers_is_told(index: Index, half: int) -> None:
    """Most of what no operation does is told, and hardly ever of what one does."""
    unanswerable = _read("unanswerable.yaml")[half::2]
    told = sum(not index.find(text).fits for text in unanswerable)
    assert told >= TOLD[half] * len(unanswerable)
    answered = [query.text for query in own_queries() if query.held_out == bool(half)]
    assert sum(not index.find(text).fits for text in answered) <= 0.02 * len(answered)


def test_a_title_is_found_in_any_order_of_its_words(index: Index, catalog: Catalog) -> None:
    for operation in catalog.values():
        assert index.search(operation.title)[0] == operation
    assert [operation.name for operation in index.search("users delete", limit=1)] == [
        "DeleteUsers"
    ]
    assert index.search("user, delete")[0].name == "DeleteUser"


@pytest.mark.parametrize(
    ("typed", "meant"), [("laod a user", "LoadUser"), ("dleete rol", "DeleteRole")]
)
def test_letters_that_changed_places_are_put_back(index: Index, typed: str, meant: str) -> None:
    assert index.search(typed)[0].name == meant


def test_no_toolset_is_neglected(index: Index) -> None:
    by_toolset: dict[str, list[Query]] = {}
    for query in own_queries():
        by_toolset.setdefault(query.toolset, []).append(query)
    poor = {t: s for t, qs in by_toolset.items() if (s := _score(index, qs)).five < 0.8}
    assert not poor
