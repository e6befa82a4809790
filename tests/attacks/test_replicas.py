"""Two replicas on one PostgreSQL: what was allowed once runs once, whoever is killed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
from anyio.to_thread import run_sync
from starlette.responses import JSONResponse, Response

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.store.consent import approvals
from descope_mcp.store.journal import entries as journal
from descope_mcp.store.journal import hash_chain
from descope_mcp.store.store import Store
from tests.attacks.requests import asked
from tests.attacks.tally import BYPASSED, CALLS, KILLS, LOST, tally
from tests.postgres import cluster
from tests.recorder import Recorded, Recorder, recording
from tests.stores import close_all, places, replica

pytestmark = pytest.mark.anyio


async def answer(request: Recorded) -> Response:
    """What finds everybody, and takes a moment to delete somebody."""
    if request.path.endswith("/delete"):
        await anyio.sleep(0.01)
        return JSONResponse({})
    query = dict(request.query)
    login = str(query.get("loginId") or query.get("userId")).removeprefix("U-")
    return JSONResponse({"user": {"loginIds": [login], "userId": f"U-{login}", "name": login}})


async def approved(count: int, store: Store, recorder: Recorder, catalog: Catalog) -> None:
    """Ask for so many calls, and let a person say yes to each."""
    for number in await asked(range(count), store, recorder, catalog):
        assert approvals.answer(store, number, approved=True)


def started(store: Store, count: int, recorder: Recorder) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.attacks.replica", recorder.url, str(count)]
    return subprocess.Popen([*command, *places(store)], stdout=subprocess.PIPE, text=True)


def deleted(recorder: Recorder) -> Counter[str]:
    """How often each user was deleted."""
    return Counter(
        json.loads(request.body)["loginId"]
        for request in recorder.requests
        if request.path.endswith("/delete")
    )


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[tuple[Store, Store]]:
    """One store, on two machines."""
    own = Store(tmp_path / "state", tmp_path / "config" / "key", url=cluster().database())
    yield own, replica(own, tmp_path / "other")
    own.close()
    close_all()


async def raced(count: int, kills: int, stores: tuple[Store, Store], catalog: Catalog) -> None:
    """Two replicas make the same calls at once; one of them is killed again and again."""
    own, other = stores
    async with recording(answer) as recorder:
        await approved(count, own, recorder, catalog)
        lasting = started(own, count, recorder)
        for number in range(kills):
            dying = started(other, count, recorder)
            enough = len(deleted(recorder)) + 3 * (number + 1)
            with anyio.move_on_after(60):
                while len(deleted(recorder)) < enough and dying.poll() is None:  # noqa: ASYNC110
                    await anyio.sleep(0.01)
            dying.kill()
            await run_sync(dying.communicate)
            tally[KILLS] += 1
        last = started(other, count, recorder)
        said = [json.loads((await run_sync(one.communicate))[0]) for one in (lasting, last)]
        sent = deleted(recorder)
    tally[CALLS] += count * (2 + kills)
    tally[BYPASSED] += sum(times - 1 for times in sent.values())
    assert set(sent.values()) == {1}
    entries = journal.entries(own)
    tally[LOST] += max(0, len(sent) - len(entries))
    assert Counter(entry.target for entry in entries).most_common(1)[0][1] == 1
    assert len(entries) >= len(sent)
    done = [entry for entry in entries if entry.result == "done"]
    if not kills:
        assert len(sent) == len(done) == count
        assert sum(one.get("Completed", 0) for one in said) == count
        assert {request.status for request in approvals.requests(other)} == {"used"}
    assert {entry.result for entry in entries} <= {"done", "unknown", "not_sent"}
    # What had begun when its replica was killed is nobody's secret.
    assert len(entries) - len(done) <= 8 * kills
    for store in (own, other):
        assert hash_chain.problems(store)[2] == []


async def test_what_was_approved_once_runs_once_on_two_replicas(
    stores: tuple[Store, Store], catalog: Catalog
) -> None:
    await raced(20, 0, stores, catalog)


async def test_it_does_so_too_while_a_replica_is_killed(
    stores: tuple[Store, Store], catalog: Catalog
) -> None:
    await raced(30, 1, stores, catalog)


@pytest.mark.campaign
@pytest.mark.timeout(1800)
async def test_a_thousand_approvals_run_once_each(
    stores: tuple[Store, Store], catalog: Catalog
) -> None:
    await raced(1000, 0, stores, catalog)


@pytest.mark.campaign
@pytest.mark.timeout(1800)
async def test_it_does_so_while_replicas_are_killed_again_and_again(
    stores: tuple[Store, Store], catalog: Catalog
) -> None:
    await raced(300, 10, stores, catalog)
