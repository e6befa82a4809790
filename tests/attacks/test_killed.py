"""Processes that die in the middle of a call: nothing is lost, nothing counts twice.

Each is killed (SIGKILL) at another line of the path of a call, of the store or of the way out;
the lines are spread evenly over the whole run. A server in another process knows what arrived.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Completed, Undo
from descope_mcp.call.undo.undo import undo
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.consent.confirmation import Approval
from descope_mcp.store.journal import entries as journal
from descope_mcp.store.journal import hash_chain
from descope_mcp.store.secrets import sealed
from tests.attacks.scenes import CALLER, SCENES, WRITE, Runner, Scene, arrived, scene
from tests.attacks.tally import BYPASSED, CALLS, KILLS, LOST, tally
from tests.attacks.victim import services
from tests.recorder import Recorder

pytestmark = pytest.mark.anyio


async def again(scene: Scene, catalog: Catalog) -> None:
    """The same call with the same word once more, by somebody who lives."""
    used = services(scene.job, catalog)
    word = Approval(**scene.job.approval) if scene.job.approval else None
    if scene.job.operation == "undo":
        await undo(Undo(scene.job.arguments["call"], CALLER, approval=word), used)
    else:
        await invoke(Call(scene.job.operation, scene.job.arguments, CALLER, approval=word), used)
    await used.client.close()
    used.store.close()
    tally[CALLS] += 1


async def wrong(scene: Scene, recorder: Recorder, catalog: Catalog) -> list[str]:
    """Everything that is not as it must be after a process has died."""
    sent = await arrived(recorder)
    found = [f"journal: {problem}" for problem in hash_chain.problems(scene.store)[2]]
    new = [e for e in journal.entries(scene.store) if e.call not in scene.before]
    results = [entry.result for entry in new]
    if len(sent) > 1 or len(new) > 1:
        found.append(f"{sent} was sent for {results}")
    if sent and results not in (["done"], ["unknown"]):
        tally[LOST] += 1
        found.append(f"{sent[0]} arrived and the journal says {results}")
    if "done" in results and not sent:
        found.append("done, and nothing arrived")
    if "accesskey" in str(sent) and results == ["done"]:
        kept = [secret for secret in sealed.kept(scene.store) if secret.expires is None]
        found += [] if kept else ["a secret is lost and the journal does not show it"]
    if scene.job.operation != WRITE[0]:
        await again(scene, catalog)
        twice = await arrived(recorder)
        if len(twice) > 1:
            tally[BYPASSED] += 1
            found.append(f"one word ran {twice}")
    # Life goes on.
    used = services(scene.job, catalog)
    outcome = await invoke(Call(*WRITE, CALLER), used)
    if not isinstance(outcome, Completed):
        found.append(f"the next call was answered {outcome}")
    found += [f"journal, later: {problem}" for problem in hash_chain.problems(scene.store)[2]]
    await used.client.close()
    used.store.close()
    scene.store.close()
    return found


async def killed(
    kind: str, times: int, place: Path, runner: Runner, recorder: Recorder, catalog: Catalog
) -> None:
    """Kill as many processes as told, at lines spread over a whole run of a scene."""
    whole = await scene(kind, place / "whole", recorder, catalog)
    (lived,) = await runner.run(replace(whole.job, at=0))
    whole.store.close()
    assert lived["code"] == 0, lived
    assert lived["lines"] > 100
    problems: list[str] = []
    died = 0
    for number in range(times):
        at = 1 + round((number + 0.5) * lived["lines"] / times)
        one = await scene(kind, place / str(number), recorder, catalog)
        recorder.requests.clear()
        (result,) = await runner.run(replace(one.job, at=at))
        died += result["code"] == -9
        tally[CALLS] += 1
        problems += [f"line {at}: {p}" for p in await wrong(one, recorder, catalog)]
        shutil.rmtree(place / str(number))
    tally[KILLS] += died
    assert not problems, "\n".join(problems)
    # Threads do not run the same lines every time; the last ones may not be reached.
    assert died >= times - 1 - times // 10


@pytest.mark.parametrize("kind", SCENES)
async def test_a_process_that_dies_loses_and_repeats_nothing(
    kind: str, tmp_path: Path, runner: Runner, recorder: Recorder, catalog: Catalog
) -> None:
    await killed(kind, 3, tmp_path, runner, recorder, catalog)


@pytest.mark.campaign
@pytest.mark.parametrize("kind", SCENES)
async def test_two_hundred_processes_die(
    kind: str, tmp_path: Path, runner: Runner, recorder: Recorder, catalog: Catalog
) -> None:
    await killed(kind, 25, tmp_path, runner, recorder, catalog)
