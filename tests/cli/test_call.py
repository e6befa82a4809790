from __future__ import annotations

import asyncio
import json
import signal
from typing import Any

import anyio
import httpx
import pexpect
import pytest

from descope_mcp.cli.main import FAILED, INTERRUPTED, REFUSED, UNKNOWN, USAGE

from ..api.sockets import answer, serving
from ..recorder import MANAGEMENT_KEY, PROJECT
from .processes import BASE, COMMAND, run, run_in_terminal

STAYS, GOES = "chloe.martin@acme.example", "ben.carter@acme.example"
KEYS = {"DESCOPE_PROJECT_ID": PROJECT, "DESCOPE_MANAGEMENT_KEY": MANAGEMENT_KEY}


def arguments(**given: Any) -> tuple[str, str]:
    return "--arguments", json.dumps(given)


def exists(sandbox: dict[str, str], login_id: str) -> bool:
    """Whether the sandbox has the user, asked without the code under test."""
    key = f"{sandbox['DESCOPE_PROJECT_ID']}:{sandbox['DESCOPE_MANAGEMENT_KEY']}"
    url = f"{sandbox['DESCOPE_BASE_URL']}/v1/mgmt/user?loginId={login_id}"
    return httpx.get(url, headers={"Authorization": f"Bearer {key}"}).status_code == 200


def test_a_read_prints_its_answer() -> None:
    done = run("call", "LoadTenant", *arguments(id="globex"), "--sandbox")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["tenant"]["name"] == "Globex Corporation"


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        (["LoadTenan"], USAGE, "LoadTenant"),
        (["LoadTenant"], USAGE, "id: required"),
        (["LoadTenant", *arguments(ids="x")], USAGE, "ids: not an argument"),
        (["LoadTenant", "--arguments", "{id: x}"], USAGE, "not valid JSON at line 1, column 2"),
        (["LoadTenant", *arguments(id="nowhere")], FAILED, "no such tenant"),
        (["NoPublishRotate"], REFUSED, "Nothing was sent"),
        (["CreateRole", *arguments(name="x"), "--read-only"], REFUSED, "read-only"),
        ([], USAGE, "OPERATION"),
        (["LoadTenant", "--force"], USAGE, "--force"),
    ],
)
def test_what_fails_says_so_in_its_exit_code(given: list[str], code: int, said: str) -> None:
    done = run("call", "--sandbox", *given)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


async def broken(writer: asyncio.StreamWriter) -> None:
    """Hang up without an answer."""


@pytest.mark.anyio
async def test_an_unknown_outcome_and_a_partial_failure_have_their_exit_codes() -> None:
    failed = {"createdUsers": [], "failedUsers": [{"failure": "E062107"}]}

    async def call(url: str, *given: str) -> tuple[int, str, str]:
        env = {**KEYS, "DESCOPE_BASE_URL": url}
        done = await anyio.to_thread.run_sync(lambda: run("call", *given, env=env))
        return done.returncode, done.stdout, done.stderr

    async with serving(broken) as server:
        code, out, err = await call(server.url, "CreateRole", *arguments(name="x"))
        assert (code, out, len(server.requests)) == (UNKNOWN, "", 1)
        assert "Read the target" in err
    async with serving(answer(200, failed)) as server:
        users = arguments(users=[{"loginId": "ada", "email": "ada@acme.example"}])
        code, out, err = await call(server.url, "CreateUsers", *users)
        assert (code, json.loads(out)) == (FAILED, failed)
        assert "1 item(s) failed" in err


@pytest.mark.parametrize("given", ["yes\nyes\n", ""])
def test_without_a_terminal_nobody_says_yes(sandbox: dict[str, str], given: str) -> None:
    done = run("call", "DeleteUser", *arguments(loginId=STAYS), env=sandbox, given=given)
    assert (done.returncode, done.stdout) == (REFUSED, "")
    assert "no terminal" in done.stderr
    assert exists(sandbox, STAYS)


def test_a_person_says_yes(sandbox: dict[str, str]) -> None:
    assert exists(sandbox, GOES)
    deletion = ("call", "DeleteUser", *arguments(loginId=GOES))
    done, shown = run_in_terminal(*deletion, typed=b"yes\n", env=sandbox)
    assert (done.returncode, json.loads(done.stdout)) == (0, {}), done.stderr
    assert shown.startswith(f'Delete the user "{GOES}" and, with it, ')
    assert "Not coming back" in shown
    assert not exists(sandbox, GOES)


@pytest.mark.parametrize(
    ("typed", "ahead", "code"),
    [
        (b"no\n", b"", REFUSED),
        (b"\n", b"", REFUSED),
        (b"\xff\xfe\n", b"", REFUSED),
        (b"\x04", b"", REFUSED),
        (b"no\n", b"yes\n", REFUSED),
        (b"\x03", b"", INTERRUPTED),
    ],
    ids=["no", "nothing", "no text", "end of file", "yes before the question", "interrupt"],
)
def test_a_person_says_anything_else(
    sandbox: dict[str, str], typed: bytes, ahead: bytes, code: int
) -> None:
    deletion = ("call", "DeleteUser", *arguments(loginId=STAYS))
    done, shown = run_in_terminal(*deletion, typed=typed, ahead=ahead, env=sandbox)
    assert "Run it?" in shown
    assert (done.returncode, done.stdout) == (code, "")
    assert "Traceback" not in done.stderr
    assert exists(sandbox, STAYS)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_question(sandbox: dict[str, str], number: signal.Signals) -> None:
    deletion = ["call", "DeleteUser", *arguments(loginId=STAYS)]
    person = pexpect.spawn(COMMAND, deletion, env={**BASE, **sandbox, "TERM": "dumb"}, timeout=30)
    person.expect("Type yes: ")
    person.kill(number)
    person.expect("interrupted. Nothing was changed.")
    person.expect(pexpect.EOF)
    person.close()
    assert person.exitstatus == 128 + number
    assert exists(sandbox, STAYS)


@pytest.mark.parametrize(
    ("typed", "code"), [(b"no\n", REFUSED), (b"\n", REFUSED), (b"Globex Corporation\n", 0)]
)
def test_the_name_has_to_be_typed_out(typed: bytes, code: int) -> None:
    deletion = ("call", "DeleteTenant", *arguments(id="globex", cascade=True), "--sandbox")
    done, shown = run_in_terminal(*deletion, typed=typed)
    assert shown.endswith("Type Globex Corporation to run it: ")
    assert done.returncode == code, done.stderr
    assert done.stdout.strip() == ("" if code else "{}")


@pytest.mark.parametrize(("last", "code"), [("Globex Corporation", 0), ("Globex corporation", 3)])
def test_a_name_may_be_mistyped_twice(last: str, code: int) -> None:
    deletion = ["call", "DeleteTenant", *arguments(id="globex", cascade=True), "--sandbox"]
    person = pexpect.spawn(COMMAND, deletion, env={**BASE, "TERM": "dumb"}, timeout=30)
    for typed in ("globex", "yes", last):
        person.expect("Type Globex Corporation to run it: ")
        person.sendline(typed)
    person.expect(pexpect.EOF)
    person.close()
    assert person.exitstatus == code
