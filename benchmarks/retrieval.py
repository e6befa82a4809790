"""Retrieval: does the search find the right operation, beside plain BM25 on the contract's texts.

The baseline knows of each operation its id, its path and the names of its arguments, and with
``--contract FILE`` the texts of that OpenAPI document. Queries are those of
``tests/catalog/search/queries.yaml``, or of ``--queries FILE``: JSON lines with ``q`` (the query),
``ops`` (the right operations, as names or as ``method path``) and ``kind``.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from descope_mcp.api.client import Client
from descope_mcp.api.credentials import Credentials
from descope_mcp.call.services import Services
from descope_mcp.catalog.catalog import Catalog, load
from descope_mcp.catalog.search.ranking import Index
from descope_mcp.catalog.search.words import words
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.server.surface.catalog_tools import Hub
from descope_mcp.store.store import Store

_ROOT = Path(__file__).parents[1]
_OWN = _ROOT / "tests" / "catalog" / "search" / "queries.yaml"
_DEPTH = 20


class Query(NamedTuple):
    """What somebody types, with the operations of which any is right."""

    kind: str
    text: str
    right: frozenset[str]
    toolset: str
    held_out: bool


class Score(NamedTuple):
    """Shares of queries with a right operation first, in three, in five; the mean of 1/rank."""

    queries: int
    first: float
    three: float
    five: float
    reciprocal: float


Search = Callable[[str], Sequence[str]]


def own_queries() -> list[Query]:
    """The project's queries; every second one of a toolset is held out from tuning."""
    parts: Mapping[str, list[list[str]]] = yaml.safe_load(_OWN.read_text(encoding="utf-8"))
    return [
        Query(kind, text, frozenset(right.split()), toolset, held_out=number % 2 == 1)
        for toolset, queries in parts.items()
        for number, (kind, text, right) in enumerate(queries)
    ]


def read_queries(path: Path, catalog: Catalog) -> list[Query]:
    """The queries of a file of JSON lines."""
    by_endpoint = {f"{o.method} {o.path}".lower(): o.name for o in catalog.values()}
    out = []
    for line in path.read_text(encoding="utf-8").splitlines():
        one = json.loads(line)
        right = [by_endpoint.get(op.lower(), op) for op in one["ops"]]
        toolset = catalog[right[0]].toolset
        out.append(Query(one.get("kind", "any"), one["q"], frozenset(right), toolset, True))
    return out


def ranks(queries: Iterable[Query], search: Search) -> list[int]:
    """For each query the place of the first right operation, 1 the best, 0 for none."""
    out = []
    for query in queries:
        found = search(query.text)
        out.append(next((n for n, name in enumerate(found, 1) if name in query.right), 0))
    return out


def score(places: Sequence[int]) -> Score:
    """What the places of some queries come to."""
    count = max(len(places), 1)

    def among(most: int) -> float:
        return sum(0 < place <= most for place in places) / count

    reciprocal = sum(1 / place for place in places if place) / count
    return Score(len(places), among(1), among(3), among(5), reciprocal)


def baseline(document: Mapping[str, Any], catalog: Catalog) -> Search:
    """Plain BM25 over the texts of an OpenAPI document."""
    texts = dict(_texts(document))
    names = {f"{o.method} {o.path}".lower(): o.name for o in catalog.values()}
    bags = {names[key]: Counter(words(text)) for key, text in texts.items() if key in names}
    average = statistics.mean(sum(bag.values()) for bag in bags.values())
    having = Counter(word for bag in bags.values() for word in bag)

    def weight(word: str, bag: Counter[str]) -> float:
        rarity = math.log(1 + (len(bags) - having[word] + 0.5) / (having[word] + 0.5))
        scale = 1.2 * (0.25 + 0.75 * sum(bag.values()) / average)
        return rarity * bag[word] * 2.2 / (bag[word] + scale)

    def search(text: str) -> list[str]:
        asked = list(words(text))
        scores = {n: sum(weight(w, bag) for w in asked if w in bag) for n, bag in bags.items()}
        return sorted((n for n in scores if scores[n]), key=lambda n: -scores[n])[:_DEPTH]

    return search


