"""Calls taken back in a browser: along the command's path, after a question, and sent once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pyotp
import pytest

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.guard.policy.file import parse
from descope_mcp.store.consent import approvals, second_factor
from descope_mcp.store.journal import entries as journal
from descope_mcp.store.store import Store
from tests.console.somebody import Somebody
from tests.console.world import DANIEL, World, acting, question


@pytest.fixture
def world(catalog: Catalog, own: Store, request: pytest.FixtureRequest) -> Iterator[World]:
    rules = parse("ours.toml", getattr(request, "param", ""), catalog)[0]
    with acting(catalog, own, Policy(rules=rules)) as made:
        yield made


def test_a_deleted_user_comes_back_once(world: World) -> None:
    call, one = world.call("DeleteUser", DANIEL), Somebody(world.console, "approver")
    path = f"journal/{call}"
    assert "Undo" in one.get(path).text
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
    assert "Undone by" in after
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
