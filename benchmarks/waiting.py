"""From a person's yes to the answer of the call that waited for it, on another replica.

A server process on PostgreSQL has a call wait; this process, another replica on the same database,
records the yes. What is timed begins when that is recorded and ends with the answer of the call,
which has then read its target again, been journalled and been sent.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx2

from benchmarks.http import MODERN, SERVE, environment, serving
from descope_mcp.store.consent import approvals
from descope_mcp.store.consent.request import Request
from descope_mcp.store.store import Store
from tests.postgres import new_cluster

_CALLS, _WARMING_UP = 100, 5
_AIM = 300.0
_HEADERS = {
    "mcp-protocol-version": MODERN,
    "mcp-method": "tools/call",
    "mcp-name": "DeleteUser",
    "accept": "application/json, text/event-stream",
}


def _message(number: int) -> dict[str, Any]:
    meta = {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
        # It shows progress, so that the person hears of the request and the call waits.
        "progressToken": number,
    }
    given = {"name": "DeleteUser", "arguments": {"loginId": f"user{number}"}, "_meta": meta}
    return {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": given}


async def _one(http: httpx2.AsyncClient, store: Store, number: int) -> float:
    """Milliseconds from the yes to the answer."""
    sent = asyncio.create_task(http.post("/mcp", json=_message(number), headers=_HEADERS))
    waiting: list[Request] = []
    while not waiting:
        await asyncio.sleep(0.01)
        waiting = await asyncio.to_thread(approvals.requests, store, pending=True)
    # It is filed before it is waited for; that it waits is what this is about.
    await asyncio.sleep(0.2)
    assert await asyncio.to_thread(approvals.answer, store, waiting[0].number, approved=True)
    began = time.perf_counter()
    answer = (await sent).text
    took = (time.perf_counter() - began) * 1000
    assert '"isError":false' in answer.replace(" ", ""), answer
    return took


async def _measured(address: str, store: Store) -> list[float]:
    async with httpx2.AsyncClient(base_url=f"http://{address}", timeout=60) as http:
        return [await _one(http, store, number) for number in range(1, _CALLS + _WARMING_UP + 1)]


def main() -> None:
    """Print the table."""
    url = new_cluster({}).database()
    with tempfile.TemporaryDirectory() as name, environment() as given:
        place = Path(name)
        own = Store(place / "own", place / "key" / "key", url=url)
        _ = own.key
        (place / "config").mkdir(mode=0o700)
        shutil.copy2(place / "key" / "key", place / "config" / "key")
        settings = {
            "DESCOPE_MCP_STATE": str(place / "state"),
            "DESCOPE_MCP_KEY_FILE": str(place / "config" / "key"),
            "DESCOPE_MCP_DATABASE_URL": url.text,
        }
        with serving(SERVE, {**os.environ, **given, **settings}) as (address, _):
            took = asyncio.run(_measured(address, own))[_WARMING_UP:]
        own.close()
    p50, p95 = statistics.median(took), statistics.quantiles(took, n=20)[-1]
    print(f"{len(took)} calls: p50 {p50:.0f} ms, p95 {p95:.0f} ms, longest {max(took):.0f} ms")
    print(f"aim: p95 below {_AIM:.0f} ms")


if __name__ == "__main__":
    main()