def _texts(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if isinstance(operation, dict) and "responses" in operation:
                said = [operation.get(key, "") for key in ("operationId", "summary", "description")]
                said += [path, *operation.get("tags", ()), *_names(operation, document, 2)]
                yield f"{method} {path}".lower(), " ".join(said)


def _names(value: Any, document: Mapping[str, Any], depth: int) -> Iterator[str]:
    """The names and descriptions of parameters and of the fields of the body."""
    body = value.get("requestBody", {}).get("content", {}).values()
    for parameter in value.get("parameters", ()):
        yield f"{parameter.get('name', '')} {parameter.get('description', '')}"
    for content in body:
        yield from _fields(content.get("schema", {}), document, depth)


def _fields(schema: Mapping[str, Any], document: Mapping[str, Any], depth: int) -> Iterator[str]:
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        schema = document["components"]["schemas"].get(name, {})
    for name, field in schema.get("properties", {}).items():
        yield f"{name} {field.get('description', '')}"
        if depth > 1:
            yield from _fields(field, document, depth - 1)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--queries", type=Path, help="JSON lines, instead of the project's own")
    parser.add_argument("--contract", type=Path, default=_ROOT / "tool_specs" / "openapi.json")
    parser.add_argument("--misses", action="store_true", help="list what was not found first")
    parser.add_argument("--tuning", action="store_true", help="only the queries tuned on")
    given = parser.parse_args()
    catalog = load()
    index = Index(catalog)

    def search(text: str) -> list[str]:
        return [o.name for o in index.search(text, limit=_DEPTH)]

    queries = read_queries(given.queries, catalog) if given.queries else own_queries()
    queries = [q for q in queries if not (given.tuning and q.held_out)]
    plain = baseline(json.loads(given.contract.read_text(encoding="utf-8")), catalog)
    places, before = ranks(queries, search), ranks(queries, plain)
    print(f"{'':34} {'queries':>7} {'at 1':>6} {'at 3':>6} {'at 5':>6} {'MRR':>6}  BM25 at 1, at 5")
    groups: dict[str, list[int]] = defaultdict(list)
    for number, query in enumerate(queries):
        groups["all"].append(number)
        if not given.queries:
            groups["held out" if query.held_out else "tuned on"].append(number)
        groups[f"kind {query.kind}"].append(number)
        groups[f"toolset {query.toolset}"].append(number)
    for name, numbers in sorted(groups.items(), key=lambda group: (" " in group[0], group[0])):
        _row(name, [places[n] for n in numbers], [before[n] for n in numbers])
    _costs(queries, catalog, index)
    if given.misses:
        for query, place in zip(queries, places, strict=True):
            if place != 1:
                print(f"{place:3} [{query.toolset}] {query.text}")
                print(f"    wanted {' '.join(query.right)}; found {search(query.text)[:3]}")


def _row(name: str, places: Sequence[int], before: Sequence[int]) -> None:
    ours, plain = score(places), score(before)
    shares = " ".join(f"{share:6.1%}" for share in (ours.first, ours.three, ours.five))
    print(
        f"{name:34} {ours.queries:7} {shares} {ours.reciprocal:6.3f}  "
        f"{plain.first:6.1%} {plain.five:6.1%}"
    )


def _costs(queries: Sequence[Query], catalog: Catalog, index: Index) -> None:
    client = Client("http://127.0.0.1", Credentials(), catalog.errors)
    services = Services(catalog, client, Policy(), Store(Path("unused"), Path("unused")))
    hub = Hub(services, lambda: index)
    sizes, taken = [], []
    for query in queries:
        answer = hub.search({"query": query.text})
        sizes.append(len(answer.content[0].text.encode()))  # type: ignore[union-attr]
        began = time.perf_counter()
        index.search(query.text)
        taken.append((time.perf_counter() - began) * 1000)
    print(f"answer: median {statistics.median(sizes):.0f} bytes, largest {max(sizes)}")
    print(f"query in process: median {statistics.median(taken):.2f} ms, worst {max(taken):.2f} ms")


if __name__ == "__main__":
    main()
