"""What looking at requests and answering them takes, by how many are kept, in both databases.

A store keeps requests for thirty days. However many those are, what is proven is what is shown.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from descope_mcp.guard.decide import Decider, decide
from descope_mcp.guard.question.question_data import to_json
from descope_mcp.store.consent import approvals, listings
from descope_mcp.store.integrity import signed_rows
from descope_mcp.store.store import Store
from descope_mcp.store.tables import approvals as table
from tests.console.requests import SAID
from tests.postgres import new_cluster

_KEPT, _WAIT, _TIMES = (50, 5_000), 20, 15
_ADA = Decider("console:ada", "console", "ada")


def _keep(store: Store, kept: int) -> None:
    """So many requests, the last of which wait."""
    now = time.time()
    with signed_rows.book(store) as book:
        for number in range(kept):
            book.insert(
                table,
                project=SAID.project.id,
                caller=SAID.caller,
                operation=SAID.operation,
                binding=f"{number:064x}",
                question=to_json(SAID),
                typed="",
                status="pending" if number >= kept - _WAIT else "used",
                created=now,
                expires=now + 80_000,
                reason="",
            )


def _taken(look: Callable[[], object]) -> float:
    """Milliseconds in the median."""
    times = []
    for _ in range(_TIMES):
        began = time.perf_counter()
        look()
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


def _measured(store: Store, kept: int) -> dict[str, float]:
    _keep(store, kept)
    numbers, approved = iter(range(kept, 0, -1)), iter(range(kept, 0, -1))
    return {
        "one request": _taken(lambda: approvals.request(store, kept)),
        "all that wait": _taken(lambda: approvals.requests(store, pending=True)),
        "a page of those over": _taken(lambda: listings.over(store, 20)),
        "a yes": _taken(lambda: decide(store, next(numbers), "approve", _ADA)),
        "a yes used up": _taken(lambda: approvals.consume(store, f"{next(approved) - 1:064x}")),
    }


def main() -> None:
    """Print the table."""
    cluster = new_cluster({})
    print(f"{'(milliseconds)':34} {'SQLite':>8} {'PostgreSQL':>10}")
    with tempfile.TemporaryDirectory() as place:
        for kept in _KEPT:
            here = Path(place) / str(kept)
            stores = (
                Store(here / "one", here / "config" / "key"),
                Store(here / "other", here / "own" / "key", url=cluster.database()),
            )
            sqlite, postgres = (_measured(store, kept) for store in stores)
            for what in sqlite:
                text = f"{kept:5,} kept: {what}"
                print(f"{text:34} {sqlite[what]:8.1f} {postgres[what]:10.1f}")
            for store in stores:
                store.close()


if __name__ == "__main__":
    main()
