"""Changes of one target at once: none is lost, in one process and in two."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from anyio.to_thread import run_sync
from starlette.responses import JSONResponse

from descope_mcp.api.client import Client
from descope_mcp.api.credentials import Credentials
from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Completed, NeedsConfirmation
from descope_mcp.call.services import Services
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.consent.confirmation import accept
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.sandbox.http.serve import Sandbox, running
from descope_mcp.sandbox.seeds import organisations
from descope_mcp.store import target_leases
from descope_mcp.store.store import Store
from descope_mcp.store.target_leases import Section
from tests.attacks.rival import USER, held, rounds
from tests.attacks.tally import CALLS, LOST_UPDATES, none, tally
from tests.recorder import Recorded, load_contract, recording

pytestmark = pytest.mark.anyio

FIELDS = ["name", "givenName"]
THREE = tuple(f"{name}@acme.example" for name in ("daniel.weiss", "ada.okafor", "ben.carter"))


@pytest.fixture
async def box() -> AsyncIterator[Sandbox]:
    """A sandbox that takes its time."""
    endpoints = load_contract().endpoints.values()
    async with running(endpoints, organisations.acme(), seeds=organisations.SEEDS) as service:
        await slow(service, "*", 0.01)
        yield service


async def slow(service: Sandbox, operation: str, latency: float) -> None:
    async with httpx.AsyncClient(base_url=service.url) as http:
        await http.delete("/sandbox/faults")
        fault = {"operation": operation, "latency": latency}
        assert (await http.post("/sandbox/faults", json=fault)).status_code == 200


@pytest.fixture
async def mine(box: Sandbox, catalog: Catalog, tmp_path: Path) -> AsyncIterator[Services]:
    client = Client(box.url, Credentials(box.project_id, box.management_key), catalog.errors, 30.0)
    store = Store(tmp_path / "state", tmp_path / "config" / "key")
    yield Services(catalog, client, Policy(), store)
    await client.close()
    store.close()


async def in_one(services: Services, count: int) -> None:
    lost, ended = await rounds(services, count, FIELDS)
    tally[CALLS] += 2 * count
    assert ended == {"done": 2 * count}
    none([f"{lost} changes were lost"] * lost, LOST_UPDATES)


def rival(box: Sandbox, services: Services, count: int, *fields: str) -> subprocess.Popen[str]:
    places = (str(services.store.directory), str(services.store.key_file))
    given = (box.url, box.project_id, box.management_key, *places, str(count), *fields)
    command = [sys.executable, "-m", "tests.attacks.rival", *given]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


async def in_two(box: Sandbox, services: Services, count: int) -> None:
    _ = services.store.key
    started = [rival(box, services, count, field) for field in FIELDS]
    said = [json.loads((await run_sync(process.communicate))[0]) for process in started]
    tally[CALLS] += 2 * count
    assert [one["ended"] for one in said] == [{"done": count}] * 2
    lost = sum(one["lost"] for one in said)
    none([f"{lost} changes were lost"] * lost, LOST_UPDATES)


async def test_no_change_is_lost_in_one_process(mine: Services) -> None:
    await in_one(mine, 25)


async def test_no_change_is_lost_in_two_processes(box: Sandbox, mine: Services) -> None:
    await in_two(box, mine, 25)


@pytest.mark.campaign
@pytest.mark.timeout(1800)
async def test_in_a_thousand_rounds_no_change_is_lost_in_one_process(mine: Services) -> None:
    await in_one(mine, 1000)


@pytest.mark.campaign
@pytest.mark.timeout(1800)
async def test_in_a_thousand_rounds_no_change_is_lost_in_two_processes(
    box: Sandbox, mine: Services
) -> None:
    await in_two(box, mine, 1000)


async def test_a_role_that_is_taken_away_does_not_come_back(box: Sandbox, mine: Services) -> None:
    """A person's yes is being sent when an unasked replace of the same user comes in."""
    roles = list((await held(mine))["roleNames"])
    assert roles
    taking = Call("UpdateUserRemoveRoles", {"loginId": USER, "roleNames": roles}, "agent")
    outcome = await invoke(taking, mine)
    said = accept(outcome.question) if isinstance(outcome, NeedsConfirmation) else None
    await slow(box, "UpdateUserRemoveRoles", 0.3)
    ended: list[Any] = []

    async def run(call: Call) -> None:
        ended.append(await invoke(call, mine))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run, replace(taking, approval=said))
        await anyio.sleep(0.1)
        tasks.start_soon(run, Call("UpdateUser", {"loginId": USER, "name": "Danny"}, "agent"))
    assert all(isinstance(one, Completed) for one in ended), ended
    now = await held(mine)
    assert not now.get("roleNames")
    assert now["name"] == "Danny"


