"""Random rounds of words that are genuine, and of words that are not.

In every round a person says yes to one call, as an answer, as an approval outside the client or
as a grant, and something is done with it. It is known for each round how often that may run.
"""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from starlette.responses import JSONResponse, Response

from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Completed, NeedsConfirmation, Outcome, Undo
from descope_mcp.call.services import Services
from descope_mcp.call.undo.undo import undo
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.json_path import leaves
from descope_mcp.guard.consent.confirmation import Approval, Question, accept
from descope_mcp.store import tables
from descope_mcp.store.consent import approvals, grants
from descope_mcp.store.integrity import signed_rows
from descope_mcp.store.journal import entries as journal
from descope_mcp.store.journal import hash_chain
from descope_mcp.store.store import Store
from tests.attacks.directory import changes
from tests.attacks.tally import BYPASSED, CALLS, LOST, tally
from tests.recorder import PROJECT, Recorded, Recorder, recording

pytestmark = pytest.mark.anyio

CALLER, OTHER = "somebody", "somebody else"
OLD_NAME = "ThirdPartyApplicationRevocationEndpointByProjectID"
NEW_NAME = "ThirdPartyAppRevocationEndpointByProjectID"

Request = Call | Undo


@dataclass
class World:
    """What every user and tenant is called now."""

    name: str = "Ada"

    def answer(self, request: Recorded) -> Response:
        path = request.path.partition("?")[0]
        if path == "/v1/mgmt/tenant":
            return JSONResponse({"id": "T1", "name": self.name})
        if path == "/v1/mgmt/users/load":
            users = [{"userId": user, "name": self.name} for user in request.json["userIds"]]
            return JSONResponse({"users": users})
        asked = dict(request.query)
        called = asked.get("loginId") or asked.get("userId") or "ada"
        user = {"loginIds": [called], "userId": "U1", "name": self.name}
        if path == "/v1/mgmt/user/create":
            made = request.json["loginId"]
            user = {**user, "loginIds": [made], "userId": made}
        return JSONResponse({"user": user} if path.startswith("/v1/mgmt/user") else {})


@dataclass
class Arena:
    """Where the rounds take place."""

    world: World
    recorder: Recorder
    services: Services

    async def run(self, request: Request) -> Outcome:
        tally[CALLS] += 1
        if isinstance(request, Undo):
            return await undo(request, self.services)
        return await invoke(request, self.services)


@pytest.fixture
async def arena(catalog: Catalog, tmp_path: Path) -> AsyncIterator[Arena]:
    world, store = World(), Store(tmp_path / "state", tmp_path / "key")
    async with recording(world.answer) as recorder:
        services = recorder.services(catalog, store=store)
        yield Arena(world, recorder, services)
        await services.client.close()
    store.close()


#: What a person is asked about: the operation, its arguments with something of the round in it.
CASES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("DeleteUser", {"loginId": "{}"}),
    ("DeleteUsers", {"userIds": ["{}"]}),
    ("DeleteTenant", {"id": "{}", "cascade": True}),
    ("LogoutAllUserDevices", {"loginId": "{}"}),
    (OLD_NAME, {"project_id": PROJECT, "token": "{}"}),
    ("undo", {}),
)


async def request(arena: Arena, dice: random.Random, number: int) -> Request:
    """A call that a person will be asked about, which no other round makes."""
    operation, arguments = dice.choice(CASES)
    target = f"target-{number}"
    if operation == "undo":
        made = await arena.run(Call("CreateUser", {"loginId": target}, CALLER))
        assert isinstance(made, Completed)
        return Undo(made.call_id, CALLER)
    filled = json.loads(json.dumps(arguments).replace("{}", target))
    return Call(operation, json.dumps(filled) if dice.random() < 0.3 else filled, CALLER)


def forms(one: Request) -> Request:
    """The same call in another form."""
    if isinstance(one, Undo):
        return replace(one, call=one.call[:12])
    arguments = one.arguments
    other = json.loads(arguments) if isinstance(arguments, str) else json.dumps(arguments)
    return replace(one, operation=one.operation.replace(OLD_NAME, NEW_NAME), arguments=other)


def altered(one: Request) -> Request:
    """Another call of the same operation."""
    assert isinstance(one, Call)
    text = one.arguments if isinstance(one.arguments, str) else json.dumps(one.arguments)
    return replace(one, arguments=json.loads(text.replace("target-", "goal-")))


def elsewhere(one: Request) -> Request:
    """A call of another operation on the same target."""
    if isinstance(one, Undo):
        return Call("DeleteUser", {"loginId": "U1"}, CALLER, approval=one.approval)
    target = "target-" + str(one.arguments).partition("target-")[2].split("'")[0].split('"')[0]
    other = "LogoutAllUserDevices" if one.operation == "DeleteUser" else "DeleteUser"
    return replace(one, operation=other, arguments={"loginId": target})


