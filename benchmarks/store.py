"""What the store costs a call that asks nobody: in SQLite, in PostgreSQL, by turns in one run.

Both wait for the disk; PostgreSQL runs on this machine, over loopback. The upstream answers at
once, so that nearly all of a change is the store: against the real service the difference is far
smaller. A read that asks nobody opens no store at all.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

import anyio

from benchmarks.speed import running_upstream
from descope_mcp.api.client import Client
from descope_mcp.api.credentials import Credentials
from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Completed
from descope_mcp.call.services import Services
from descope_mcp.catalog.catalog import load
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.store.store import Store
from tests.postgres import new_cluster

_TURNS, _CALLS = 15, 20
_AIM = 1.3
_CALLED = {
    "read": ("LoadUser", {"loginId": "a@b.example"}),
    "change": ("PatchUser", {"loginId": "a@b.example", "name": "A"}),
}


async def _run(upstream: str, place: Path) -> None:
    catalog = load()
    client = Client(upstream, Credentials("P" + "2" * 27, "K" + "b" * 40), catalog.errors)
    url = new_cluster({}).database()
    stores = {
        "SQLite": Store(place / "state", place / "config" / "key"),
        "PostgreSQL": Store(place / "other", place / "own" / "key", url=url),
    }
    taken: dict[tuple[str, str], list[float]] = {}
    for turn in range(_TURNS + 1):
        for kind, store in stores.items():
            services = Services(catalog, client, Policy(), store)
            for what, (operation, arguments) in _CALLED.items():
                for _ in range(_CALLS):
                    began = time.perf_counter()
                    outcome = await invoke(Call(operation, arguments, "bench"), services)
                    took = (time.perf_counter() - began) * 1000
                    assert isinstance(outcome, Completed), outcome
                    # The first turn only warms up.
                    taken.setdefault((what, kind), []).extend([took] if turn else [])
    await client.close()
    for store in stores.values():
        store.close()
    print(f"{'(milliseconds)':20} {'p50':>8} {'p95':>8}")
    for (what, kind), times in taken.items():
        print(f"{what:8} {kind:11} {statistics.median(times):8.2f} {_p95(times):8.2f}")
    for what in _CALLED:
        ratio = _p95(taken[what, "PostgreSQL"]) / _p95(taken[what, "SQLite"])
        print(f"{what:8} {'p95 ratio':20} {ratio:8.2f}   aim {_AIM}")


def _p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]


def main() -> None:
    """Print the table."""
    with running_upstream() as url, tempfile.TemporaryDirectory() as place:
        anyio.run(_run, url, Path(place))


if __name__ == "__main__":
    main()
