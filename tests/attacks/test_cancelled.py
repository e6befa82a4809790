"""Callers that go away in the middle of a call: the journal tells what became of it all the same.

A call is ended from outside at each of its awaits: as a client ends it that hangs up or cancels
(which a change that is on its way outlasts), and as Ctrl-C does (which nothing outlasts).
"""

from __future__ import annotations

import asyncio
import types
from collections.abc import Callable, Coroutine, Generator
from pathlib import Path
from typing import Any

import anyio
import pytest
from starlette.responses import JSONResponse, Response

from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Undo
from descope_mcp.call.services import Services
from descope_mcp.call.undo.undo import undo
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.consent.confirmation import Approval
from descope_mcp.store.journal import entries as journal
from descope_mcp.store.journal import hash_chain
from descope_mcp.store.store import Store
from tests.attacks.directory import changes
from tests.attacks.scenes import CALLER, Scene, arrived, scene
from tests.attacks.tally import BYPASSED, CALLS, CANCELLED, LOST, tally
from tests.attacks.victim import services
from tests.e2e.wire import pointed_at, wired
from tests.recorder import STORE_SETTINGS, Recorded, Recorder, recording

pytestmark = pytest.mark.anyio

KINDS = ("an allowed change", "an answer", "an approval", "a secret shown once", "an undo")


@types.coroutine
def interrupted(
    coroutine: Coroutine[Any, Any, Any], at: int, act: Callable[[], object], count: list[int]
) -> Generator[Any, Any, Any]:
    """Run a coroutine, and act when it waits for the `at`-th time; `count` is of all times."""
    steps = coroutine.__await__()
    go: Callable[[], Any] = lambda: steps.send(None)  # noqa: E731
    while True:
        try:
            waits_for = go()
        except StopIteration as stop:
            return stop.value
        count[0] += 1
        if count[0] == at:
            act()
        try:
            yield waits_for
            go = lambda: steps.send(None)  # noqa: E731
        except BaseException as error:  # noqa: BLE001 - is thrown on
            go = lambda error=error: steps.throw(error)  # type: ignore[misc]  # noqa: E731


def call(one: Scene, used: Services) -> Coroutine[Any, Any, Any]:
    """The call of a scene."""
    word = Approval(**one.job.approval) if one.job.approval else None
    if one.job.operation == "undo":
        return undo(Undo(one.job.arguments["call"], CALLER, approval=word), used)
    return invoke(Call(one.job.operation, one.job.arguments, CALLER, approval=word), used)


async def ended(one: Scene, used: Services, at: int, way: str) -> int:
    """Make the call of a scene and end it at one of its awaits; how many it had."""
    count = [0]
    if way == "hang-up":
        with anyio.CancelScope() as scope:
            await interrupted(call(one, used), at, scope.cancel, count)
        return count[0]

    async def run() -> None:
        task = asyncio.current_task()
        assert task
        await interrupted(call(one, used), at, task.cancel, count)

    task = asyncio.create_task(run())
    await asyncio.wait([task])
    # Threads that were not waited for come to their end.
    await anyio.sleep(0.05)
    if not task.cancelled():
        task.result()
    return count[0]


async def wrong(one: Scene, used: Services, recorder: Recorder, way: str) -> list[str]:
    """Everything that is not as it must be after the caller has gone."""
    sent = await arrived(recorder)
    found = [f"journal: {problem}" for problem in hash_chain.problems(one.store)[2]]
    new = [entry for entry in journal.entries(one.store) if entry.call not in one.before]
    results = [entry.result for entry in new]
    # Nobody hung up on can tell, so the journal must.
    known = [["done"]] if way == "hang-up" else [["done"], ["unknown"]]
    if sent and results not in known:
        tally[LOST] += 1
        found.append(f"{sent} arrived and the journal says {results}")
    if not sent and results not in ([], ["not_sent"], *known[1:]):
        found.append(f"nothing arrived and the journal says {results}")
    if way == "hang-up" and not all(entry.settled for entry in new):
        found.append("the call is not settled")
    if one.job.operation != "PatchUser":
        await call(one, used)
        tally[CALLS] += 1
        twice = await arrived(recorder)
        tally[BYPASSED] += max(0, len(twice) - 1)
        found += [f"one word ran {twice}"] if len(twice) > 1 else []
    return found