async def test_different_targets_do_not_wait_for_each_other(box: Sandbox, mine: Services) -> None:
    for user in THREE:
        assert isinstance(
            await invoke(Call("LoadUser", {"loginId": user}, "agent"), mine), Completed
        )
    await invoke(Call("PatchUser", {"loginId": USER, "givenName": "F"}, "agent"), mine)
    await slow(box, "PatchUser", 2.0)
    began = time.monotonic()
    async with anyio.create_task_group() as tasks:
        for user in THREE:
            call = Call("PatchUser", {"loginId": user, "givenName": "G"}, "agent")
            tasks.start_soon(invoke, call, mine)
    assert time.monotonic() - began < 4.0


async def test_an_open_question_holds_nobody_up(mine: Services) -> None:
    delete = Call("DeleteUser", {"loginId": USER}, "agent")
    outcome = await invoke(delete, mine)
    assert isinstance(outcome, NeedsConfirmation)
    changed = await invoke(Call("PatchUser", {"loginId": USER, "givenName": "X"}, "agent"), mine)
    assert isinstance(changed, Completed)
    late = await invoke(replace(delete, approval=accept(outcome.question)), mine)
    assert getattr(late, "rule", "") == "changed"


async def test_several_targets_in_any_order_do_not_lock_each_other_out(mine: Services) -> None:
    ids = list(THREE)
    ended: list[Any] = []

    async def patch(order: list[str], value: str) -> None:
        users = [{"loginId": name, "givenName": value} for name in order]
        ended.append(await invoke(Call("PatchUserBatch", {"users": users}, "agent"), mine))

    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:
            for number in range(6):
                order = ids[number % 3 :] + ids[: number % 3]
                tasks.start_soon(patch, order, f"v{number}")
    assert all(isinstance(one, Completed) for one in ended), ended


_HOLD = """
import sys, time
from pathlib import Path
from descope_mcp.store import target_leases
from descope_mcp.store.target_leases import Section
from descope_mcp.store.store import Store
store = Store(Path(sys.argv[1]), Path(sys.argv[2]))
assert target_leases.acquire(store, Section("dead", (sys.argv[3],), 600.0))
print("held", flush=True)
time.sleep(60)
"""


async def test_a_killed_process_holds_nothing(mine: Services) -> None:
    store = mine.store
    user = await held(mine)
    (name,) = target_leases.named(store, mine.project, [user["userId"]])
    places = (str(store.directory), str(store.key_file))
    holder = subprocess.Popen(  # noqa: ASYNC220 - it only starts
        [sys.executable, "-c", _HOLD, *places, name], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout
    assert (await run_sync(holder.stdout.readline)).strip() == "held"
    other = Section("mine", (name,), 600.0)
    assert not target_leases.acquire(store, other)
    os.kill(holder.pid, signal.SIGKILL)
    holder.communicate()
    with anyio.fail_after(20):
        changed = Call("PatchUser", {"loginId": USER, "givenName": "X"}, "agent")
        assert isinstance(await invoke(changed, mine), Completed)


async def test_a_hold_ends_by_itself(mine: Services) -> None:
    """Where the process cannot be looked for: on another machine, or behind the same number."""
    assert target_leases.acquire(mine.store, Section("a", ("n",), 0.2))
    assert not target_leases.acquire(mine.store, Section("b", ("n",), 1.0))
    await anyio.sleep(0.25)
    assert target_leases.acquire(mine.store, Section("b", ("n",), 1.0))
    assert not target_leases.current(mine.store, Section("c", ("n",), 1.0), 10**9)


#: What somebody else makes of the object at the very moment, and what the agent is told of it.
AT_THE_MOMENT: dict[str, tuple[dict[str, str] | None, bool]] = {
    "nobody does anything": ({}, False),
    "another field is changed": ({"familyName": "Eve"}, True),
    "the same field is changed": ({"givenName": "Eve"}, True),
    "the read lags behind": (None, False),
}


@pytest.mark.parametrize("what", AT_THE_MOMENT)
async def test_a_change_from_outside_at_the_same_moment_is_told(
    catalog: Catalog, what: str
) -> None:
    """A replace fills in what it read; no lock keeps others in the console from writing."""
    interference, told = AT_THE_MOMENT[what]
    user: dict[str, Any] = {"loginIds": ["ada"], "userId": "U1", "name": "Ada"}
    user |= {"givenName": "A", "middleName": "", "familyName": "Okafor"}

    def answer(request: Recorded) -> JSONResponse:
        if request.path.endswith("/update/name") and interference is not None:
            user.update({k: v for k, v in json.loads(request.body).items() if k in user})
            user.update(interference)
        return JSONResponse({"user": user})

    async with recording(answer) as recorder:
        services = recorder.services(catalog)
        call = Call("UpdateUserDisplayName", {"loginId": "ada", "givenName": "Ada"}, "agent")
        outcome = await invoke(call, services)
        assert isinstance(outcome, Completed), outcome
        notes = " ".join(outcome.notes)
        assert ("this is not as it was sent" in notes) is told, notes
        assert all(field in notes for field in interference or ())
        await services.client.close()
