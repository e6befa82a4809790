"""The database goes away: reads go on, changes are refused at once, and it is taken up again."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from starlette.responses import JSONResponse, Response

from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Completed, Outcome, Refused
from descope_mcp.call.services import Services
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.store.databases import bounded_connection
from descope_mcp.store.journal import entries as journal
from descope_mcp.store.journal import hash_chain
from descope_mcp.store.store import Store
from tests.postgres import PASSWORD, Cluster, new_cluster
from tests.recorder import Recorded, Recorder, recording

pytestmark = pytest.mark.anyio

READ = Call("LoadUser", {"loginId": "ada"}, "agent")
CHANGE = Call("PatchUser", {"loginId": "ada", "name": "Ada"}, "agent")
ASKED = Call("DeleteUser", {"loginId": "ada"}, "agent")
DENIED = Call("CreateUser", {"loginId": "bea"}, "agent")


class Upstream:
    """What a change does to the database while it runs."""

    def __init__(self) -> None:
        self.during: object = None

    def answer(self, request: Recorded) -> Response:
        if request.path.endswith("/patch") and callable(self.during):
            self.during()
            self.during = None
        return JSONResponse({"user": {"loginIds": ["ada"], "userId": "U1", "name": "Ada"}})


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    found = new_cluster()
    yield found
    found.stop()


@pytest.fixture
def upstream() -> Upstream:
    return Upstream()


@pytest.fixture
async def recorder(upstream: Upstream) -> AsyncIterator[Recorder]:
    async with recording(upstream.answer) as found:
        yield found


@pytest.fixture
async def services(
    recorder: Recorder, catalog: Catalog, server: Cluster, tmp_path: Path
) -> AsyncIterator[Services]:
    store = Store(tmp_path / "state", tmp_path / "config" / "key", url=server.database())
    found = recorder.services(catalog, store=store)
    yield found
    await found.client.close()
    store.close()


def refused(outcome: Outcome, why: str) -> None:
    assert isinstance(outcome, Refused), outcome
    assert outcome.rule == "store"
    assert why in outcome.message
    assert "the database" in outcome.remedy
    assert "doctor" in outcome.remedy
    assert PASSWORD not in str(outcome)


async def test_reads_go_on_and_changes_come_back(services: Services, server: Cluster) -> None:
    assert isinstance(await invoke(CHANGE, services), Completed)
    server.stop()
    try:
        assert isinstance(await invoke(READ, services), Completed)
        for call in (CHANGE, ASKED, CHANGE):
            refused(await invoke(call, services), "nothing listens")
        only = services.__class__(
            services.catalog, services.client, Policy(read_only=True), services.store
        )
        assert getattr(await invoke(DENIED, only), "rule", "") != "store"
    finally:
        server.start()
    assert isinstance(await invoke(CHANGE, services), Completed)
    assert hash_chain.problems(services.store)[::2] == (4, [])


async def test_what_was_sent_is_told_and_written_down_later(
    services: Services, server: Cluster, upstream: Upstream
) -> None:
    assert isinstance(await invoke(CHANGE, services), Completed)
    upstream.during = server.stop
    outcome = await invoke(CHANGE, services)
    server.start()
    assert isinstance(outcome, Completed), outcome
    assert "could not be told" in " ".join(outcome.notes)
    late, _ = journal.entries(services.store)
    assert (late.result, late.reason) == ("unknown", "it is still on its way")
    assert isinstance(await invoke(CHANGE, services), Completed)
    assert [entry.result for entry in journal.entries(services.store)] == ["done"] * 3
    assert hash_chain.problems(services.store)[2] == []


async def test_a_server_that_stands_still_holds_nobody_up(
    services: Services, server: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its machine still answers, so that nothing but a limit of one's own ends the wait."""
    monkeypatch.setattr(bounded_connection, "_LONGEST", 1.0)
    assert isinstance(await invoke(CHANGE, services), Completed)
    children = _children(server.process.pid)
    for process in children:
        os.kill(process, signal.SIGSTOP)
    try:
        began = time.monotonic()
        refused(await invoke(CHANGE, services), "does not answer")
        # The connection that was kept, and the new one in its place.
        assert time.monotonic() - began < 15
    finally:
        for process in children:
            os.kill(process, signal.SIGCONT)
    assert isinstance(await invoke(CHANGE, services), Completed)


def _children(parent: int) -> list[int]:
    """A process and those that it has started."""
    listed = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [parent, *map(int, listed)]
