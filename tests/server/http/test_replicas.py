"""Two servers on one store: what one asked, the other takes the answer to, once."""

from __future__ import annotations

from typing import Any

import pytest

from descope_mcp.catalog.catalog import Catalog
from tests.attacks.directory import Directory, changes
from tests.recorder import recording, shared_store
from tests.server.http.served import headers, message, served
from tests.server.http.test_callers import ACCEPTED, ASKABLE, DELETE, SEARCH, Many

pytestmark = pytest.mark.anyio


async def test_an_answer_to_the_other_replica_counts_once(catalog: Catalog) -> None:
    call = {"name": "descope_destructive", "arguments": DELETE}
    sent = headers("tools/call", "descope_destructive")
    async with (
        recording(Directory().answer) as recorder,
        served(recorder.services(catalog, store=shared_store()), json=True) as one,
        served(recorder.services(catalog, store=shared_store()), json=True) as other,
        one.http() as first,
        other.http() as second,
    ):
        asked = await first.post(
            "/mcp", json=message("tools/call", call, capabilities=ASKABLE), headers=sent
        )
        state = asked.json()["result"]["requestState"]
        answer = {**call, "requestState": state, "inputResponses": ACCEPTED}
        given = message("tools/call", answer, capabilities=ASKABLE)
        done = await second.post("/mcp", json=given, headers=sent)
        assert done.json()["result"]["isError"] is False, done.text
        again = await first.post("/mcp", json=given, headers=sent)
        assert again.json()["result"]["isError"] is True
        assert len(changes(recorder)) == 1


async def test_the_next_part_of_an_answer_is_read_on_the_other_replica(catalog: Catalog) -> None:
    async with (
        recording(Many().answer) as recorder,
        served(recorder.services(catalog)) as one,
        served(recorder.services(catalog)) as other,
        one.client() as first,
        other.client() as second,
    ):
        part: Any = (await first.call_tool("descope_read", SEARCH)).structured_content
        shown, onward = part["part"]["shown"], part["part"]["next"]
        rest: Any = (await second.call_tool("descope_read", onward)).structured_content
        assert rest["part"]["from"] == shown
        assert rest["part"]["total"] == 200
