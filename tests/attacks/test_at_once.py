"""Many calls at once, in many processes: one word runs one call, and the journal stays whole."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Completed, NeedsConfirmation
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.consent.confirmation import accept
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.guard.policy.file import parse
from descope_mcp.store.consent import approvals, grants
from descope_mcp.store.journal import entries as journal
from descope_mcp.store.journal import hash_chain
from descope_mcp.store.store import Store
from tests.attacks.directory import changes
from tests.attacks.scenes import CALLER, DELETE, WRITE, Runner, arrived, scene
from tests.attacks.tally import BYPASSED, CALLS, LOST, tally
from tests.attacks.victim import Job
from tests.recorder import PROJECT, Recorder

pytestmark = pytest.mark.anyio

PROCESSES, EACH = 5, 10
ONE_WORD = ["an answer", "an approval", "a grant", "a secret shown once", "an undo"]
ONE_WORD += ["an undo that nobody is asked about"]


async def at_once(
    kind: str, place: Path, runner: Runner, recorder: Recorder, catalog: Catalog
) -> None:
    one = await scene(kind, place, recorder, catalog)
    recorder.requests.clear()
    job = replace(one.job, times=EACH, start=time.time() + 0.3)
    results = await runner.run(*[job] * PROCESSES)
    assert [result["code"] for result in results] == [0] * PROCESSES
    ended = [outcome for result in results for outcome in result["ended"]]
    tally[CALLS] += len(ended)
    sent = await arrived(recorder)
    tally[BYPASSED] += max(0, len(sent) - 1)
    assert len(sent) == 1
    assert len(ended) == PROCESSES * EACH
    assert ended.count("Completed") == 1
    assert set(ended) <= {"Completed", "Refused", "NeedsConfirmation"}
    new = [entry for entry in journal.entries(one.store) if entry.call not in one.before]
    assert [entry.result for entry in new] == ["done"]
    assert hash_chain.problems(one.store)[2] == []
    assert all(grant.left == 0 for grant in grants.listed(one.store))
    one.store.close()


@pytest.mark.parametrize("kind", ONE_WORD)
async def test_of_fifty_calls_on_one_word_exactly_one_runs(
    kind: str, tmp_path: Path, runner: Runner, recorder: Recorder, catalog: Catalog
) -> None:
    await at_once(kind, tmp_path, runner, recorder, catalog)


@pytest.mark.campaign
@pytest.mark.parametrize("kind", ONE_WORD)
async def test_of_fifty_calls_exactly_one_runs_every_time(
    kind: str, tmp_path: Path, runner: Runner, recorder: Recorder, catalog: Catalog
) -> None:
    for number in range(10):
        await at_once(kind, tmp_path / str(number), runner, recorder, catalog)


async def written(
    rounds: int, place: Path, runner: Runner, recorder: Recorder, catalog: Catalog
) -> None:
    """Processes open a store and write at once while another verifies all the time."""
    for number in range(rounds):
        state, key = place / f"{number}/state", place / f"{number}/config/key"
        recorder.requests.clear()
        job = Job(recorder.url, str(state), str(key), *WRITE, times=8, start=time.time() + 0.2)
        store = Store(state, key)
        alarms: list[str] = []
        verified = 0
        async with anyio.create_task_group() as tasks:

            async def verify(store: Store = store, alarms: list[str] = alarms) -> None:
                nonlocal verified
                while True:
                    alarms += await anyio.to_thread.run_sync(lambda: hash_chain.problems(store)[2])
                    verified += 1
                    await anyio.sleep(0.002)

            tasks.start_soon(verify)
            results = await runner.run(*[job] * 4)
            tasks.cancel_scope.cancel()
        assert [result["ended"] for result in results] == [["Completed"] * 8] * 4
        tally[CALLS] += 32
        assert alarms == []
        assert verified > 3
        assert hash_chain.problems(store)[::2] == (64, [])
        found = [entry.result for entry in journal.entries(store)]
        tally[LOST] += len(await arrived(recorder)) - len(found)
        assert found == ["done"] * 32
        store.close()


async def test_processes_that_write_at_once_raise_no_alarm(
    tmp_path: Path, runner: Runner, recorder: Recorder, catalog: Catalog
) -> None:
    await written(3, tmp_path, runner, recorder, catalog)


@pytest.mark.campaign
async def test_processes_that_write_at_once_never_raise_an_alarm(
    tmp_path: Path, runner: Runner, recorder: Recorder, catalog: Catalog
) -> None:
    await written(40, tmp_path, runner, recorder, catalog)


async def test_what_a_cap_refuses_uses_up_nobody_s_word(
    tmp_path: Path, recorder: Recorder, catalog: Catalog
) -> None:
    """Nor is anybody asked about it."""
    rule = '[[rule]]\noperation = "DeleteUser"\ndecision = "confirm"\ncalls = 1\nper = "1h"\n'
    rules, _ = parse("p.toml", rule, catalog)
    store = Store(tmp_path / "state", tmp_path / "key")
    used = recorder.services(catalog, store=store, policy=Policy(rules=rules))
    recorder.requests.clear()
    questions = []
    for _ in range(2):
        asked = await invoke(Call(*DELETE, CALLER), used)
        assert isinstance(asked, NeedsConfirmation)
        questions.append(asked.question)
    filed = approvals.file(
        store,
        project=PROJECT,
        caller=CALLER,
        operation=DELETE[0],
        binding=questions[0].binding,
        question="?",
        typed="",
    )
    assert approvals.answer(store, filed.number, approved=True)
    word = accept(questions[1])
    assert isinstance(await invoke(Call(*DELETE, CALLER, approval=word), used), Completed)
    for _ in range(2):
        refused = await invoke(Call(*DELETE, CALLER), used)
        assert getattr(refused, "rule", "") == "cap"
    assert [request.status for request in approvals.requests(store)] == ["approved"]
    assert len(changes(recorder)) == 1
    tally[CALLS] += 5
    await used.client.close()
    store.close()
