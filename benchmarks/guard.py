"""What the guard and the journal add to a call, beside the same requests without them.

All steps take turns, so that a busy machine slows each. The upstream is a loopback server, which
answers at once: against the real service the shares are far smaller.
"""

from __future__ import annotations

import itertools
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from benchmarks.speed import Stdio, running_upstream
from descope_mcp.api.client import Client
from descope_mcp.api.credentials import Credentials
from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Completed, NeedsConfirmation
from descope_mcp.call.services import Services
from descope_mcp.catalog.catalog import load
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.guard.preview.preview import look
from descope_mcp.store.journal import write_ahead
from descope_mcp.store.journal.entry import Intent
from descope_mcp.store.store import Store

_TURNS, _CALLS = 15, 20
_TARGET = {"loginId": "a@b.example"}
_CHANGE = {**_TARGET, "name": "A"}

Step = Callable[[], Awaitable[object]]


async def _measured(steps: dict[str, Step]) -> dict[str, tuple[float, float]]:
    """The medians of each step, taken in turns: milliseconds, and those of this thread's work."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in steps}
    for turn in range(_TURNS + 1):
        for name, step in steps.items():
            for _ in range(_CALLS):
                began, worked = time.perf_counter(), time.thread_time()
                await step()
                took = time.perf_counter() - began, time.thread_time() - worked
                # The first turn only warms up.
                taken[name] += [took] if turn else []
    return {name: _medians(times) for name, times in taken.items()}


def _medians(times: list[tuple[float, float]]) -> tuple[float, float]:
    took, worked = zip(*times, strict=True)
    return statistics.median(took) * 1000, statistics.median(worked) * 1000


def _steps(services: Services, server: Stdio) -> dict[str, Step]:
    """Everything that is measured."""
    catalog, store = services.catalog, services.store
    numbers = itertools.count()

    async def run(operation: str, arguments: dict[str, Any], *, repeatable: bool) -> dict[str, Any]:
        found = catalog[operation]
        answer = await services.client.run(found, arguments, call_id="b", repeatable=repeatable)
        return answer.data

    async def before() -> object:
        async def read(operation: Any, arguments: dict[str, Any]) -> dict[str, Any]:
            return await run(operation.name, arguments, repeatable=True)

        return await look(catalog, catalog["PatchUser"], _CHANGE, services.project, read)

    async def called(operation: str, arguments: dict[str, Any], wanted: type) -> None:
        outcome = await invoke(Call(operation, arguments, "bench"), services)
        assert isinstance(outcome, wanted), outcome

    def intent() -> Intent:
        return Intent(
            f"bench-{next(numbers)}", "P", "bench", "PatchUser", "write", "write", "policy"
        )

    async def intended() -> None:
        await anyio.to_thread.run_sync(write_ahead.intend, store, intent())

    async def settled() -> None:
        await anyio.to_thread.run_sync(write_ahead.settle, store, intent(), "done")

    async def through_server() -> None:
        given = {"operation": "LoadUser", "arguments": _TARGET}
        server.request("tools/call", {"name": "descope_read", "arguments": given})

    return {
        "read: request alone": lambda: run("LoadUser", _TARGET, repeatable=True),
        "read: through invoke": lambda: called("LoadUser", _TARGET, Completed),
        "read: through the MCP server": through_server,
        "change: request alone": lambda: run("PatchUser", _CHANGE, repeatable=False),
        "change: reads of what was there": before,
        "change: journal, intent": intended,
        "change: journal, outcome": settled,
        "change: through invoke": lambda: called("PatchUser", _CHANGE, Completed),
        "question: through invoke": lambda: called("DeleteUser", _TARGET, NeedsConfirmation),
    }


async def _run(url: str, place: Path) -> None:
    catalog = load()
    keys = Credentials("P" + "2" * 27, "K" + "b" * 40)
    client = Client(url, keys, catalog.errors)
    store = Store(place / "state", place / "key")
    services = Services(catalog, client, Policy(), store)
    server = Stdio(
        [sys.executable, "-m", "descope_mcp", "serve"], {**os.environ, **_environment(url)}
    )
    found = await _measured(_steps(services, server))
    server.close()
    await client.close()
    store.close()
    print(f"{'(milliseconds)':42} {'p50':>9} {'work':>9}")
    for name, (took, worked) in found.items():
        print(f"{name:42} {took:9.2f} {worked:9.2f}")
    # By the work, since both wait for the same request.
    alone, guarded = found["read: request alone"][1], found["read: through invoke"][1]
    guard, served = guarded - alone, found["read: through the MCP server"][0]
    print(f"{'guard on a read':42} {guard:9.2f}")
    print(f"{'... of the request alone':42} {guard / alone:9.1%}")
    print(f"{'... of the call of a tool':42} {guard / served:9.1%}            aim 10 %")


def _environment(url: str) -> dict[str, str]:
    return {
        "DESCOPE_BASE_URL": url,
        "DESCOPE_PROJECT_ID": "P" + "2" * 27,
        "DESCOPE_MANAGEMENT_KEY": "K" + "b" * 40,
    }


def main() -> None:
    """Print the table."""
    with running_upstream() as url, tempfile.TemporaryDirectory() as place:
        anyio.run(_run, url, Path(place))


if __name__ == "__main__":
    main()
