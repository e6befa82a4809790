"""Asking until somebody says yes, and clients that answer for the person before them."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest

from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Completed, NeedsConfirmation, Undo
from descope_mcp.call.plan.outcome import PlanOutcome, PlanRequest
from descope_mcp.call.plan.plan import plan
from descope_mcp.call.services import Services
from descope_mcp.call.undo.undo import undo
from descope_mcp.guard.consent import said_no
from descope_mcp.guard.consent.confirmation import LIFETIME, Question, accept
from descope_mcp.store.consent import approvals, used_confirmations
from descope_mcp.store.store import Store
from tests.attacks.directory import Directory, changes
from tests.attacks.tally import BYPASSED, CALLS, none, tally
from tests.e2e.wire import ASKABLE, Wire, pointed_at, wired
from tests.recorder import PROJECT, Recorder, recording, shared_store

pytestmark = pytest.mark.anyio

DECLINE: dict[str, Any] = {"action": "decline"}
#: More than the longest question takes.
READING = 4.1


class Old:
    """A client that is asked while its call is open."""

    def __init__(self, wire: Wire) -> None:
        self.wire, self.asked = wire, 0

    async def call(
        self, name: str, arguments: Any, answer: dict[str, Any] | None = None, after: float = 0
    ) -> dict[str, Any]:
        """The structured result, with `answer` given to the question if there is one."""
        tally[CALLS] += 1
        number = await self.wire.send("tools/call", {"name": name, "arguments": arguments})
        if answer:
            question = await self.wire.asked()
            self.asked += 1
            await anyio.sleep(after)
            await self.wire.reply(question, result=answer)
        return dict((await self.wire.answer(number))["result"]["structuredContent"])


class New(Old):
    """A client that calls again with the answer."""

    async def call(
        self, name: str, arguments: Any, answer: dict[str, Any] | None = None, after: float = 0
    ) -> dict[str, Any]:
        tally[CALLS] += 1
        said = (await self.wire.call(name, arguments, capabilities=ASKABLE))["result"]
        if said["resultType"] == "input_required":
            self.asked += 1
            assert answer, said
            await anyio.sleep(after)
            more = {"requestState": said["requestState"], "inputResponses": {"confirm": answer}}
            again = await self.wire.call(name, arguments, capabilities=ASKABLE, **more)
            said = again["result"]
        return dict(said["structuredContent"])


@pytest.fixture(scope="module")
async def recorder() -> AsyncIterator[Recorder]:
    async with recording(Directory().answer) as recorder:
        yield recorder


@pytest.fixture(scope="module", params=[Old, New])
async def client(request: pytest.FixtureRequest, recorder: Recorder) -> AsyncIterator[Old]:
    async with wired(env=pointed_at(recorder.url)) as wire:
        if request.param is Old:
            await wire.initialize(ASKABLE)
        yield request.param(wire)


def ada(client: Old, test: str) -> dict[str, Any]:
    """A user of one test with one client."""
    return {"loginId": f"{test}-{type(client).__name__}"}


async def test_a_client_that_answers_by_itself_is_found_out(
    client: Old, recorder: Recorder
) -> None:
    recorder.requests.clear()
    target = ada(client, "by-itself")
    refused = await client.call("DeleteUser", target, DECLINE)
    assert refused["rule"] == "declined-unread"
    assert "The person said no" not in refused["message"]
    assert "by itself" in refused["message"]
    number = re.search(r"approvals approve (\d+)", refused["remedy"])
    assert number
    assert changes(recorder) == []
    # What was left outside lets exactly this call through, once.
    assert approvals.answer(shared_store(), int(number[1]), approved=True)
    assert "error" not in await client.call("DeleteUser", target)
    assert len(changes(recorder)) == 1
    assert (await client.call("DeleteUser", target))["rule"] == "declined-before"


async def test_nobody_is_worn_down(client: Old, recorder: Recorder) -> None:
    """The same call, again and again, in this process and in another one of the same store."""
    recorder.requests.clear()
    target = ada(client, "worn-down")
    assert (await client.call("DeleteUser", target, DECLINE, READING))["rule"] == "declined"
    before = client.asked
    refused = [await client.call("DeleteUser", target) for _ in range(5)]
    hub = {"operation": "DeleteUser", "arguments": target}
    refused.append(await client.call("descope_destructive", hub))
    async with wired(env=pointed_at(recorder.url)) as wire:
        if type(client) is Old:
            await wire.initialize(ASKABLE)
        other = type(client)(wire)
        refused += [await other.call("DeleteUser", target) for _ in range(3)]
        none([f"{other.asked} questions"] if other.asked else [], BYPASSED)
    none([f"{client.asked - before} questions"] if client.asked > before else [], BYPASSED)
    assert {one["rule"] for one in refused} == {"declined-before"}
    assert len({one["remedy"] for one in refused}) == 1, "one request waits, not nine"
    assert changes(recorder) == []
    # Another call is another question.
    other_target = {"loginId": f"{target['loginId']}-2"}
    assert (await client.call("DeleteUser", other_target, DECLINE))["rule"] == "declined-unread"


async def test_what_was_not_said_is_not_reported(client: Old) -> None:
    """Closing the question and sending the form unticked are told apart, and from a no."""
    target = ada(client, "closed")
    for _ in range(2):
        closed = await client.call("DeleteUser", target, {"action": "cancel"}, READING)
        assert closed["rule"] == "cancelled"
        assert "said no" not in closed["message"]
    unticked: dict[str, Any] = {"action": "accept", "content": {"confirm": False}}
    refused = await client.call("DeleteUser", target, unticked, READING)
    assert refused["rule"] == "not-ticked"
    assert (await client.call("DeleteUser", target))["rule"] == "declined-before"


async def test_the_name_that_was_wanted_is_not_told(client: Old) -> None:
    target = {"id": ada(client, "typed")["loginId"], "cascade": True}
    wrong = {"action": "accept", "content": {"name": "Acme"}}
    refused = await client.call("DeleteTenant", target, wrong)
    assert refused["rule"] == "typed"
    assert "Acme Corp" not in f"{refused['message']}{refused['remedy']}"
    # Who wanted to say yes may try again at once.
    right = {"action": "accept", "content": {"name": "Acme Corp"}}
    assert "error" not in await client.call("DeleteTenant", target, right)


async def test_a_no_outside_is_heard(client: Old) -> None:
    target = ada(client, "outside")
    refused = await client.call("DeleteUser", target, DECLINE)
    number = int(re.findall(r"approve (\d+)", refused["remedy"])[0])
    said = "she is on leave\nand comes back"
    assert approvals.answer(shared_store(), number, approved=False, reason=said)
    for _ in range(2):
        denied = await client.call("DeleteUser", target)
        assert denied["rule"] == "denied"
        assert f"request {number}" in denied["message"]
        # As one quoted line: what a person types is no sentence of the server.
        assert '"she is on leave\\nand comes back"' in denied["message"]


def question(name: str, length: int = 100) -> Question:
    expires = time.time() + LIFETIME
    same = said_no.same_call("DeleteUser", {"loginId": name}, PROJECT, "me")
    return Question("?", "", "", same, f"nonce {name}", expires, False, same, length)


ADA = {"loginId": "ada.okafor@acme.example"}
BEN = "ben.carter@acme.example"
TARA = {"loginId": "tara.singh@umbra.example"}


@pytest.fixture
def own(acme: Services, tmp_path: Path) -> Iterator[Services]:
    """Services whose store nobody has said anything in."""
    store = Store(tmp_path / "state", tmp_path / "config" / "key")
    yield replace(acme, store=store)
    store.close()


async def asked_of(acme: Services, operation: str, given: dict[str, Any]) -> Question:
    return question_of(await invoke(Call(operation, given, "agent"), acme))


async def asked_of_plan(acme: Services, *steps: dict[str, Any], **more: Any) -> Question:
    return question_of(await plan(PlanRequest(list(steps), "agent", **more), acme))


def question_of(outcome: PlanOutcome) -> Question:
    assert isinstance(outcome, NeedsConfirmation), outcome
    return outcome.question


def step(operation: str, given: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"operation": operation, "arguments": given, **more}


async def user_id(acme: Services) -> str:
    found = await invoke(Call("LoadUser", ADA, "agent"), acme)
    assert isinstance(found, Completed), found
    return str(found.data["user"]["userId"])


def filed(store: Store, question: Question) -> int:
    """A request that waits for a person outside of the client."""
    request = approvals.file(
        store,
        project=PROJECT,
        caller="agent",
        operation="DeleteUser",
        binding=question.binding,
        question="?",
        typed="",
    )
    assert request
    return request.number


async def test_a_no_is_to_what_is_done_to_whom_and_not_to_a_spelling(acme: Services) -> None:
    own = await user_id(acme)
    said = await asked_of(acme, "DeleteUser", ADA)
    again = [
        await asked_of(acme, "DeleteUser", {"userId": own}),
        await asked_of(acme, "DeleteUser", {"loginId": own}),
        await asked_of(acme, "DeleteUsers", {"userIds": [own]}),
        await asked_of_plan(acme, step("DeleteUser", {"userId": own}, id="other"), title="Tidy"),
    ]
    assert {one.same for one in again} == {said.same}
    # Of the same words, a yes is still for these alone.
    assert len({said.binding, *(one.binding for one in again)}) == 5
    assert (await asked_of(acme, "DeleteUser", TARA)).same != said.same


async def test_a_no_to_one_is_one_to_the_operation_for_several(acme: Services) -> None:
    found = await invoke(Call("SearchAccessKeys", {}, "agent"), acme)
    assert isinstance(found, Completed), found
    first, second = (key["id"] for key in found.data["keys"][:2])
    one = await asked_of(acme, "DeleteAccessKey", {"id": first})
    assert (await asked_of(acme, "DeleteAccessKeys", {"ids": [first]})).same == one.same
    assert (await asked_of(acme, "DeleteAccessKeys", {"ids": [first, second]})).same != one.same
    assert (await asked_of(acme, "DeactivateAccessKey", {"id": first})).same != one.same
    role = {"roleNames": ["Owner"]}
    one = await asked_of(acme, "PatchUser", {"loginId": BEN, **role})
    several = {"users": [{"loginId": BEN, **role}]}
    assert (await asked_of(acme, "PatchUserBatch", several)).same == one.same


async def test_a_no_outside_of_the_client_is_to_what_is_done_to_whom(own: Services) -> None:
    by_id, now = {"userId": await user_id(own)}, time.time()
    number = filed(own.store, await asked_of(own, "DeleteUser", ADA))
    assert approvals.answer(own.store, number, approved=False)
    for _ in range(2):
        asked = await asked_of(own, "DeleteUser", by_id)
        heard = said_no.denied(own.store, asked, now)
        assert heard
        assert heard.number == number
        assert said_no.is_whole(asked, heard)
    in_a_plan = await asked_of_plan(own, step("DeleteUser", by_id), step("DeleteUser", TARA))
    heard = said_no.denied(own.store, in_a_plan, now)
    assert heard
    assert not said_no.is_whole(in_a_plan, heard)
    # Whoever approves it by another name has thought better of it.
    later = filed(own.store, asked)
    assert approvals.answer(own.store, later, approved=True)
    assert said_no.denied(own.store, await asked_of(own, "DeleteUser", ADA), now) is None


async def test_what_was_declined_is_not_put_to_a_person_as_a_part_of_more(own: Services) -> None:
    gone, other = step("DeleteUser", ADA), step("DeleteUser", TARA)
    said_no.keep(own.store, await asked_of(own, "DeleteUser", ADA), time.time())
    assert said_no.stands(own.store, await asked_of_plan(own, other, gone))
    assert not said_no.stands(own.store, await asked_of_plan(own, other))


async def test_a_no_to_a_plan_is_one_to_all_that_do_the_same(own: Services) -> None:
    gone, other = step("DeleteUser", ADA), step("DeleteUser", TARA)
    said_no.keep(own.store, await asked_of_plan(own, gone, other), time.time())
    by_id = step("DeleteUser", {"userId": await user_id(own)}, id="second")
    again = await asked_of_plan(own, other, by_id, title="Tidy", on_failure="continue")
    assert said_no.stands(own.store, again)
    # A person who wants one of two may be asked about it.
    assert not said_no.stands(own.store, await asked_of_plan(own, gone))


async def test_a_no_to_an_undo_is_one_to_the_same_at_any_cost(own: Services) -> None:
    asked = await asked_of(own, "DeleteRole", {"name": "Editor"})
    call = Call("DeleteRole", {"name": "Editor"}, "agent", approval=accept(asked))
    gone = await invoke(call, own)
    assert isinstance(gone, Completed), gone
    back = question_of(await undo(Undo(gone.call_id, "agent"), own))
    said_no.keep(own.store, back, time.time())
    again = question_of(await undo(Undo(gone.call_id, "agent", anyway=True), own))
    assert said_no.stands(own.store, again)


def test_a_no_stands_for_a_minute(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, now = question("minute"), time.time()
    assert not said_no.stands(store, asked)
    said_no.keep(store, asked, now)
    assert said_no.stands(store, asked)
    assert not said_no.stands(store, question("other"))
    monkeypatch.setattr(used_confirmations.time, "time", lambda: now + said_no.STANDS + 1)
    assert not said_no.stands(store, asked)


def test_a_denial_is_heard_once_and_for_a_minute(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, now = question("heard"), time.time()
    number = filed(store, asked)
    assert said_no.denied(store, asked, now) is None
    assert approvals.answer(store, number, approved=False)
    for _ in range(2):
        heard = said_no.denied(store, asked, now)
        assert heard
        assert heard.number == number
    monkeypatch.setattr(used_confirmations.time, "time", lambda: now + said_no.STANDS + 1)
    assert said_no.denied(store, asked, now) is None


@pytest.mark.parametrize(
    ("length", "seconds", "unread"),
    [(0, 0.9, True), (0, 1.1, False), (600, 1.5, True), (600, 1.7, False), (100_000, 4.1, False)],
)
def test_how_long_reading_takes(length: int, seconds: float, unread: bool) -> None:
    assert said_no.unread(question("x", length), seconds) is unread
