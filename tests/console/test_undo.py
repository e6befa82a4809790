"""Calls taken back in a browser: along the command's path, after a question, and sent once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import httpx2
import pyotp
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from descope_mcp.api.client import Client
from descope_mcp.api.credentials import Credentials
from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Completed, NeedsConfirmation
from descope_mcp.call.services import Services
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.consent.confirmation import accept
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.guard.policy.file import parse
from descope_mcp.sandbox.http.serve import running
from descope_mcp.sandbox.seeds import organisations
from descope_mcp.store.consent import approvals, second_factor
from descope_mcp.store.journal import entries as journal
from descope_mcp.store.store import Store
from tests.console.served import Served, served
from tests.console.somebody import Somebody

DANIEL = {"loginId": "daniel.weiss@acme.example"}
_QUESTION = re.compile(r'name="question" value="([^"]+)"')


@dataclass
class World:
    """A sandbox, and the console before it."""

    console: Served
    services: Services
    portal: BlockingPortal

    def call(self, operation: str, arguments: dict[str, Any]) -> str:
        """A call of an agent, with a yes where one is needed; its id."""
        call = Call(operation, arguments, "agent")
        outcome = self.portal.call(invoke, call, self.services)
        if isinstance(outcome, NeedsConfirmation):
            word = accept(outcome.question, outcome.question.typed)
            outcome = self.portal.call(invoke, replace(call, approval=word), self.services)
        assert isinstance(outcome, Completed), outcome
        return outcome.call_id

    def name(self) -> str:
        """The given name that the service has of a user, "" if there is none."""
        outcome = self.portal.call(invoke, Call("LoadUser", DANIEL, "agent"), self.services)
        return outcome.data["user"]["givenName"] if isinstance(outcome, Completed) else ""

    def undone(self, call: str) -> int:
        """How many calls took one back."""
        return sum(entry.undoes == call for entry in journal.entries(self.console.store))


@pytest.fixture
def world(catalog: Catalog, own: Store, request: pytest.FixtureRequest) -> Iterator[World]:
    rules = parse("ours.toml", getattr(request, "param", ""), catalog)[0]
    state = organisations.acme()
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(running(catalog.values(), state)) as service,
    ):
        keys = Credentials(service.project_id, service.management_key, "", "")
        client = partial(Client, service.url, keys, catalog.errors, 10.0)
        mine, theirs = client(), client()
        services = Services(catalog, mine, Policy(rules=rules), own)
        with served(replace(services, client=theirs)) as console:
            yield World(console, services, portal)
        portal.call(mine.close)


def question(page: httpx2.Response) -> str:
    """What an answer names."""
    found = _QUESTION.search(page.text)
    assert found, page.text
    return found[1]


def test_a_deleted_user_comes_back_once(world: World) -> None:
    call, one = world.call("DeleteUser", DANIEL), Somebody(world.console, "approver")
    path = f"journal/{call}"
    assert "Take back" in one.get(path).text
    asked = one.post(f"{path}/undo")
    assert asked.status_code == 200
    assert "ser" in asked.text
    assert world.name() == ""
    form = {"question": question(asked), "act": "approve"}
    other = Somebody(world.console, "approver", name="cem")
    assert other.post(f"{path}/undo/answer", **form).status_code == 409
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: one.post(f"{path}/undo/answer", **form), range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert world.name() == "Daniel"
    assert world.undone(call) == 1
    after = one.get(path).text
    assert "Taken back by" in after
    assert f"{path}/undo" not in after
    (entry,) = (e for e in journal.entries(world.console.store) if e.undoes == call)
    assert (entry.caller, entry.consent) == ("bea", "person")


def test_a_no_is_written_down_and_sends_nothing(world: World) -> None:
    call, one = world.call("DeleteUser", DANIEL), Somebody(world.console, "approver")
    form = {"question": question(one.post(f"journal/{call}/undo"))}
    assert one.post(f"journal/{call}/undo/answer", **form, act="deny").status_code == 303
    assert one.post(f"journal/{call}/undo/answer", **form, act="approve").status_code == 409
    assert world.undone(call) == 0
    newest = journal.entries(world.console.store, acts=True)[0]
    assert (newest.result, newest.caller, newest.consent) == ("declined", "bea", "console")


def test_what_has_changed_since_is_overwritten_only_when_told(world: World) -> None:
    call = world.call("PatchUser", {**DANIEL, "givenName": "Dan"})
    world.call("PatchUser", {**DANIEL, "givenName": "Danny"})
    one = Somebody(world.console, "approver")
    refused = one.post(f"journal/{call}/undo")
    assert refused.status_code == 409
    assert "givenName" in refused.text
    assert world.name() == "Danny"
    assert one.post(f"journal/{call}/undo", anyway="yes").status_code == 200
    assert world.name() == "Daniel"


def test_the_second_factor_is_asked_for(world: World) -> None:
    call, one = world.call("DeleteUser", DANIEL), Somebody(world.console, "approver")
    secret = second_factor.new_secret()
    codes = second_factor.confirm(world.console.store, secret, pyotp.TOTP(secret).now())
    assert codes
    for code, status in (("000000", 409), (codes[0], 200)):
        form = {"question": question(one.post(f"journal/{call}/undo")), "code": code}
        answer = one.post(f"journal/{call}/undo/answer", **form, act="approve")
        assert answer.status_code == status
    assert world.undone(call) == 1


def test_who_only_reads_takes_nothing_back(world: World) -> None:
    call, auditor = world.call("DeleteUser", DANIEL), Somebody(world.console, "auditor")
    assert f"{call}/undo" not in auditor.get(f"journal/{call}").text
    for path in ("undo", "undo/answer"):
        assert auditor.post(f"journal/{call}/{path}").status_code == 403
    assert world.undone(call) == 0


@pytest.mark.parametrize(
    "world",
    ['[[rule]]\ndecision = "confirm"\noperation = "Create*"\napprovals = 2'],
    indirect=True,
)
def test_where_two_have_to_approve_one_is_not_enough(world: World) -> None:
    call, one = world.call("DeleteUser", DANIEL), Somebody(world.console, "approver")
    filed = one.post(f"journal/{call}/undo")
    assert filed.status_code == 303
    (request,) = approvals.requests(world.console.store, pending=True)
    assert filed.headers["location"].endswith(f"requests/{request.number}")
    other = Somebody(world.console, "approver", name="cem")
    for who, again in ((one, 303), (other, 200)):
        who.post(f"requests/{request.number}/answer", act="approve")
        assert one.post(f"journal/{call}/undo").status_code == again
    assert world.undone(call) == 1
