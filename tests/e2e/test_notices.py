"""A server process tells somebody of a request, who answers it while the call waits."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import anyio
import pytest

from descope_mcp.store.consent import approvals
from tests.e2e.agent import store_of_its_own
from tests.e2e.wire import environment, wired
from tests.recorder import recording, shared_store

pytestmark = pytest.mark.anyio


async def test_a_call_waits_for_who_is_told_by_a_webhook(tmp_path: Path) -> None:
    with store_of_its_own(tmp_path):
        async with recording() as receiver:
            file = tmp_path / "notices.toml"
            file.write_text('[webhook.ops]\nurl = { env = "OPS_URL" }\nkey = { env = "OPS_KEY" }\n')
            env = environment(
                DESCOPE_MCP_WAIT="40",
                DESCOPE_MCP_NOTICES=str(file),
                OPS_URL=f"{receiver.url}/hook",
                OPS_KEY=base64.b64encode(os.urandom(32)).decode(),
            )
            async with wired("--sandbox", env=env) as wire:
                delete = {"loginId": "daniel.weiss@acme.example"}
                # No progress is asked for: it waits since somebody is told.
                number = await wire.send_call("DeleteUser", delete)
                with anyio.fail_after(30):
                    while not receiver.requests:  # noqa: ASYNC110 - the process sends
                        await anyio.sleep(0.05)
                told = receiver.requests[0].json["data"]
                assert "daniel" not in receiver.requests[0].body.decode()
                assert approvals.answer(shared_store(), told["request"], approved=True)
                done = await wire.answer(number)
                assert done["result"]["structuredContent"]["change"]
            shared_store().close()