def spoken(
    arena: Arena, channel: str, one: Request, question: Question, dice: random.Random
) -> Request:
    """The call with a person's yes to it."""
    store = arena.services.store
    if channel == "answer":
        return replace(one, approval=accept(question, question.typed))
    if channel == "approval":
        filed = approvals.file(
            store,
            project=PROJECT,
            caller=CALLER,
            operation="",
            binding=question.binding,
            question=question.text,
            typed=question.typed,
        )
        assert approvals.answer(store, filed.number, approved=True)
        return one
    assert isinstance(one, Call)
    given = json.loads(one.arguments) if isinstance(one.arguments, str) else one.arguments
    assert isinstance(given, dict)
    # What is not the target may be anything.
    patterns = {
        path: str(value) if "target" in str(value) else dice.choice(["*", str(value)])
        for path, value in leaves(given)
    }
    name = one.operation.replace(OLD_NAME, NEW_NAME)
    grants.create(
        store, project=PROJECT, operation=name, arguments=patterns, items=1, seconds=600.0
    )
    return one


def lapse(arena: Arena, one: Request) -> Request:
    """Let the time of every word pass."""
    with signed_rows.book(arena.services.store) as book:
        for table in (tables.approvals, tables.grants):
            for row in book.rows(table):
                book.update(table, row, expires=1.0)
    return replace(one, approval=replace(one.approval, expires=1.0)) if one.approval else one


TWISTS = (
    "genuine",
    "another form",
    "no word",
    "replayed",
    "at once",
    "altered",
    "another caller",
    "another operation",
    "expired",
    "changed since",
    "forged",
    "nothing typed",
)


def fits(twist: str, channel: str, one: Request, question: Question) -> bool:
    """Whether a round makes sense: a grant, for one, is for whoever calls and what is found."""
    if channel == "grant":
        unfit = ("another caller", "changed since", "forged", "nothing typed")
        return isinstance(one, Call) and not question.typed and twist not in unfit
    if twist == "altered" and isinstance(one, Undo):
        return False
    if twist == "changed since":
        return isinstance(one, Call) and one.operation not in (OLD_NAME, NEW_NAME)
    if twist == "nothing typed" and not question.typed:
        return False
    return channel == "answer" or twist not in ("forged", "nothing typed")


def chosen(one: Request, question: Question, dice: random.Random) -> tuple[str, str]:
    """What is done, and with which kind of word."""
    pairs = [
        (twist, channel)
        for twist in TWISTS
        for channel in ("answer", "approval", "grant")
        if fits(twist, channel, one, question)
    ]
    return dice.choice(pairs)


def tries(
    arena: Arena, twist: str, ready: Request, question: Question, dice: random.Random
) -> list[Request]:
    """What is tried in a round with a call for which there is a word."""
    made_up = Approval("0" * 64, f"{dice.random()}", question.expires, question.typed)
    mistyped = accept(question, dice.choice(["", PROJECT, question.typed.upper(), "yes"]))
    ways: dict[str, Callable[[], list[Request]]] = {
        "another form": lambda: [forms(ready)],
        "replayed": lambda: [ready, ready, forms(ready)],
        "at once": lambda: [ready] * dice.randint(2, 8),
        "altered": lambda: [altered(ready)],
        "another caller": lambda: [replace(ready, caller=OTHER)],
        "another operation": lambda: [elsewhere(ready)],
        "expired": lambda: [lapse(arena, ready), lapse(arena, ready)],
        "forged": lambda: [replace(ready, approval=made_up)],
        "nothing typed": lambda: [replace(ready, approval=mistyped)],
    }
    return ways.get(twist, lambda: [ready])()


async def play(arena: Arena, number: int) -> tuple[str, int, int]:
    """One round: what it was, how often it ran and how often it may have."""
    dice = random.Random(number)
    arena.world.name = "Ada"
    one = await request(arena, dice, number)
    asked = await arena.run(one)
    assert isinstance(asked, NeedsConfirmation), asked
    question = asked.question
    twist, channel = chosen(one, question, dice)
    arena.recorder.requests.clear()
    ready = one if twist == "no word" else spoken(arena, channel, one, question, dice)
    if twist == "changed since":
        arena.world.name = "Bea"
    async with anyio.create_task_group() as tasks:
        for each in tries(arena, twist, ready, question, dice):
            if twist == "at once":
                tasks.start_soon(arena.run, each)
            else:
                await arena.run(each)
    may = int(twist in ("genuine", "another form", "replayed", "at once"))
    return f"{number}: {one} {twist} ({channel})", len(changes(arena.recorder)), may


async def rounds(arena: Arena, numbers: range) -> None:
    wrong: list[str] = []
    played = 0
    for number in numbers:
        what, ran, may = await play(arena, number)
        played += 1
        tally[BYPASSED] += max(0, ran - may)
        if ran != may:
            wrong.append(f"{what}: ran {ran} times instead of {may}")
    assert not wrong, "\n".join(wrong)
    assert played == len(numbers)
    store = arena.services.store
    assert hash_chain.problems(store)[2] == []
    unsettled = [entry for entry in journal.entries(store) if not entry.settled]
    tally[LOST] += len(unsettled)
    assert unsettled == []


async def test_a_hundred_rounds(arena: Arena) -> None:
    await rounds(arena, range(100))


@pytest.mark.campaign
async def test_a_thousand_rounds(arena: Arena) -> None:
    await rounds(arena, range(1000, 2000))
