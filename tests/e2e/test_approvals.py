"""A person's word outside the client: requests, grants, the second factor; real terminals."""

from __future__ import annotations

import json
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import mcp_types as types
import pexpect
import pyotp
import pytest

from descope_mcp.store.consent import second_factor
from tests.cli.processes import COMMAND, run, run_in_terminal
from tests.e2e.agent import Agent, Person, connected
from tests.recorder import STORE_SETTINGS, shared_store

pytestmark = pytest.mark.anyio


@pytest.fixture
async def mute() -> AsyncIterator[Agent]:
    """An agent whose client cannot show a form."""
    async with connected("auto") as client:
        yield Agent(client, Person(), "auto")


@pytest.fixture(autouse=True)
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, place in zip(STORE_SETTINGS, ("state", "config/key"), strict=True):
        monkeypatch.setenv(name, str(tmp_path / place))


def settings() -> dict[str, str]:
    import os

    return {name: os.environ[name] for name in STORE_SETTINGS}


async def project(agent: Agent) -> str:
    return str((await agent.call("descope_status")).structured_content["project"])


def number(refused: dict[str, Any]) -> str:
    found = re.search(r"Request (\d+) waits", refused["message"])
    assert found, refused
    return found[1]


def approve(request: str, typed: bytes = b"yes\n") -> str:
    """Approve in a terminal; what the person saw."""
    ended, shown = run_in_terminal("approvals", "approve", request, typed=typed, env=settings())
    assert ended.returncode == 0, ended.stderr
    return shown


def journal() -> list[dict[str, Any]]:
    listed = run("journal", "list", "--json", env=settings())
    assert run("journal", "verify", env=settings()).returncode == 0
    return [json.loads(line) for line in listed.stdout.splitlines()]


def calls() -> list[dict[str, Any]]:
    """The entries that are calls, and not what people did."""
    return [entry for entry in journal() if entry["effect"]]


DANIEL = {"loginId": "daniel.weiss@acme.example"}


async def test_an_approved_call_runs_once(mute: Agent) -> None:
    refused = await mute.run("destructive", "DeleteUser", DANIEL)
    assert refused["rule"] == "approval"
    request = number(refused)
    again = await mute.run("destructive", "DeleteUser", DANIEL)
    assert number(again) == request
    shown = approve(request)
    assert "daniel.weiss@acme.example" in shown
    assert "answer" in await mute.run("destructive", "DeleteUser", DANIEL)
    assert (await mute.run("destructive", "DeleteUser", DANIEL))["error"] == "target_missing"
    (entry,) = calls()
    assert (entry["operation"], entry["result"]) == ("DeleteUser", "done")
    assert entry["consent"] == f"approval {request}"
    (approved,) = (act for act in journal() if not act["effect"])
    assert (approved["result"], approved["consent"]) == ("approved", "terminal")
    assert approved["caller"]
    assert approved["reason"] == f"request {request}"


async def test_an_approval_is_of_one_call_as_things_are(mute: Agent) -> None:
    request = number(await mute.run("destructive", "DeleteUser", DANIEL))
    approve(request)
    other = await mute.run("destructive", "DeleteUser", {"loginId": "noah.klein@acme.example"})
    assert other.get("rule", "target_missing") in ("approval", "target_missing")
    await mute.run("write", "PatchUser", {**DANIEL, "givenName": "Dan"})
    changed = await mute.run("destructive", "DeleteUser", DANIEL)
    assert number(changed) != request
    assert changed["rule"] == "changed"
    assert f"Request {request} was approved" in changed["message"]


async def test_who_calls_again_hears_what_has_changed_since_the_approval(mute: Agent) -> None:
    request = number(await mute.run("destructive", "DeleteUser", DANIEL))
    approve(request)
    await mute.run("write", "PatchUser", {**DANIEL, "name": "Somebody Else"})
    changed = await mute.run("destructive", "DeleteUser", DANIEL)
    said, now = changed["message"].split("; now: ")
    assert "Daniel Weiss" in said
    assert "Somebody Else" not in said
    assert "Somebody Else" in now
    fresh = number(changed)
    approve(fresh)
    assert "answer" in await mute.run("destructive", "DeleteUser", DANIEL)


