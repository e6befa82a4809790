"""Keys that act for a user, who is named by nothing but an id."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Completed, NeedsConfirmation, Refused
from descope_mcp.call.services import Services
from descope_mcp.guard.consent.confirmation import accept
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.guard.policy.file import parse

pytestmark = pytest.mark.anyio

ADA = "ada.okafor@acme.example"
NO_OWNERS = """
[[rule]]
roles = ["Owner"]
effect = ["write"]
decision = "deny"
"""


async def _user(services: Services) -> dict[str, Any]:
    found = await invoke(Call("LoadUser", {"loginId": ADA}, "agent"), services)
    assert isinstance(found, Completed), found
    user: dict[str, Any] = found.data["user"]
    return user


def _calls(user: str) -> list[Call]:
    key = {"name": "job", "userId": user}
    imported = {"keys": [{**key, "cleartext": "chosen-by-somebody"}]}
    return [Call("CreateAccessKey", key, "agent"), Call("ImportAccessKeys", imported, "agent")]


@pytest.mark.parametrize("which", [0, 1])
async def test_whose_rights_a_key_has_is_told_and_bound(acme: Services, which: int) -> None:
    user = await _user(acme)
    call = _calls(user["userId"])[which]
    outcome = await invoke(call, acme)
    assert isinstance(outcome, NeedsConfirmation), outcome
    text = outcome.question.text
    assert user["name"] in text
    assert '"job" may then also: ' in text
    assert "billing.write" in text
    assert "hits an owner" in text
    assert "never expires" in text
    assert "from any address" in text
    more = {"loginId": ADA, "roleNames": ["Viewer"]}
    for role in ("Viewer", "Editor"):
        given = Call("UpdateUserAddRoles", {**more, "roleNames": [role]}, "agent")
        asked = await invoke(given, acme)
        if isinstance(asked, NeedsConfirmation):
            await invoke(replace(given, approval=accept(asked.question)), acme)
    late = await invoke(replace(call, approval=accept(outcome.question)), acme)
    assert isinstance(late, Refused), late
    assert late.rule == "changed"


@pytest.mark.parametrize("which", [0, 1])
async def test_a_rule_on_roles_holds_for_those_of_a_user_who_is_lent(
    acme: Services, which: int
) -> None:
    rules, _ = parse("p.toml", NO_OWNERS, acme.catalog)
    guarded = replace(acme, policy=Policy(rules=rules))
    call = _calls((await _user(acme))["userId"])[which]
    assert isinstance(await invoke(call, guarded), Refused)


async def test_one_key_of_several_without_an_end_is_told(acme: Services) -> None:
    ends: dict[str, Any] = {"name": "a", "cleartext": "one", "expireTime": "2099-01-01T00:00:00Z"}
    ends |= {"permittedIps": ["192.0.2.1"]}
    never = {"name": "b", "cleartext": "two", "permittedIps": ["192.0.2.1"]}
    for keys, said in (([ends], False), ([ends, never], True)):
        outcome = await invoke(Call("ImportAccessKeys", {"keys": keys}, "agent"), acme)
        assert isinstance(outcome, NeedsConfirmation), outcome
        assert ("never expires" in outcome.question.text) is said
        assert "from any address" not in outcome.question.text
