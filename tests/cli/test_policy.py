"""The policy on the command line, in real processes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from descope_mcp.cli.main import REFUSED, USAGE
from descope_mcp.guard.policy.file import ready_made

from .processes import BASE, PRELOADED, run

RULES = """\
# Only our own users, and never the administrator.
[[rule]]
operation = "DeleteUser"
arguments = { loginId = "*@acme.test" }
decision = "allow"
calls = 20
items = 50
per = "1h"

[[rule]]
operation = "DeleteUser"
decision = "deny"
reason = "Only users of acme.test."

[[rule]]
operation = "LoadAll*"
decision = "deny"
reason = "Lists are too long."

[[rule]]
operation = ["PatchUser", "CreateTenant"]
arguments = { "userTenants[].tenantId" = "root" }
decision = "deny"
"""


@pytest.fixture
def rules(tmp_path: Path) -> str:
    path = tmp_path / "acme.toml"
    path.write_text(RULES, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("command", ["check", "explain"])
def test_help(command: str) -> None:
    done = run("policy", command, "--help")
    assert (done.returncode, done.stderr) == (0, "")


def test_check_tells_what_each_rule_does(rules: str) -> None:
    done = run("policy", "check", rules)
    assert (done.returncode, done.stderr) == (0, "")
    for part in (
        "acme.toml:2: allow DeleteUser; ",
        "loginId = *@acme.test; at most 20 calls and 50 items in 3600 seconds",
        "nobody is asked any more about DeleteUser (some calls)",
        "calls without userTenants[].tenantId never match: CreateTenant",
        "4 rules; ",
    ):
        assert part in done.stdout
    assert run("policy", "check", env={"DESCOPE_MCP_POLICY": rules}).stdout == done.stdout


def test_check_needs_a_file() -> None:
    done = run("policy", "check")
    assert (done.returncode, done.stdout) == (USAGE, "")
    assert "DESCOPE_MCP_POLICY" in done.stderr


@pytest.mark.parametrize("name", ready_made())
def test_ready_made_policies_are_right(name: str) -> None:
    done = run("policy", "check", name)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "command",
    [
        ["serve", "--sandbox"],
        ["call", "LoadAllTenants", "--sandbox"],
        ["policy", "check"],
        ["policy", "explain", "LoadUser"],
    ],
)
def test_a_wrong_file_stops_the_start(command: list[str], tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text('[[rule]]\ndecision = "allow"\n\n[[rule]]\noperation = "DeletUser"\n')
    done = run(*command, env={"DESCOPE_MCP_POLICY": str(path)})
    assert (done.returncode, done.stdout) == (USAGE, "")
    assert done.stderr.startswith("descope-mcp: wrong.toml:4: decision is missing")


@pytest.mark.parametrize("name", ["nowhere.toml", "ide-agnet"])
def test_a_file_that_is_not_there_stops_the_start(name: str) -> None:
    done = run("serve", "--sandbox", "--policy", name)
    assert (done.returncode, done.stdout) == (USAGE, "")
    assert done.stderr.startswith(f"descope-mcp: {name}: ")
    assert "ide-agent" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "options", "said"),
    [
        (
            {"loginId": "a@acme.test"},
            [],
            [
                "decision: allow",
                "acme.toml:2",
                "items: 1",
                "cap: at most 20",
                "effect: destructive",
            ],
        ),
        ({"userId": "U1"}, [], ["decision: deny", "acme.toml:10", "Only users of acme.test."]),
        ({"loginId": "a@acme.test"}, ["--read-only"], ["decision: deny", "read-only (default"]),
        (None, [], ["DeleteUser, at worst", "decision: allow", "acme.toml:2", "acme.toml:10"]),
    ],
)
def test_explain(
    rules: str, arguments: dict[str, str] | None, options: list[str], said: list[str]
) -> None:
    given = [] if arguments is None else ["--arguments", json.dumps(arguments)]
    done = run("policy", "explain", "DeleteUser", *given, "--policy", rules, *options)
    assert (done.returncode, done.stderr) == (0, "")
    assert [part for part in said if part not in done.stdout] == []


def test_explain_shows_the_records_rules_and_the_question() -> None:
    arguments = json.dumps({"loginId": "ada@acme.test", "roleNames": ["Admin"]})
    done = run("policy", "explain", "PatchUser", "--arguments", arguments, "--caller", "ada")
    assert done.returncode == 0
    for part in (
        "PatchUser called by ada",
        "decision: confirm",
        "rule: account-takeover (default policy)",
        "effect: destructive (of the operation itself: write)",
        "hazards: account_takeover",
        "record: given roleNames, userTenants: effect destructive, adds account_takeover (",
        "    The given roles or tenants replace the present ones; an empty list clears them.",
        '    With: role names: "Admin"',
    ):
        assert part in done.stdout


@pytest.mark.parametrize(
    ("operation", "arguments", "said"),
    [("DeletUser", "{}", "DeleteUser"), ("DeleteUser", '{"login": "a"}', "did you mean loginId")],
)
def test_explain_needs_a_call(operation: str, arguments: str, said: str) -> None:
    done = run("policy", "explain", operation, "--arguments", arguments)
    assert (done.returncode, done.stdout) == (USAGE, "")
    assert said in done.stderr


def test_a_call_obeys_the_file(rules: str) -> None:
    denied = run("call", "LoadAllTenants", "--sandbox", "--policy", rules)
    assert (denied.returncode, denied.stdout) == (REFUSED, "")
    assert "Lists are too long. Nothing was sent." in denied.stderr
    assert "acme.toml" not in run("call", "LoadTenant", "--sandbox", "--policy", rules).stdout


@pytest.mark.anyio
async def test_the_server_does_not_offer_what_the_file_denies(rules: str, tmp_path: Path) -> None:
    parameters = StdioServerParameters(
        command=PRELOADED,
        args=["serve", "--sandbox", "--toolsets", "tenants,users", "--policy", rules],
        env=BASE,
    )
    with (tmp_path / "log").open("w") as log:
        async with Client(stdio_client(parameters, errlog=log)) as client:
            names = {tool.name for tool in (await client.list_tools()).tools}
            called = await client.call_tool("LoadAllTenants", {})
            asked = {"names": ["LoadAllTenants", "DeleteUser"]}
            denied, allowed = (
                await client.call_tool("descope_describe", asked)
            ).structured_content["pages"]
            status = (await client.call_tool("descope_status", {})).structured_content
            search = (
                await client.call_tool("descope_search", {"query": "list all tenants"})
            ).content
    assert "LoadAllTenants" not in names
    assert {"LoadTenant", "DeleteUser", "PatchUser"} <= names
    assert called.is_error
    assert "Lists are too long" in str(called.content)
    assert denied["confirmation"] == "denied: Lists are too long."
    assert allowed["confirmation"] == "none; some calls are denied (The policy file allows it.)"
    assert status["policy"] == "acme.toml"
    assert "denied: Lists are too long." in str(search)


def test_a_call_that_nobody_can_be_shown_is_explained_as_refused() -> None:
    hidden = '{"loginId": "ada@acme.test", "email": "token=x@evil.example"}'
    ended = run("policy", "explain", "UpdateUserEmail", "--arguments", hidden)
    assert ended.returncode == 0, ended.stderr
    assert "The call is refused" in ended.stdout


def test_rules_about_the_caller_are_explained(tmp_path: Path) -> None:
    path = tmp_path / "team.toml"
    path.write_text(
        '[[rule]]\noperation = "DeleteUser"\nwho = { roles = "admin" }\ndecision = "allow"\n'
        '[[rule]]\noperation = "DeleteUser"\nwho = { roles = "support" }\ndecision = "deny"\n',
        encoding="utf-8",
    )
    done = run("policy", "check", str(path))
    assert done.returncode == 0
    assert "roles of the caller support" in done.stdout
    assert "also holds for callers of whom roles is not known" in done.stdout
    assert "nobody here has one" in done.stderr
    call = ("explain", "DeleteUser", "--policy", str(path), "--arguments", '{"loginId": "a"}')
    for said, action in (
        (("roles=admin",), "allow"),
        (("roles=support", "tenant=acme"), "deny"),
        (("roles=",), "confirm"),
        (("roles=admin", "scopes=descope:read"), "deny"),
    ):
        who = [part for one in said for part in ("--who", one)]
        assert f"decision: {action}" in run("policy", *call, *who).stdout
    assert run("policy", *call, "--who", "admin").returncode == USAGE
