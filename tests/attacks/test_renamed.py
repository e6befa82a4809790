"""Something gets another name, which nobody is asked about, and is then destroyed under it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Completed, NeedsConfirmation, Refused
from descope_mcp.call.services import Services
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.guard.policy.file import parse
from descope_mcp.guard.preview.target_identity import own_ids
from descope_mcp.store.journal import earlier_states
from descope_mcp.store.store import Store

pytestmark = pytest.mark.anyio


@pytest.fixture
async def mine(acme: Services, tmp_path: Path) -> AsyncIterator[Services]:
    """Services whose journal knows nothing of what other tests have renamed."""
    store = Store(tmp_path / "state", tmp_path / "config" / "key")
    yield replace(acme, store=store)
    store.close()


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


async def test_a_tenant_is_typed_by_what_an_agent_did_not_choose(mine: Services) -> None:
    before = await asked(mine, "DeleteTenant", id="globex", cascade=True)
    name = before.question.typed
    assert 'id: "globex"' in before.question.text
    await renamed(mine, "UpdateTenant", id="globex", name="y")
    outcome = await asked(mine, "DeleteTenant", id="globex", cascade=True)
    assert outcome.question.typed == "globex"
    said = f'"y" ("globex") was called "{name}" before a call of UpdateTenant by "agent".'
    assert said in outcome.question.text
    assert 'id: "globex"' in outcome.question.text


async def test_no_second_new_name_hides_the_first(mine: Services) -> None:
    await renamed(mine, "UpdateTenant", id="globex", name="x")
    await renamed(mine, "UpdateTenant", id="globex", name="Umbra Ltd")
    outcome = await asked(mine, "DeleteTenant", id="globex")
    by = 'before a call of UpdateTenant by "agent"'
    assert f'was called "Globex Corporation" {by}, then "x".' in outcome.question.text


async def test_no_number_of_new_names_hides_the_first(mine: Services) -> None:
    for number in range(6):
        await renamed(mine, "UpdateTenant", id="globex", name=f"x{number}")
    outcome = await asked(mine, "DeleteTenant", id="globex")
    assert 'was called "Globex Corporation" before' in outcome.question.text
    assert ', then "x4", "x3", "x2" and 2 more.' in outcome.question.text


async def test_the_project_is_typed_by_its_id_once_it_has_another_name(mine: Services) -> None:
    await renamed(mine, "UpdateProjectName", name="Playground")
    outcome = await asked(mine, "DeleteProject")
    assert outcome.question.typed == mine.project


async def test_of_a_management_key_the_rights_are_shown_and_the_id_is_typed(
    mine: Services,
) -> None:
    listed = await invoke(Call("SearchManagementKeys", {}, "agent"), mine)
    assert isinstance(listed, Completed)
    (key,) = [k for k in listed.data["keys"] if k["reBac"]["companyRoles"]]
    await renamed(mine, "UpdateManagementKey", id=key["id"], name="y")
    outcome = await asked(mine, "DeleteManagementKeys", ids=[key["id"]])
    assert outcome.question.typed == key["id"]
    assert f'("{key["id"]}") was called "{key["name"]}"' in outcome.question.text
    assert "administrator" in outcome.question.text


async def test_a_rule_on_a_name_holds_for_what_had_it(mine: Services) -> None:
    rules, _ = parse("p.toml", PROTECTED, mine.catalog)
    guarded = replace(mine, policy=Policy(rules=rules))
    await renamed(guarded, "UpdateTenant", id="globex", name="y")
    outcome = await invoke(Call("DeleteTenant", {"id": "globex"}, "agent"), guarded)
    assert isinstance(outcome, Refused), outcome


async def test_where_the_journal_is_too_long_to_tell_the_id_is_typed(
    mine: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody buries a new name under many other changes."""
    monkeypatch.setattr(earlier_states, "MOST_CALLS", 2)
    await renamed(mine, "UpdateTenant", id="globex", name="y")
    for number in range(3):
        await renamed(mine, "UpdateTenant", id="umbra", name=f"Umbra {number}")
    outcome = await asked(mine, "DeleteTenant", id="globex", cascade=True)
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
    mine: Services, operation: str, arguments: dict[str, Any]
) -> None:
    outcome = await asked(mine, operation, **arguments)
    assert "has one of the new name then" in outcome.question.text
    assert outcome.question.text.splitlines()[1].startswith("Dangerous, ")
    rules, _ = parse("p.toml", TAKES_NONE, mine.catalog)
    refused = await invoke(
        Call(operation, arguments, "agent"), replace(mine, policy=Policy(rules=rules))
    )
    assert isinstance(refused, Refused), refused


async def test_what_somebody_owns_was_never_called_as_they_are(mine: Services) -> None:
    """The user's id in a device, a consent or a token says whose it is, and not which one it is."""
    grace = "grace.kim@globex.example"
    await renamed(mine, "UpdateUserDisplayName", loginId=grace, name="Grace Kim-Lee")
    read = Call("ListTrustedDevicesForUsers", {"identifiers": [grace]}, "agent")
    found = await invoke(read, mine)
    assert isinstance(found, Completed), found
    (device,) = found.data["devices"]
    given = {"loginId": grace, "deviceIds": [device["id"]]}
    outcome = await asked(mine, "UpdateUserRemoveTrustedDevices", **given)
    assert "was called" not in outcome.question.text
    other = {**device, "id": "D2another"}
    assert own_ids([device, other]) == {device["id"], "D2another"}
