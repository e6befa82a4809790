"""Requests answered at a terminal: shown, watched, denied with a reason, taken back."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pexpect
import pytest

from descope_mcp.cli.asking import notification
from descope_mcp.guard.decide import Decider, decide
from descope_mcp.guard.question.question_data import Difference, Disclosure, Project, to_json
from descope_mcp.store.consent import approvals
from descope_mcp.store.consent.request import Request
from descope_mcp.store.store import Store
from tests.cli.processes import COMMAND, run
from tests.console import requests as console_requests
from tests.recorder import STORE_SETTINGS

LONG = tuple(f"role {n}: gains x" for n in range(60))


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    places = (tmp_path / "state", tmp_path / "config" / "key")
    return {name: str(place) for name, place in zip(STORE_SETTINGS, places, strict=True)}


@pytest.fixture
def store(env: dict[str, str]) -> Store:
    return Store(*(Path(env[name]) for name in STORE_SETTINGS))


def filed(store: Store, consequence: str = 'Delete the user "x"', typed: str = "") -> Request:
    said = Disclosure(
        "DeleteUser",
        "Delete a user",
        consequence,
        Project('"P1"'),
        "agent",
        "destructive",
        documents=(Difference('"roles.json"', "60 values different", lines=LONG),),
        typed=typed,
    )
    request = approvals.file(
        store,
        project="P1",
        caller="agent",
        operation="DeleteUser",
        binding=consequence,
        question=to_json(said),
        typed=typed,
    )
    assert request
    return request


def spawned(env: dict[str, str], *arguments: str) -> pexpect.spawn:
    outside = {"PATH": os.environ["PATH"], "TERM": "dumb"}
    return pexpect.spawn(
        COMMAND, ["approvals", *arguments], env={**outside, **env}, timeout=30, encoding="utf-8"
    )


def status(store: Store, number: int) -> str:
    found = approvals.request(store, number)
    assert found
    return found.status


def test_a_request_is_one_line_a_question_and_data(env: dict[str, str], store: Store) -> None:
    number = str(filed(store).number)
    (line,) = run("approvals", "list", env=env).stdout.splitlines()
    assert line.endswith('Delete the user "x"')
    shown = run("approvals", "show", number, env=env).stdout
    assert shown.startswith('Delete the user "x"?\nTake care. ')
    assert "gains x" not in shown
    assert f"approvals diff {number}" in shown
    assert run("approvals", "diff", number, env=env).stdout.count("gains x") == len(LONG)
    data = json.loads(run("approvals", "show", number, "--json", env=env).stdout)
    assert data["question"]["consequence"] == 'Delete the user "x"'
    assert len(data["question"]["documents"][0]["lines"]) == len(LONG)


def test_an_approval_is_taken_back_until_it_is_used(env: dict[str, str], store: Store) -> None:
    number = filed(store).number
    assert approvals.answer(store, number, approved=True)
    revoked = run("approvals", "revoke", str(number), "--reason", "wrong one", env=env)
    assert revoked.returncode == 0
    assert approvals.consume(store, 'Delete the user "x"') == 0
    again = run("approvals", "revoke", str(number), env=env)
    assert again.returncode == 1
    assert "nothing to revoke" in again.stderr


def test_a_denial_has_a_reason(env: dict[str, str], store: Store) -> None:
    number = filed(store).number
    assert run("approvals", "deny", str(number), "--reason", "use disable", env=env).returncode == 0
    found = approvals.request(store, number)
    assert found
    assert (found.status, found.reason) == ("denied", "use disable")


def test_one_person_s_yes_is_one_of_two(env: dict[str, str], store: Store) -> None:
    request = console_requests.filed(store, approvals=2)
    number = str(request.number)
    person = spawned(env, "approve", number)
    person.expect("Type yes: ")
    person.sendline("yes")
    person.expect(f"1 of 2 people have approved request {number}")
    person.expect(pexpect.EOF)
    # The account is whose id the process runs under, whatever the environment calls it.
    again = spawned({**env, "LOGNAME": "bob", "USER": "bob"}, "watch")
    for _ in range(2):
        again.sendline(number)
        again.expect("Type yes: ")
        again.sendline("yes")
        again.expect(f"You have approved request {number} already")
    again.sendline("q")
    again.expect(pexpect.EOF)
    assert status(store, request.number) == "pending"


def test_a_name_may_be_mistyped_and_the_consequence_is_said_again(
    env: dict[str, str], store: Store
) -> None:
    request = filed(store, 'Delete the tenant "Globex"', typed="Globex")
    person = spawned(env, "approve", str(request.number))
    person.setwinsize(10, 80)
    for typed in ("globex", "Globex"):
        person.expect("Type Globex to approve: ")
        person.sendline(typed)
    person.expect("is approved")
    person.expect(pexpect.EOF)
    assert status(store, request.number) == "approved"


def test_requests_are_answered_as_they_come(env: dict[str, str], store: Store) -> None:
    first = filed(store, 'Delete the user "one"')
    person = spawned(env, "watch")
    person.expect('Delete the user "one"')
    person.expect("\a")
    second = filed(store, 'Delete the user "two"')
    person.expect('Delete the user "two"')
    person.sendline(str(second.number))
    person.expect("Type yes: ")
    person.sendline("yes")
    person.expect("is approved")
    person.sendline(str(first.number))
    person.expect("Type yes: ")
    person.sendline("no")
    person.expect("Type why")
    person.sendline("not today")
    person.expect("is denied")
    person.sendline("q")
    person.expect(pexpect.EOF)
    assert status(store, second.number) == "approved"
    found = approvals.request(store, first.number)
    assert found
    assert (found.status, found.reason) == ("denied", "not today")


def test_nobody_watches_through_a_pipe(env: dict[str, str], store: Store) -> None:
    filed(store)
    piped = run("approvals", "watch", env=env, given="1\nyes\n")
    assert (piped.returncode, "terminal" in piped.stderr) == (3, True)


def test_what_a_desktop_is_told_is_no_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    command = notification._command('Delete "<b>x</b>"')
    assert command[-3:] == ["--", notification._TITLE, "Delete &quot;&lt;b&gt;x&lt;/b&gt;&quot;"]
    monkeypatch.delenv("DISPLAY")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert notification._command("x") == []


def test_waiting_ends_with_the_answer(env: dict[str, str], store: Store) -> None:
    number = filed(store).number
    waiting = spawned(env, "wait", str(number), "--json")
    late = run("approvals", "wait", str(number), "--timeout", "0.1s", env=env)
    assert late.returncode == 5
    assert "was not answered within 0.1s" in late.stderr
    decide(store, number, "deny", Decider("ada", "terminal"))
    waiting.expect(pexpect.EOF)
    waiting.close()
    told = json.loads(str(waiting.before))
    assert told == {"number": number, "status": "denied"}
    assert waiting.exitstatus == 3
