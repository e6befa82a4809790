"""Many clients, each with a server process of its own, on one state: of one version or of two."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import JSONResponse, Response

from descope_mcp.store.consent import grants
from descope_mcp.store.database import HEAD
from descope_mcp.store.journal import hash_chain
from descope_mcp.store.journal.entries import entries
from descope_mcp.store.store import Store
from tests.e2e.agent import store_of_its_own
from tests.e2e.wire import Wire, pointed_at, wired
from tests.recorder import Recorded, Recorder, recording, shared_store
from tests.store.test_migration import first_version

pytestmark = pytest.mark.anyio

SERVERS, ROUNDS = 8, 4
#: A change of a thing of its own, a change of what all change, and two reads.
EACH: Sequence[tuple[str, dict[str, Any]]] = (
    ("CreateTenant", {"name": "New"}),
    ("LoadAllTenants", {}),
    ("PatchUser", {"loginId": "ada", "name": "Other"}),
    ("LoadUser", {"loginId": "ada"}),
)


def answer(request: Recorded) -> Response:
    """A Descope of one user."""
    if request.path.startswith("/v1/mgmt/user"):
        return JSONResponse({"user": {"loginIds": ["ada"], "userId": "U1", "name": "Ada"}})
    return JSONResponse({"id": "T1"})


@asynccontextmanager
async def servers(count: int, recorder: Recorder) -> AsyncIterator[list[Wire]]:
    """So many server processes, of which none has heard anything yet."""
    async with AsyncExitStack() as stack:
        env = pointed_at(recorder.url)
        yield [await stack.enter_async_context(wired(env=env)) for _ in range(count)]


async def results(wires: Sequence[Wire], rounds: int) -> list[dict[str, Any]]:
    """What every server answers to `EACH`, sent to all of them at once."""
    sent = [
        (wire, await wire.send_call(name, arguments))
        for _ in range(rounds)
        for name, arguments in EACH
        for wire in wires
    ]
    return [(await wire.answer(number))["result"] for wire, number in sent]


async def test_eight_servers_change_and_read_at_once(tmp_path: Path) -> None:
    with store_of_its_own(tmp_path):
        store = shared_store()
        async with recording(answer) as recorder, servers(SERVERS, recorder) as wires:
            found = await results(wires, ROUNDS)
            assert [one for one in found if one["isError"]] == []
            assert all(b"Traceback" not in wire.errors for wire in wires)
        kept = Counter((entry.operation, entry.result) for entry in entries(store))
        each = SERVERS * ROUNDS
        assert kept == {("CreateTenant", "done"): each, ("PatchUser", "done"): each}
        assert hash_chain.problems(store)[::2] == (2 * 2 * each, [])
        store.close()


async def test_servers_that_start_at_once_take_over_an_old_store(tmp_path: Path) -> None:
    with store_of_its_own(tmp_path):
        store = shared_store()
        first_version(store)
        async with recording(answer) as recorder, servers(SERVERS // 2, recorder) as wires:
            found = await results(wires, 1)
            assert [one for one in found if one["isError"]] == []
        assert version(store) == HEAD
        assert hash_chain.problems(store)[2] == []
        assert len(entries(store)) == 1 + 2 * (SERVERS // 2)
        assert [grant.left for grant in grants.listed(store)] == [2]
        store.close()


async def test_a_newer_program_takes_the_store_while_a_server_runs(tmp_path: Path) -> None:
    with store_of_its_own(tmp_path):
        store = shared_store()
        async with recording(answer) as recorder, servers(1, recorder) as (wire,):
            for mark, goes_on in ((f"{HEAD.partition('.')[0]}.9", True), ("9999", False)):
                assert not any(one["isError"] for one in await results([wire], 1))
                version(store, mark)
                before = len(recorder.requests)
                made = (await wire.call("CreateTenant", {"name": "New"}))["result"]
                assert made["isError"] is not goes_on
                assert len(recorder.requests) == before + goes_on
                read = (await wire.call("LoadAllTenants", {}))["result"]
                assert not read["isError"]
            assert "restart what still runs the old one" in made["structuredContent"]["message"]
        store.close()


def version(store: Store, mark: str = "") -> str:
    """The version of the store's tables, set to `mark` before."""
    with closing(sqlite3.connect(store.directory / "state.db")) as connection, connection:
        if mark:
            connection.execute("UPDATE alembic_version SET version_num = ?", [mark])
        (found,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(found)
