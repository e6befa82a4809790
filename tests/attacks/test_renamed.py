"""Something gets another name, which nobody is asked about, and is then destroyed under it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Completed, NeedsConfirmation, Refused
from descope_mcp.call.services import Services
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.guard.policy.file import parse
from descope_mcp.store.journal import earlier_states

pytestmark = pytest.mark.anyio

PROTECTED = """
[[rule]]
target = "Globex Corporation"
effect = ["destructive"]
decision = "deny"
"""


async def renamed(services: Services, operation: str, **arguments: str) -> None:
    assert isinstance(await invoke(Call(operation, arguments, "agent"), services), Completed)


async def asked(services: Services, operation: str, **arguments: object) -> NeedsConfirmation:
    outcome = await invoke(Call(operation, arguments, "agent"), services)
    assert isinstance(outcome, NeedsConfirmation), outcome
    return outcome


async def test_a_tenant_is_typed_by_what_an_agent_did_not_choose(acme: Services) -> None:
    before = await asked(acme, "DeleteTenant", id="globex", cascade=True)
    name = before.question.typed
    assert 'id: "globex"' in before.question.text
    await renamed(acme, "UpdateTenant", id="globex", name="y")
    outcome = await asked(acme, "DeleteTenant", id="globex", cascade=True)
    assert outcome.question.typed == "globex"
    said = f'"y" ("globex") was called "{name}" before a call of UpdateTenant by "agent".'
    assert said in outcome.question.text
    assert 'id: "globex"' in outcome.question.text


async def test_no_second_new_name_hides_the_first(acme: Services) -> None:
    await renamed(acme, "UpdateTenant", id="globex", name="x")
    await renamed(acme, "UpdateTenant", id="globex", name="Umbra Ltd")
    outcome = await asked(acme, "DeleteTenant", id="globex")
    for was in ("x", "Globex"):
        assert f'was called "{was}' in outcome.question.text


async def test_the_project_is_typed_by_its_id_once_it_has_another_name(acme: Services) -> None:
    await renamed(acme, "UpdateProjectName", name="Playground")
    outcome = await asked(acme, "DeleteProject")
    assert outcome.question.typed == acme.project


async def test_of_a_management_key_the_rights_are_shown_and_the_id_is_typed(
    acme: Services,
) -> None:
    listed = await invoke(Call("SearchManagementKeys", {}, "agent"), acme)
    assert isinstance(listed, Completed)
    (key,) = [k for k in listed.data["keys"] if k["reBac"]["companyRoles"]]
    await renamed(acme, "UpdateManagementKey", id=key["id"], name="y")
    outcome = await asked(acme, "DeleteManagementKeys", ids=[key["id"]])
    assert outcome.question.typed == key["id"]
    assert f'("{key["id"]}") was called "{key["name"]}"' in outcome.question.text
    assert "administrator" in outcome.question.text


async def test_a_rule_on_a_name_holds_for_what_had_it(acme: Services) -> None:
    rules, _ = parse("p.toml", PROTECTED, acme.catalog)
    guarded = replace(acme, policy=Policy(rules=rules))
    await renamed(guarded, "UpdateTenant", id="globex", name="y")
    outcome = await invoke(Call("DeleteTenant", {"id": "globex"}, "agent"), guarded)
    assert isinstance(outcome, Refused), outcome


async def test_where_the_journal_is_too_long_to_tell_the_id_is_typed(
    acme: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody buries a new name under many other changes."""
    monkeypatch.setattr(earlier_states, "MOST_CALLS", 2)
    await renamed(acme, "UpdateTenant", id="globex", name="y")
    for number in range(3):
        await renamed(acme, "UpdateTenant", id="umbra", name=f"Umbra {number}")
    outcome = await asked(acme, "DeleteTenant", id="globex", cascade=True)
    assert outcome.question.typed == "globex"


TAKES_NONE = """
[[rule]]
hazard = "account_takeover"
decision = "deny"
"""


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("UpdatePermission", {"name": "reports.read", "newName": "super.admin"}),
        (
            "UpdatePermissions",
            {"permissions": [{"name": "reports.read", "newName": "super.admin"}]},
        ),
    ],
)
async def test_who_has_a_permission_is_not_given_another_by_its_name(
    acme: Services, operation: str, arguments: dict[str, Any]
) -> None:
    outcome = await asked(acme, operation, **arguments)
    assert "has one of the new name then" in outcome.question.text
    assert outcome.question.text.splitlines()[1].startswith("Dangerous, ")
    rules, _ = parse("p.toml", TAKES_NONE, acme.catalog)
    refused = await invoke(
        Call(operation, arguments, "agent"), replace(acme, policy=Policy(rules=rules))
    )
    assert isinstance(refused, Refused), refused
