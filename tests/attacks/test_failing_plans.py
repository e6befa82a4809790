"""Plans whose calls fail and whose processes die: the truth is told, and nothing runs twice.

A service on loopback knows which changes took effect. Some it refuses, of some nobody is told.
"""

from __future__ import annotations

import random
import shutil
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import JSONResponse, Response

from descope_mcp.call.outcome import NeedsConfirmation, Refused
from descope_mcp.call.plan.outcome import PlanEnded, PlanRequest
from descope_mcp.call.plan.plan import plan
from descope_mcp.call.plan.record import found
from descope_mcp.call.services import Services
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.consent.confirmation import accept
from descope_mcp.guard.question.renderers.terminal import screen
from descope_mcp.store.journal import entries as journal
from descope_mcp.store.journal import hash_chain
from descope_mcp.store.store import Store
from tests.attacks.scenes import CALLER, Runner, arrived
from tests.attacks.tally import BYPASSED, CALLS, KILLS, LOST, tally
from tests.attacks.victim import Job, services
from tests.recorder import Recorded, Recorder, recording

pytestmark = pytest.mark.anyio

PEOPLE = [f"p{n}" for n in range(6)]
STEPS = [
    {"operation": "UpdateUserStatus", "for_each": PEOPLE[:3],
     "arguments": {"loginId": "$each", "status": "disabled"}},
    *({"operation": "DeleteUser", "arguments": {"loginId": login}} for login in PEOPLE[3:]),
]  # fmt: skip


@dataclass
class Service:
    """What took effect, how often, and what becomes of the changes that come."""

    dice: random.Random = field(default_factory=random.Random)
    faults: float = 0.0
    applied: Counter[str] = field(default_factory=Counter)

    def answer(self, request: Recorded) -> Response:
        if request.method == "GET":
            login = dict(request.query).get("loginId") or dict(request.query).get("userId", "")
            if login not in PEOPLE:
                return JSONResponse({"errorCode": "E062108", "errorDescription": "?"}, 404)
            user = {"loginIds": [login], "userId": f"U{login}", "name": login, "status": "enabled"}
            return JSONResponse({"user": user})
        return self._changed(hit(request)) if hit(request) else JSONResponse({})

    def _changed(self, login: str) -> Response:
        if self.dice.random() < self.faults:
            fault = self.dice.choice(["refused", "lost before", "lost after"])
            if fault == "refused":
                return JSONResponse({"errorCode": "E011001", "errorDescription": "no"}, 400)
            if fault == "lost after":
                self.applied[login] += 1
            return Response("gone", 504)
        self.applied[login] += 1
        return JSONResponse({})


def hit(request: Recorded) -> str:
    """Whom a request changes, "" if it is no change."""
    if not request.path.endswith(("/user/update/status", "/user/delete")):
        return ""
    return str(request.json["loginId"])


async def changed(recorder: Recorder) -> list[str]:
    """Whom the changes hit that have reached the service."""
    await arrived(recorder)
    return [hit(one) for one in recorder.requests if hit(one)]


async def ask(used: Services, request: PlanRequest) -> tuple[PlanRequest, str]:
    """The request with a person's yes, and what they read."""
    asked = await plan(request, used)
    assert isinstance(asked, NeedsConfirmation), asked
    return replace(request, approval=accept(asked.question)), screen(asked.disclosure)


def untrue(ended: PlanEnded, applied: Counter[str], shown: str) -> list[str]:
    """What a plan says of its calls that is not so."""
    wrong = [f"{login} ran {times} times" for login, times in applied.items() if times > 1]
    wrong += [f"{login} was not shown" for login in applied if f'"{login}"' not in shown]
    for call in ended.calls:
        times = applied[call.target.strip('"')]
        if call.became == "done" and not times:
            wrong.append(f"{call.target} is done, and nothing happened")
        if call.became in ("failed", "not run") and times:
            wrong.append(f"{call.target} is {call.became}, and it took effect")
    return wrong


async def failing(catalog: Catalog, place: Path, seed: int) -> None:
    """One plan among failures, and what is left of it run to its end without any."""
    service = Service(random.Random(seed), 0.25)
    on_failure: Any = "continue" if seed % 2 else "stop"
    async with recording(service.answer) as recorder:
        store = Store(place / "state", place / "config" / "key")
        used = recorder.services(catalog, store=store)
        request, shown = await ask(used, PlanRequest(STEPS, CALLER, on_failure=on_failure))
        first = await plan(request, used)
        assert isinstance(first, PlanEnded), first
        assert untrue(first, service.applied, shown) == [], seed
        unknown = {c.target.strip('"') for c in first.calls if c.became == "unknown"}
        service.faults = 0.0
        rest = PlanRequest([], CALLER, resume=first.id)
        again = await plan(rest, used)
        if isinstance(again, NeedsConfirmation):
            assert not any(f'"{login}"' in screen(again.disclosure) for login in unknown)
            second = await plan(replace(rest, approval=accept(again.question)), used)
            assert isinstance(second, PlanEnded), second
            assert {call.became for call in second.calls} == {"done"}, seed
        else:
            assert isinstance(again, Refused), again
            assert again.rule == "nothing-left"
        assert all(service.applied[login] == 1 for login in PEOPLE if login not in unknown), seed
        assert max(service.applied.values()) == 1
        assert hash_chain.problems(store)[2] == []
        await used.client.close()
        store.close()
    tally[CALLS] += 2


