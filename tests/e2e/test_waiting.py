"""A server process whose calls wait for a person at a terminal."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.to_thread import run_sync

from descope_mcp.store.consent import approvals
from tests.cli.processes import run_in_terminal
from tests.e2e.agent import store_of_its_own
from tests.e2e.wire import environment, meta, wired
from tests.recorder import STORE_SETTINGS, shared_store

pytestmark = pytest.mark.anyio


async def _waiting() -> int:
    """The number of the request that waits."""
    with anyio.fail_after(20):
        while True:
            if found := await run_sync(lambda: approvals.requests(shared_store(), pending=True)):
                return found[0].number
            await anyio.sleep(0.05)


@pytest.mark.parametrize("era", ["auto", "legacy"])
async def test_an_undo_goes_on_as_soon_as_it_is_approved_in_a_terminal(
    tmp_path: Path, era: str
) -> None:
    with store_of_its_own(tmp_path):
        env = environment(DESCOPE_MCP_WAIT="40")
        async with wired("--sandbox", env=env) as wire:
            if era == "legacy":
                await wire.initialize()
            shown = {"_meta": {"progressToken": "p"}}
            if era == "auto":
                shown = {"_meta": {**meta(), "progressToken": "p"}}

            async def send(tool: str, arguments: Any) -> int:
                return await wire.send(
                    "tools/call", {"name": tool, "arguments": arguments, **shown}
                )

            create = {"operation": "CreateTenant", "arguments": {"name": "New"}}
            made = (await wire.answer(await send("descope_write", create)))["result"]
            call = made["structuredContent"]["undo"]["call"]
            sent = await send("descope_undo", {"call": call})
            number = await _waiting()
            settings = {name: os.environ[name] for name in STORE_SETTINGS}
            ended, _ = await run_sync(
                lambda: run_in_terminal(
                    "approvals", "approve", str(number), typed=b"yes\n", env=settings
                )
            )
            assert ended.returncode == 0, ended.stderr
            undone = (await wire.answer(sent))["result"]
            assert undone["isError"] is False
            assert "waitsFor" not in undone["structuredContent"]
        told = [one["params"]["message"] for one in wire.notices if "progress" in one["method"]]
        assert f"Request {number} waits for a person" in " ".join(told)
