"""What a rule holds back, written so that a service may still take it for the same."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Completed, Failed, Refused
from descope_mcp.call.services import Services
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.guard.policy.file import parse
from tests.attacks.tally import BYPASSED, CALLS, none, tally

pytestmark = pytest.mark.anyio

ADA = "ada.okafor@acme.example"
GRACE = "grace.kim@globex.example"
DENIED = """
[[rule]]
recipients = ["*@evil.example", "+15550001111"]
decision = "deny"

[[rule]]
hosts = ["evil.example", "*.evil.example"]
decision = "deny"

[[rule]]
roles = ["Owner", "*admin*"]
hazard = "account_takeover"
decision = "deny"

[[rule]]
claims = ["roles", "permissions"]
effect = ["write", "destructive"]
decision = "deny"

[[rule]]
target = "ada.okafor@*"
effect = ["write", "destructive"]
decision = "deny"

[[rule]]
operation = "DeleteUser*"
decision = "deny"
"""


def mail(address: str) -> tuple[str, dict[str, Any]]:
    return "UpdateUserEmail", {"loginId": GRACE, "email": address, "verified": True}


def phone(number: str) -> tuple[str, dict[str, Any]]:
    return "UpdateUserPhone", {"loginId": GRACE, "phone": number, "verified": True}


def host(address: str) -> tuple[str, dict[str, Any]]:
    return "CreateMcpServer", {"name": "m", "approvedCallbackUrls": [address]}


def role(name: str) -> tuple[str, dict[str, Any]]:
    return "UpdateUserAddRoles", {"loginId": GRACE, "roleNames": ["Viewer", name]}


def claim(name: str) -> tuple[str, dict[str, Any]]:
    claims = {"app": {"deep": [{name: ["x"]}]}}
    return "SignInMagicLinkEmail", {"loginId": GRACE, "loginOptions": {"customClaims": claims}}


def ada(login_id: str) -> tuple[str, dict[str, Any]]:
    return "PatchUser", {"loginId": login_id, "name": "x"}


def right(name: str, value: Any) -> tuple[str, dict[str, Any]]:
    """A right in a claim of whatever name."""
    return "SignInMagicLinkEmail", {
        "loginId": GRACE,
        "loginOptions": {"customClaims": {"plan": "pro", name: value}},
    }


#: Every one of these is what a rule denies.
WRITTEN = [
    *map(
        mail,
        (
            "Eve@EVIL.example",
            " eve@evil.example ",
            "eve@evil.example.",
            "Eve <eve@evil.example>",
            "<eve@evil.example>",
            '"Eve, of grace.kim@globex.example" <eve@evil.example>',
            "eve@evil.example,grace.kim@globex.example",
            "grace.kim@globex.example;eve@evil.example",
            "eve@evil.example (Grace)",
            "eve@evil.\u200bexample",
            "eve\u00ad@evil.example",
            "eve\uff20evil.example",
            "eve@evil\u3002example",
            "eve@evil.example\n",
        ),
    ),
    *map(phone, ("+1 555 000 1111", "+1 (555) 000-1111", "15550001111", "\uff0b15550001111")),
    *map(
        host,
        (
            "https://evil.example./cb",
            "https://EVIL.EXAMPLE/cb",
            "https://app.evil.example:8443/cb",
            "https://app.acme.example@evil.example/cb",
            "https://app.acme.example\\@evil.example/cb",
            "https://evil\u3002example/cb",
            "//evil.example/cb",
            "https:evil.example/cb",
            "https://ev\til.example/cb",
            "com.app://evil.example",
        ),
    ),
    *map(role, ("owner", "OWNER ", "Own\u200ber", "\uff2fwner", "Tenant\u00a0Admin")),
    *map(claim, ("roles", "Roles", "ROLES ", "permi\u00adssions")),
    *(
        right(*one)
        for one in (
            ("Role", ["Owner"]),
            ("role", "owner"),
            ("https://acme.example/rights", ["OWNER"]),
            ("rights", '["Owner"]'),
            ("rights", '{"app": ["Own\u200ber"]}'),
            ("rights", '"[\\"Owner\\"]"'),
            ("scope", "openid Owner"),
            ("rights", "Viewer,Owner"),
            ("tenants", {"globex": {"Rights": ["Owner"]}}),
            ("Owner", True),
            ("https://acme.example/owner", 1),
        )
    ),
    *map(ada, (ADA.upper(), f" {ADA}", ADA.replace("@", "\uff20"), ADA.replace("a", "\u200ba", 1))),
    ("DeleteUsers", {"userIds": ["x"]}),
    # Who is asked on a device of his own, and where a message leads that is filled in.
    (
        "ThirdPartyApplicationCIBAEndpoint",
        {"client_id": "c", "scope": "openid", "login_hint": "Eve@evil.example"},
    ),
    ("SendPasswordReset", {"loginId": GRACE, "templateOptions": {"a": "https:evil.example/x"}}),
    ("SendPasswordReset", {"loginId": GRACE, "templateOptions": {"a": "go to EVIL\u3002example"}}),
]


@pytest.fixture
def strict(acme: Services) -> Services:
    rules, _ = parse("p.toml", DENIED, acme.catalog)
    return replace(acme, policy=Policy(rules=rules), trusted_hosts=frozenset({"app.acme.example"}))


async def test_no_spelling_slips_past_a_rule_that_denies(strict: Services) -> None:
    through = []
    for operation, arguments in WRITTEN:
        for given in (arguments, json.dumps(arguments)):
            tally[CALLS] += 1
            outcome = await invoke(Call(operation, given, "agent"), strict)
            held = isinstance(outcome, Refused) and outcome.rule.startswith("p.toml")
            if not held and not isinstance(outcome, Failed):
                through.append(f"{operation} {arguments}: {outcome}")
    none(through, BYPASSED)


@pytest.mark.parametrize(
    "name", ["patchuser", "PATCHUSER", "PatchUser ", "\uff30atchUser", "Patch\u200bUser"]
)
async def test_no_spelling_of_an_operation_slips_past_its_name(acme: Services, name: str) -> None:
    rules, _ = parse("p.toml", '[[rule]]\noperation = "PatchUser"\ndecision = "deny"', acme.catalog)
    tally[CALLS] += 1
    denying = replace(acme, policy=Policy(rules=rules))
    outcome = await invoke(Call(name, {"loginId": GRACE, "name": "x"}, "agent"), denying)
    assert not isinstance(outcome, Completed), outcome


@pytest.mark.parametrize("order", [(ADA, GRACE), (GRACE, ADA)])
async def test_what_is_said_twice_is_judged_as_it_is_sent(
    strict: Services, order: tuple[str, str]
) -> None:
    tally[CALLS] += 1
    twice = f'{{"loginId": "{order[0]}", "name": "Robot", "loginId": "{order[1]}"}}'
    outcome = await invoke(Call("PatchUser", twice, "agent"), strict)
    read = await invoke(Call("LoadUser", {"loginId": ADA}, "agent"), strict)
    assert isinstance(read, Completed), read
    assert read.data["user"]["name"] == "Ada Okafor", outcome