async def test_no_is_no_and_so_is_a_pipe(mute: Agent) -> None:
    request = number(await mute.run("destructive", "DeleteUser", DANIEL))
    piped = run("approvals", "approve", request, given="yes\nyes\n", env=settings())
    assert (piped.returncode, piped.stdout) == (3, "")
    assert "terminal" in piped.stderr
    ended, _ = run_in_terminal("approvals", "approve", request, typed=b"no\n", env=settings())
    assert ended.returncode == 3
    assert (await mute.run("destructive", "DeleteUser", DANIEL))["rule"] == "approval"
    assert run("approvals", "deny", request, env=settings()).returncode == 0
    denied = await mute.run("destructive", "DeleteUser", DANIEL)
    assert denied["rule"] == "denied"
    assert f"request {request}" in denied["message"]
    # For a minute the no stands, and nothing new waits.
    assert (await mute.run("destructive", "DeleteUser", DANIEL))["rule"] == "denied"
    assert run("approvals", "list", env=settings()).stdout == ""


async def test_a_grant_allows_what_it_names_and_no_more(mute: Agent) -> None:
    env = {**settings(), "DESCOPE_PROJECT_ID": await project(mute)}
    arguments = json.dumps({"loginId": "daniel.*@acme.example"})
    options = ["--operation", "DeleteUser", "--arguments", arguments, "--for", "1h"]
    piped = run("grants", "create", *options, env=env, given="yes\n")
    assert piped.returncode == 3
    ended, shown = run_in_terminal("grants", "create", *options, typed=b"yes\n", env=env)
    assert ended.returncode == 0, ended.stderr
    assert "DeleteUser" in shown
    other = {"loginId": "maya.cohen@acme.example"}
    assert (await mute.run("destructive", "DeleteUser", other)).get("rule") != "grant"
    assert "answer" in await mute.run("destructive", "DeleteUser", DANIEL)
    (entry,) = calls()
    assert entry["consent"] == "grant 1"
    (grant,) = run("grants", "list", "--json", env=env).stdout.splitlines()
    assert json.loads(grant)["left"] == 0


async def test_with_a_second_factor_every_approval_needs_six_digits(mute: Agent) -> None:
    request = number(await mute.run("destructive", "DeleteUser", DANIEL))
    enrolling = pexpect.spawn(COMMAND, ["approvals", "enroll"], env={**settings(), "PATH": "/bin"})
    enrolling.expect(r"type this into it: ([A-Z2-7]{32})", timeout=30)
    totp = pyotp.TOTP(enrolling.match[1].decode())
    enrolling.expect("it shows now: ")
    first = time.time() - 30
    enrolling.sendline(totp.at(first))
    enrolling.expect("Enrolled")
    enrolling.wait()
    wrong = pexpect.spawn(
        COMMAND, ["approvals", "approve", request], env={**settings(), "PATH": "/bin"}
    )
    wrong.expect("Type yes: ", timeout=30)
    wrong.sendline("yes")
    wrong.expect("authenticator: ")
    wrong.sendline(totp.at(first))
    wrong.expect("used before")
    right = pexpect.spawn(
        COMMAND, ["approvals", "approve", request], env={**settings(), "PATH": "/bin"}
    )
    right.expect("Type yes: ", timeout=30)
    right.sendline("yes")
    right.expect("authenticator: ")
    right.sendline(totp.now())
    right.expect("is approved")
    assert "answer" in await mute.run("destructive", "DeleteUser", DANIEL)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_with_a_second_factor_the_form_asks_for_the_digits_too(mode: str) -> None:
    store, secret = shared_store(), second_factor.new_secret()
    totp = pyotp.TOTP(secret)
    assert second_factor.confirm(store, secret, totp.at(time.time() - 30))
    said = {"confirm": True, "code": "000000"}
    person = Person(lambda _: types.ElicitResult(action="accept", content=dict(said)))
    async with connected(mode, elicitation_callback=person) as client:
        agent = Agent(client, person, mode)
        assert (await agent.run("destructive", "DeleteUser", DANIEL))["rule"] == "code"
        said.pop("code")
        assert (await agent.run("destructive", "DeleteUser", DANIEL))["rule"] == "code"
        said["code"] = totp.now()
        assert "answer" in await agent.run("destructive", "DeleteUser", DANIEL)
    assert set(person.asked[0].requested_schema["required"]) == {"confirm", "code"}
