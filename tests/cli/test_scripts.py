"""The command line as scripts use it: JSON by lines, input from files, exit codes, any encoding."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import click
import pytest

from descope_mcp.call.assessment.large_arguments import LARGEST_ARGUMENTS
from descope_mcp.cli.main import FAILED, NOT_NOW, REFUSED, UNKNOWN, USAGE, cli

from ..api.sockets import answer, closed_port, serving
from ..recorder import MANAGEMENT_KEY, PROJECT
from .processes import BASE, COMMAND, PRELOADED, run

KEYS = {"DESCOPE_PROJECT_ID": PROJECT, "DESCOPE_MANAGEMENT_KEY": MANAGEMENT_KEY}
ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@pytest.fixture
def own(tmp_path: Path) -> dict[str, str]:
    """A state of this test alone."""
    return {
        "DESCOPE_MCP_STATE": str(tmp_path / "state"),
        "DESCOPE_MCP_KEY_FILE": str(tmp_path / "config" / "key"),
    }


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def call(operation: str, *more: str, **given: Any) -> tuple[str, ...]:
    return ("call", operation, "--arguments", json.dumps(given), *more)


# JSON


def commands(command: click.Command, name: str = "") -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for inner in command.list_commands(context):
            found = command.get_command(context, inner)
            assert found
            yield from commands(found, f"{name} {inner}".strip())
    else:
        yield name, command


def test_no_command_is_without_json_but_conversations_and_scripts() -> None:
    without = {
        name
        for name, command in commands(cli)
        if not any("--json" in option.opts for option in command.params)
    }
    assert without == {"serve", "approvals watch", "console", "completion"}


def test_every_command_takes_json_and_prints_one_object_a_line(
    sandbox: dict[str, str], own: dict[str, str]
) -> None:
    env = {**sandbox, **own}
    made = run(*call("CreateTenant", "--json", name="x"), env=env)
    (done,) = lines(made.stdout)
    assert (made.returncode, done["operation"], done["undo"]) == (0, "CreateTenant", "whole")
    assert done["answer"]["id"]
    for command in (
        ["doctor"],
        ["tools", "list", "--toolset", "audit"],
        ["tools", "show", "LoadUser"],
        ["tools", "search", "delete a user"],
        ["tools", "cost", "--toolset", "audit"],
        ["journal", "list"],
        ["journal", "show", done["callId"]],
        ["journal", "verify"],
        ["journal", "export"],
        ["policy", "check", "support"],
        ["policy", "explain", "DeleteUser"],
        ["policy", "explain", "DeleteUser", "--arguments", '{"loginId": "a"}'],
        ["secrets", "list"],
        ["grants", "list"],
        ["approvals", "list", "--all"],
        ["call", "LoadTenant", "--arguments", json.dumps({"id": done["answer"]["id"]})],
        [
            "call",
            "DeleteUser",
            "--arguments",
            '{"loginId": "ben.carter@acme.example"}',
            "--dry-run",
        ],
        ["undo", done["callId"], "--anyway"],
    ):
        found = run(*command, "--json", env=env)
        rows = lines(found.stdout)
        assert all(isinstance(row, dict) for row in rows), command
        assert rows or command[0] in ("secrets", "grants", "approvals"), command
        assert "Traceback" not in found.stderr
        moments = [row["at"] for row in rows if "at" in row]
        assert command[:2] == ["journal", "export"] or all(map(ISO.fullmatch, moments))


@pytest.mark.parametrize(
    ("command", "code", "kind"),
    [
        (["call", "LoadTenan"], USAGE, "unknown_operation"),
        (["call", "LoadTenant"], USAGE, "invalid_arguments"),
        (["call", "LoadTenant", "--arguments", "{"], USAGE, "usage"),
        (["call", "LoadTenant", "--force"], USAGE, "usage"),
        (["call", "LoadAllTenants"], USAGE, "missing_credential"),
        (["call", "NoPublishRotate", "--sandbox"], REFUSED, "refused"),
        (["tools", "show", "LoadUsr"], USAGE, "unknown_name"),
        (["tools", "list", "--toolset", "userz"], USAGE, "unknown_name"),
        (["policy", "check", "nowhere.toml"], USAGE, "settings"),
        (["journal", "show", "ffff"], USAGE, "usage"),
        (["secrets", "forget", "x"], FAILED, "unknown_name"),
        (["undo", "ffff"], USAGE, "unknown_call"),
    ],
)
def test_errors_are_objects_too(command: list[str], code: int, kind: str) -> None:
    done = run(*command, "--json")
    (error,) = lines(done.stdout)
    assert (done.returncode, error["error"], done.stderr) == (code, kind, "")
    assert error["message"]
    plain = run(*command)
    assert (plain.returncode, plain.stdout) == (code, "")
    assert plain.stderr


def test_a_port_in_use_is_wrong_usage(sandbox: dict[str, str]) -> None:
    port = sandbox["DESCOPE_BASE_URL"].rpartition(":")[2]
    done = run("sandbox", "--port", port)
    assert (done.returncode, done.stdout) == (USAGE, "")
    said = f"127.0.0.1:{port} cannot be listened on: Address already in use"
    assert said in done.stderr
    served = run("serve", "--sandbox", "--no-auth", "--http", f"127.0.0.1:{port}")
    assert (served.returncode, said in served.stderr) == (FAILED, True), served.stderr


def test_what_goes_without_a_terminal_is_named() -> None:
    login, token = run("login"), run("tokens", "create", "n", "--scope", "descope:read", "--for=1h")
    for done, way in ((login, "--project-id and --key-stdin"), (token, "with --output")):
        assert (done.returncode, way in done.stderr) == (REFUSED, True), done.stderr


# Arguments


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_arguments_from_a_file_or_standard_input(tmp_path: Path, encoding: str) -> None:
    text = '{\r\n  "id":\r\n "globex"\r\n}\r\n'
    file = tmp_path / "arguments.json"
    file.write_bytes(text.encode(encoding))
    for given, piped in ((f"@{file}", b""), ("-", file.read_bytes())):
        done = subprocess.run(
            [PRELOADED, "call", "LoadTenant", "--arguments", given, "--sandbox"],
            env=BASE,
            input=piped,
            capture_output=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["tenant"]["id"] == "globex"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("{'id': 'x'}", "is not valid JSON at line 1, column 2"),
        ("{'id': 'x'}", "JSON has double quotes"),
        ("{id: x}", "a shell may have taken its quotes"),
        ('{"id": "x",}', "line 1, column 1"),
        ('{\n"id": "x"\n"a": 1}', "line 3, column 1"),
        ('{"id": "x", "id": "y"}', "id occurs twice"),
        ('{"id": NaN}', "NaN is not a number in JSON"),
        ("[1]", "an object was expected"),
        ("-", "standard input is empty"),
        ("@/nowhere/file", "/nowhere/file cannot be read"),
    ],
)
def test_a_fault_in_json_is_told_with_its_place(given: str, said: str) -> None:
    done = run("call", "LoadTenant", "--sandbox", "--arguments", given)
    assert (done.returncode, done.stdout) == (USAGE, "")
    assert said in done.stderr


@pytest.mark.anyio
async def test_a_document_may_be_larger_than_a_message(tmp_path: Path, own: dict[str, str]) -> None:
    """What an export answers can be given back; more is refused with the number that fits."""
    file = tmp_path / "arguments.json"
    valid = answer(200, {"ok": True, "failures": []})
    async with serving(valid) as server:
        env = {**KEYS, **own, "DESCOPE_BASE_URL": server.url}
        for text, sent in (("a line of it\n" * 400_000, 1), ("a line of it\n" * 1_400_000, 0)):
            file.write_text(json.dumps({"files": {"flows/f.json": {"contents": text}}}))
            server.requests.clear()
            for more in ("", "--dry-run"):
                command = ("call", "ValidateSnapshot", "--arguments", f"@{file}", more)
                done = await anyio.to_thread.run_sync(
                    lambda command=command: run(*filter(None, command), env=env)
                )
                assert done.returncode == (0 if sent else USAGE), done.stderr
                assert sent or f"at most {LARGEST_ARGUMENTS} are taken" in done.stderr
            assert len(server.requests) == sent


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_policy_saved_with_any_editor(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "policy.toml"
    file.write_bytes('[[rule]]\r\neffect = "read"\r\ndecision = "deny"\r\n'.encode(encoding))
    done = run("call", "LoadAllTenants", "--sandbox", "--policy", str(file))
    assert (done.returncode, done.stdout) == (REFUSED, "")
    broken = tmp_path / "broken.toml"
    broken.write_bytes(b'[[rule]]\ndecision = "deny"\nreason = "\xff"\n')
    done = run("policy", "check", str(broken))
    assert done.returncode == USAGE
    assert "it is neither UTF-8 nor UTF-16; save it as UTF-8" in done.stderr


def test_an_export_saved_by_any_shell_is_proven(tmp_path: Path, own: dict[str, str]) -> None:
    """PowerShell writes what it redirects in UTF-16, with line ends of its own."""
    env = {**own, "PYTHONIOENCODING": "cp1252"}
    assert run(*call("CreateTenant", "--sandbox", name="Zoë 🙂"), env=env).returncode == 0
    export, key = (run("journal", name, env=env).stdout for name in ("export", "public-key"))
    file, pem = tmp_path / "export", tmp_path / "key.pem"
    prove = ("journal", "verify", str(file), "--public-key", str(pem))
    for encoding in ("utf-8-sig", "utf-16"):
        file.write_bytes(export.replace("\n", "\r\n").encode(encoding))
        pem.write_bytes(key.replace("\n", "\r\n").encode(encoding))
        done = run(*prove, env=own)
        assert (done.returncode, done.stdout.startswith("2 entries, whole, signed")) == (0, True)
    file.write_bytes(b"\xff\xff")
    done = run(*prove, env=own)
    assert (done.returncode, "neither UTF-8 nor UTF-16" in done.stderr) == (FAILED, True)


# Output


def test_what_the_encoding_cannot_spell_is_escaped(own: dict[str, str]) -> None:
    env = {**own, "PYTHONIOENCODING": "cp1252"}
    name = "Zoë 🙂"

    def plain(*arguments: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [PRELOADED, *arguments],
            env={**BASE, **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            start_new_session=True,
            timeout=60,
        )

    done = plain(*call("CreateTenant", "--sandbox", name=name, id="zoe"))
    assert done.returncode == 0, done.stderr
    for more in ((), ("--json",)):
        created = plain(*call("SearchTenants", "--sandbox", *more))
        assert created.returncode == 0
        json.loads(created.stdout)
    for command in (("journal", "list"), ("journal", "list", "--json"), ("journal", "export")):
        shown = plain(*command)
        assert (shown.returncode, b"Traceback" in shown.stderr) == (0, False)
        assert shown.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")
def test_output_that_cannot_be_written_is_one_line() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [COMMAND, "tools", "list"], env=BASE, stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == FAILED
    assert done.stderr == "descope-mcp: The output cannot be written: No space left on device.\n"


def test_a_reader_that_has_read_enough_is_no_failure_to_speak_of() -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [COMMAND, "tools", "list"], env=BASE, stdout=write, stderr=subprocess.PIPE, text=True
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (FAILED, "")


def test_fields_and_limit_of_an_answer(sandbox: dict[str, str]) -> None:
    done = run(*call("SearchUsers", "--limit", "2"), env=sandbox)
    assert len(json.loads(done.stdout)["users"]) == 2
    done = run(*call("SearchUsers", "--limit", "2", "--fields", "users[].userId"), env=sandbox)
    found = json.loads(done.stdout)
    assert len(found) == 2
    assert all(isinstance(one, str) for one in found)
    done = run(*call("LoadAllRoles", "--limit", "1"), env=sandbox)
    assert len(json.loads(done.stdout)["roles"]) == 1
    done = run(*call("SearchUsers", "--fields", "users["), env=sandbox)
    assert (done.returncode, "ends too early" in done.stderr) == (USAGE, True)


# What is not sent, comes later, or stays unknown


def test_a_dry_run_shows_what_would_happen_and_sends_nothing(sandbox: dict[str, str]) -> None:
    who = "chloe.martin@acme.example"
    (found,) = json.loads(run(*call("SearchUsers", loginIds=[who]), env=sandbox).stdout)["users"]
    done = run(*call("DeleteUser", "--dry-run", loginId=who), env=sandbox)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f'Delete the user "{who}"')
    assert "Nothing was sent. A person is asked" in done.stdout
    done = run(*call("PatchUser", "--dry-run", loginId=who, name="Another"), env=sandbox)
    assert f'"{found["name"]}"' in done.stdout
    assert '"Another"' in done.stdout
    assert "Nothing was sent. Runs unasked" in done.stdout
    done = run(*call("LoadUser", "--dry-run", loginId=who), env=sandbox)
    assert "changes nothing" in done.stdout
    (after,) = json.loads(run(*call("SearchUsers", loginIds=[who]), env=sandbox).stdout)["users"]
    assert after == found
    refused = run(*call("DeleteUser", "--dry-run", "--read-only", loginId=who), env=sandbox)
    assert refused.returncode == REFUSED


def test_a_cap_has_a_code_of_its_own_and_says_when(tmp_path: Path, own: dict[str, str]) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(
        '[[rule]]\noperation = "CreateTenant"\ndecision = "allow"\ncalls = 1\nper = "1h"\n'
    )
    new = call("CreateTenant", "--sandbox", "--policy", str(policy), name="x")
    first = run(*new, env=own)
    assert first.returncode == 0, first.stderr
    done = run(*new, env=own)
    assert done.returncode == NOT_NOW
    seconds = re.search(r"room again in (\d+) seconds", done.stderr)
    assert seconds
    assert 3500 < int(seconds[1]) <= 3600
    (error,) = lines(run(*new, "--json", env=own).stdout)
    assert (error["error"], error["rule"]) == ("refused", "cap")
    assert 3500 < error["retryAfterSeconds"] <= 3600
    assert ISO.fullmatch(error["retryAt"])


@pytest.mark.anyio
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_an_interrupted_change_says_that_its_outcome_is_unknown(
    own: dict[str, str], number: signal.Signals
) -> None:
    done = await interrupted(number, own, *call("CreateRole", name="x"))
    assert (done.returncode, done.stdout) == (UNKNOWN, "")
    assert "its outcome is unknown" in done.stderr
    shown = re.search(r"descope-mcp journal show (\w{8})", done.stderr)
    assert shown
    (entry,) = lines(run("journal", "show", shown[1], "--json", env=own).stdout)
    assert (entry["result"], entry["reason"] != "") == ("unknown", True)
    assert run("journal", "verify", env=own).returncode == 0


@pytest.mark.anyio
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_an_interrupted_read_says_that_nothing_was_changed(
    own: dict[str, str], number: signal.Signals
) -> None:
    done = await interrupted(number, own, *call("LoadAllRoles"))
    assert (done.returncode, done.stdout) == (128 + number, "")
    assert done.stderr == "descope-mcp: interrupted. Nothing was changed.\n"
    assert run("journal", "list", env=own).stdout == ""


async def interrupted(
    number: signal.Signals, own: dict[str, str], *arguments: str
) -> subprocess.CompletedProcess[str]:
    """How the command ends if the signal comes while the service has its request."""
    sent = anyio.Event()

    async def hangs(writer: asyncio.StreamWriter) -> None:
        sent.set()
        await asyncio.sleep(20)

    async with serving(hangs) as server:
        process = subprocess.Popen(  # noqa: ASYNC220 - it runs beside the loop
            [PRELOADED, *arguments],
            env={**BASE, **KEYS, **own, "DESCOPE_BASE_URL": server.url},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        with anyio.fail_after(30):
            await sent.wait()
        process.send_signal(number)
        with anyio.fail_after(30):
            out, err = await anyio.to_thread.run_sync(process.communicate)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def test_a_refused_connection_names_the_address() -> None:
    address = f"127.0.0.1:{closed_port()}"
    env = {**KEYS, "DESCOPE_BASE_URL": f"http://{address}"}
    done = run("call", "LoadAllTenants", env=env)
    assert (done.returncode, done.stdout) == (FAILED, "")
    assert f"{address} (connection refused: nobody listens there)" in done.stderr
    assert done.stderr.endswith("`descope-mcp doctor` tests it.\n")
    assert "descope-mcp doctor" not in run("doctor", env=env).stdout
    # The same of every family is said once, with where to look.
    tried = run("whoami", env=env)
    assert (tried.returncode, tried.stdout.count(address)) == (FAILED, 2), tried.stdout
    assert "`descope-mcp doctor` tests network and key." in tried.stdout


@pytest.mark.anyio
async def test_the_limit_of_the_service_has_the_same_code() -> None:
    limited = answer(429, {"errorCode": "E130429"}, (("Retry-After", "99"),))
    async with serving(limited) as server:
        env = {**KEYS, "DESCOPE_BASE_URL": server.url}
        done = await anyio.to_thread.run_sync(lambda: run("call", "LoadAllTenants", env=env))
    assert (done.returncode, "99 seconds" in done.stderr) == (NOT_NOW, True)


# The log


def test_the_log_says_what_was_called_and_nothing_of_it(
    tmp_path: Path, own: dict[str, str]
) -> None:
    file = tmp_path / "calls.log"
    env = {**own, "DESCOPE_MCP_LOG_FILE": str(file), "DESCOPE_MCP_LOG_LEVEL": "info"}
    secret = "hunter2-correct-horse"
    new = call("CreateUser", "--sandbox", loginId=secret, name=secret)
    assert run(*new, env=env).returncode == 0
    assert run(*call(f"Load{secret}", "--sandbox"), env=env).returncode == USAGE
    done, unknown = file.read_text().splitlines()
    assert re.match(
        ISO.pattern + r" INFO descope_mcp\.call\.\w+ CreateUser by terminal: done", done
    )
    assert "(no such operation) by terminal: unknown_operation" in unknown
    assert secret not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600


def test_the_log_can_be_of_objects(tmp_path: Path, own: dict[str, str]) -> None:
    file = tmp_path / "calls.log"
    env = {**own, "DESCOPE_MCP_LOG_FILE": str(file), "DESCOPE_MCP_LOG_LEVEL": "info"}
    env |= {"DESCOPE_MCP_LOG_FORMAT": "json", "OTEL_TRACES_EXPORTER": "console"}
    assert run(*call("CreateUser", "--sandbox", loginId="ada"), env=env).returncode == 0
    assert run(*call("DeleteUser", "--sandbox", loginId="nobody"), env=env).returncode != 0
    done, failed = map(json.loads, file.read_text().splitlines())
    assert (done["operation"], done["outcome"], done["class"]) == ("CreateUser", "done", "write")
    (entry,) = run("journal", "list", "--json", env=own).stdout.splitlines()
    assert done["call"] == json.loads(entry)["call"]
    assert re.fullmatch("[0-9a-f]{32}", done["trace_id"])
    assert failed["call"] != done["call"]
    assert failed["outcome"] == "target_missing"


def test_a_log_that_cannot_be_written_is_a_setting_that_is_wrong(tmp_path: Path) -> None:
    env = {"DESCOPE_MCP_LOG_FILE": str(tmp_path / "nowhere" / "log")}
    done = run("call", "LoadAllTenants", "--sandbox", env=env)
    assert (done.returncode, done.stdout) == (USAGE, "")
    assert done.stderr.startswith("descope-mcp: DESCOPE_MCP_LOG_FILE: it cannot be written")
    done = run("call", "LoadAllTenants", "--sandbox", env={"DESCOPE_MCP_LOG_LEVEL": "loud"})
    assert (done.returncode, "debug, info, warning or error" in done.stderr) == (USAGE, True)


def test_a_list_of_requests_says_where_it_looked(own: dict[str, str]) -> None:
    done = run("approvals", "list", env=own)
    assert (done.returncode, done.stdout) == (0, "")
    assert f"0 request(s) in {own['DESCOPE_MCP_STATE']}" in done.stderr
    shown = run("approvals", "show", "7", env=own)
    assert (shown.returncode, own["DESCOPE_MCP_STATE"] in shown.stderr) == (USAGE, True)