async def dying(
    place: Path, at: int | None, runner: Runner, recorder: Recorder, catalog: Catalog
) -> dict[str, Any]:
    """A plan whose process dies at a line, told by the journal and gone on with by another."""
    recorder.requests.clear()
    job = Job(recorder.url, str(place / "state"), str(place / "config/key"), "plan",
              {"steps": STEPS}, CALLER)  # fmt: skip
    used = services(job, catalog)
    request, _ = await ask(used, PlanRequest(STEPS, CALLER))
    assert request.approval
    await used.client.close()
    used.store.close()
    (result,) = await runner.run(replace(job, approval=asdict(request.approval), at=at))
    sent = await changed(recorder)
    used = services(job, catalog)
    problems = list(hash_chain.problems(used.store)[2])
    plans = journal.entries(used.store, operation="plan")
    problems += [f"{sent} was sent twice"] if len(set(sent)) < len(sent) else []
    if not plans:
        problems += [f"{sent} was sent, and the journal knows no plan"] if sent else []
    else:
        _, details, calls = found(used.store, "", plans[0].call)
        told = {call.number for call in calls if call.result in ("done", "unknown")}
        if len(told) < len(sent):
            tally[LOST] += 1
            problems.append(f"{len(sent)} were sent, and the journal tells of {sorted(told)}")
        if len(details["calls"]) != len(PEOPLE):
            problems.append("the journal does not know the whole plan")
        problems += await gone_on_with(plans[0].call, len(told), used, recorder)
    await used.client.close()
    used.store.close()
    assert not problems, f"line {at}: {problems}"
    return result


async def gone_on_with(whole: str, told: int, used: Services, recorder: Recorder) -> list[str]:
    """What is wrong after somebody who lives has gone on with a plan."""
    rest = PlanRequest([], CALLER, resume=whole)
    again = await plan(rest, used)
    if isinstance(again, NeedsConfirmation):
        ended = await plan(replace(rest, approval=accept(again.question)), used)
        if not isinstance(ended, PlanEnded) or ended.count("done") != len(PEOPLE) - told:
            return [f"what was left did not run: {ended}"]
    sent = await changed(recorder)
    if len(set(sent)) < len(sent) or len(sent) > len(PEOPLE):
        tally[BYPASSED] += 1
        return [f"{sent} was sent in all"]
    return []


@pytest.mark.parametrize("seed", range(12))
async def test_among_failures_the_truth_is_told(
    catalog: Catalog, tmp_path: Path, seed: int
) -> None:
    await failing(catalog, tmp_path, seed)


@pytest.fixture(scope="module")
async def loopback() -> Any:
    """A service of which nothing fails, and that tells changes apart by whom they hit."""

    def answer(request: Recorded) -> Response:
        return Service().answer(request)

    async with recording(answer) as recorder:
        yield recorder


async def killed(
    times: int, place: Path, runner: Runner, recorder: Recorder, catalog: Catalog
) -> None:
    """Kill as many processes as told, at lines spread over a whole run of a plan."""
    whole = await dying(place / "whole", 0, runner, recorder, catalog)
    assert whole["code"] == 0, whole
    died = 0
    for number in range(times):
        at = 1 + round((number + 0.5) * whole["lines"] / times)
        result = await dying(place / str(number), at, runner, recorder, catalog)
        died += result["code"] == -9
        tally[CALLS] += 1
        shutil.rmtree(place / str(number))
    tally[KILLS] += died
    assert died >= times - 1 - times // 10


async def test_a_plan_whose_process_dies_is_told_and_gone_on_with(
    tmp_path: Path, runner: Runner, loopback: Recorder, catalog: Catalog
) -> None:
    await killed(6, tmp_path, runner, loopback, catalog)


@pytest.mark.campaign
@pytest.mark.timeout(3600)
async def test_two_hundred_plans_die(
    tmp_path: Path, runner: Runner, loopback: Recorder, catalog: Catalog
) -> None:
    await killed(200, tmp_path, runner, loopback, catalog)


@pytest.mark.campaign
@pytest.mark.timeout(3600)
async def test_eight_hundred_plans_fail(catalog: Catalog, tmp_path: Path) -> None:
    for seed in range(1000, 1800):
        await failing(catalog, tmp_path / str(seed), seed)
        shutil.rmtree(tmp_path / str(seed))