async def everywhere(
    kind: str, way: str, step: int, place: Path, recorder: Recorder, catalog: Catalog
) -> None:
    """End a call at every `step`-th of its awaits."""
    problems: list[str] = []
    whole = await scene(kind, place / "whole", recorder, catalog)
    used = services(whole.job, catalog)
    awaits = await ended(whole, used, 0, way)
    await used.client.close()
    used.store.close()
    whole.store.close()
    assert awaits > 10
    for at in range(1, awaits + 1, step):
        one = await scene(kind, place / str(at), recorder, catalog)
        used = services(one.job, catalog)
        recorder.requests.clear()
        await ended(one, used, at, way)
        tally[CALLS] += 1
        tally[CANCELLED] += 1
        problems += [f"await {at}: {p}" for p in await wrong(one, used, recorder, way)]
        await used.client.close()
        used.store.close()
        one.store.close()
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("way", ["hang-up", "ctrl-c"])
@pytest.mark.parametrize("kind", ["an answer", "a secret shown once", "an undo"])
async def test_a_call_that_is_ended_from_outside_settles(
    kind: str, way: str, tmp_path: Path, recorder: Recorder, catalog: Catalog
) -> None:
    await everywhere(kind, way, 7, tmp_path, recorder, catalog)


@pytest.mark.campaign
@pytest.mark.parametrize("way", ["hang-up", "ctrl-c"])
@pytest.mark.parametrize("kind", KINDS)
async def test_a_call_that_is_ended_at_any_await_settles(
    kind: str, way: str, tmp_path: Path, recorder: Recorder, catalog: Catalog
) -> None:
    await everywhere(kind, way, 1, tmp_path, recorder, catalog)


async def slowly(request: Recorded) -> Response:
    """Long enough to be left alone with."""
    await anyio.sleep(0.05)
    return JSONResponse({"user": {"loginIds": ["ada"], "userId": "U1", "name": "Ada"}})


WRITE = {"operation": "PatchUser", "arguments": {"loginId": "ada", "name": "Bea"}}


@pytest.mark.parametrize(
    "step", [60, pytest.param(5, marks=pytest.mark.campaign)], ids=["short", "long"]
)
async def test_a_client_that_cancels_finds_the_truth_in_the_journal(
    tmp_path: Path, step: int
) -> None:
    """Cancelled so many milliseconds after it was sent; two reads come before the change."""
    places = (tmp_path / "state", tmp_path / "config/key")
    async with recording(slowly) as recorder:
        settings = dict(zip(STORE_SETTINGS, map(str, places), strict=True))
        async with wired(env=pointed_at(recorder.url) | settings) as wire:
            await wire.call("descope_write", WRITE)
            store = Store(*places)
            for delay in range(0, 240, step):
                before = {entry.call for entry in journal.entries(store)}
                recorder.requests.clear()
                number = await wire.send_call("descope_write", WRITE)
                await anyio.sleep(delay / 1000)
                await wire.notify("notifications/cancelled", {"requestId": number})
                await anyio.sleep(0.3)
                new = [e for e in journal.entries(store) if e.call not in before]
                tally[CALLS] += 1
                tally[CANCELLED] += 1
                judged(len(changes(recorder)), new)
            assert hash_chain.problems(store)[2] == []
            store.close()


@pytest.mark.parametrize(
    "delay",
    [70, 130, *(pytest.param(ms, marks=pytest.mark.campaign) for ms in range(0, 240, 15))],
)
async def test_a_client_that_hangs_up_finds_the_truth_in_the_journal(
    tmp_path: Path, delay: int
) -> None:
    places = (tmp_path / "state", tmp_path / "config/key")
    async with recording(slowly) as recorder:
        settings = dict(zip(STORE_SETTINGS, map(str, places), strict=True))
        async with wired(env=pointed_at(recorder.url) | settings) as wire:
            await wire.call("descope_write", WRITE)
            store = Store(*places)
            before = {entry.call for entry in journal.entries(store)}
            recorder.requests.clear()
            await wire.send_call("descope_write", WRITE)
            await anyio.sleep(delay / 1000)
            await wire.hang_up()
            with anyio.fail_after(10):
                assert await wire.process.wait() == 0
        new = [e for e in journal.entries(store) if e.call not in before]
        tally[CALLS] += 1
        tally[CANCELLED] += 1
        judged(len(changes(recorder)), new)
        assert hash_chain.problems(store)[2] == []
        store.close()


def judged(sent: int, new: list[journal.Entry]) -> None:
    """What arrived is done, and what is done arrived."""
    results = [entry.result for entry in new]
    if sent and results != ["done"]:
        tally[LOST] += 1
    assert all(entry.settled for entry in new)
    assert results == ["done"] if sent else results in ([], ["not_sent"])
