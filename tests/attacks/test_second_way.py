"""What is asked about on one way, tried on another: undo, a grant, a default, a rename, a copy."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest

from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Completed, NeedsConfirmation, Refused, Undo
from descope_mcp.call.services import Services
from descope_mcp.call.undo.undo import undo
from descope_mcp.guard.consent.confirmation import accept
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.guard.policy.file import parse
from descope_mcp.store.consent import approvals, grants
from descope_mcp.store.store import Store
from tests.attacks.tally import CALLS, tally

pytestmark = pytest.mark.anyio

ADA, GRACE = "ada.okafor@acme.example", "grace.kim@globex.example"


async def call(services: Services, operation: str, /, **arguments: Any) -> Any:
    tally[CALLS] += 1
    return await invoke(Call(operation, arguments, "agent"), services)


async def agreed(services: Services, operation: str, /, **arguments: Any) -> Completed:
    outcome = await call(services, operation, **arguments)
    if isinstance(outcome, NeedsConfirmation):
        approval = accept(outcome.question, outcome.question.typed)
        outcome = await invoke(Call(operation, arguments, "agent", approval=approval), services)
    assert isinstance(outcome, Completed), outcome
    return outcome


async def roles(services: Services, login_id: str) -> list[str]:
    user = (await call(services, "LoadUser", loginId=login_id)).data["user"]
    return [*user.get("roleNames", []), *(r for t in user["userTenants"] for r in t["roleNames"])]


def under(services: Services, text: str) -> Services:
    return replace(services, policy=Policy(rules=parse("p.toml", text, services.catalog)[0]))


@pytest.mark.parametrize("anyway", [False, True])
@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("PatchUser", {"loginId": ADA, "name": "A"}),
        ("UpdateUser", {"loginId": ADA, "name": "A"}),
        ("UpdateUserDisplayName", {"loginId": ADA, "givenName": "A"}),
    ],
)
async def test_taking_back_a_name_brings_back_no_role(
    acme: Services, operation: str, arguments: dict[str, Any], anyway: bool
) -> None:
    """A person has taken the role away in the meantime."""
    made = await agreed(acme, operation, **arguments)
    await agreed(acme, "UpdateUserRemoveRoles", loginId=ADA, roleNames=["Owner"])
    outcome = await undo(Undo(made.call_id, "agent", anyway=anyway), acme)
    assert await roles(acme, ADA) == [], outcome


async def test_who_is_protected_by_now_is_so_from_undo(acme: Services) -> None:
    made = await agreed(acme, "PatchUser", loginId=ADA, name="A")
    made_new = await agreed(acme, "CreateUser", loginId="ada2")
    for target, one in ((ADA, made), ("ada2", made_new)):
        rule = (
            f'[[rule]]\ntarget = "{target}"\neffect = ["write", "destructive"]\ndecision = "deny"'
        )
        outcome = await undo(Undo(one.call_id, "agent", anyway=True), under(acme, rule))
        assert isinstance(outcome, Refused), outcome


async def test_an_undo_of_an_undo_asks_like_the_call_itself(acme: Services) -> None:
    gone = await agreed(acme, "UpdateUserRemoveRoles", loginId=ADA, roleNames=["Owner"])
    asked = await undo(Undo(gone.call_id, "agent"), acme)
    assert isinstance(asked, NeedsConfirmation), asked
    done = await undo(Undo(gone.call_id, "agent", approval=accept(asked.question)), acme)
    assert isinstance(done, Completed), done
    entry = done.data["steps"][0]["callId"]
    again = await undo(Undo(entry, "agent"), acme)
    assert isinstance(again, NeedsConfirmation), again
    assert "may no longer" in again.question.text


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("UpdateRole", {"name": "Owner", "newName": "Temp-1", "permissionNames": ["billing.read"]}),
        ("UpdateRoles", {"roles": [{"name": "Owner", "newName": "Temp-1"}]}),
        ("UpdatePermission", {"name": "billing.write", "newName": "Temp-1"}),
        ("UpdateUserLoginID", {"loginId": ADA, "newLoginId": "Temp-1"}),
        ("PatchUser", {"loginId": ADA, "additionalIdentifiers": ["Temp-1"]}),
        ("PatchUserBatch", {"users": [{"loginId": ADA, "additionalIdentifiers": ["Temp-1"]}]}),
    ],
)
async def test_nothing_is_renamed_into_a_grant_unasked(
    acme: Services, operation: str, arguments: dict[str, Any]
) -> None:
    """A grant for names like these would cover it from then on."""
    asked = await call(acme, operation, **arguments)
    assert isinstance(asked, NeedsConfirmation), asked


@pytest.mark.parametrize(
    "arguments",
    [
        {"userIds": ["U", "V"]},
        {"userIds": []},
        {"userIds": ["U"], "replace": True},
    ],
)
async def test_a_grant_for_one_covers_no_batch(acme: Services, arguments: dict[str, Any]) -> None:
    logins = {"U": ADA, "V": GRACE}
    ids = {
        letter: (await call(acme, "LoadUser", loginId=login)).data["user"]["userId"]
        for letter, login in logins.items()
    }
    given = {**arguments, "userIds": [ids[one] for one in arguments["userIds"]]}
    granting: dict[str, Any] = {"project": acme.project, "items": 1, "seconds": 60}
    grants.create(acme.store, operation="DeleteUsers", arguments={"userIds[]": "U*"}, **granting)
    assert not isinstance(await call(acme, "DeleteUsers", **given), Completed)


async def test_a_grant_does_not_count_where_the_rule_asks_for_one_s_name(acme: Services) -> None:
    """What was protected since is not covered by what was granted before."""
    granting: dict[str, Any] = {"project": acme.project, "items": 9, "seconds": 60}
    grants.create(
        acme.store, operation="LogoutAllUserDevices", arguments={"loginId": "*"}, **granting
    )
    user = (await call(acme, "LoadUser", loginId=ADA)).data["user"]
    rule = f'[[rule]]\ntarget = "{user["userId"]}"\ndecision = "deny"'
    outcome = await call(under(acme, rule), "LogoutAllUserDevices", loginId=ADA)
    assert isinstance(outcome, Refused), outcome


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("CreateUser", {"loginId": "n", "ssoAppIds": ["A1"]}),
        ("CreateUsers", {"users": [{"loginId": "m"}, {"loginId": "n", "ssoAppIds": ["A1"]}]}),
        ("CreateTestUser", {"loginId": "n", "ssoAppIds": ["A1"]}),
        ("CreateRole", {"name": "New", "default": True, "permissionNames": ["User Admin"]}),
        ("CreateRoles", {"roles": [{"name": "N"}, {"name": "M", "default": True}]}),
        ("CreateTenant", {"name": "t", "selfProvisioningDomains": ["globex.example"]}),
        ("CreateTenant", {"name": "t", "parent": "globex"}),
        ("CreateTenant", {"name": "t", "enforceSSOExclusions": [GRACE]}),
        ("CreateMcpServer", {"name": "m", "skipConsentScreen": True}),
        ("AddIPsToList", {"id": "L1", "ips": ["0.0.0.0/0"]}),
    ],
)
async def test_no_right_comes_with_what_is_new_unasked(
    acme: Services, operation: str, arguments: dict[str, Any]
) -> None:
    outcome = await call(acme, operation, **arguments)
    assert not isinstance(outcome, Completed), outcome


async def test_an_approval_does_not_outlive_the_policy_that_asked(acme: Services) -> None:
    asked = await call(acme, "LogoutAllUserDevices", loginId=GRACE)
    assert isinstance(asked, NeedsConfirmation), asked
    filed = approvals.file(
        acme.store,
        project=acme.project,
        caller="agent",
        operation="LogoutAllUserDevices",
        binding=asked.question.binding,
        question="?",
        typed="",
    )
    assert filed
    assert approvals.answer(acme.store, filed.number, approved=True)
    for rule in (
        f'[[rule]]\ntarget = "{GRACE}"\ndecision = "deny"',
        '[[rule]]\noperation = "Logout*"\ndecision = "deny"',
    ):
        denied = await call(under(acme, rule), "LogoutAllUserDevices", loginId=GRACE)
        assert isinstance(denied, Refused), denied
    # The same words for somebody else, by somebody else: another call.
    assert isinstance(await call(acme, "LogoutAllUserDevices", loginId=ADA), NeedsConfirmation)
    other = await invoke(Call("LogoutAllUserDevices", {"loginId": GRACE}, "other"), acme)
    assert isinstance(other, NeedsConfirmation), other
    assert isinstance(await call(acme, "LogoutAllUserDevices", loginId=GRACE), Completed)


async def test_a_word_given_in_one_store_counts_in_no_copy(acme: Services, tmp_path: Path) -> None:
    """Rows that are genuine under the same key, in a state directory of the agent's own."""
    one = Store(tmp_path / "one", tmp_path / "config" / "key")
    granting: dict[str, Any] = {"project": acme.project, "items": 9, "seconds": 60}
    grants.create(one, operation="LogoutAllUserDevices", arguments={"loginId": GRACE}, **granting)
    mine = replace(acme, store=one)
    # By another process, since this one has the database open (`tests.on_disk`).
    await anyio.run_process(["cp", "-r", str(tmp_path / "one"), str(tmp_path / "two")])
    used = await call(mine, "LogoutAllUserDevices", loginId=GRACE)
    assert isinstance(used, Completed), used
    shutil.copytree(tmp_path / "config", tmp_path / "other")
    for state, key in (("two", "config"), ("two", "other"), ("three", "config")):
        copy = Store(tmp_path / state, tmp_path / key / "key")
        outcome = await call(replace(acme, store=copy), "LogoutAllUserDevices", loginId=GRACE)
        assert not isinstance(outcome, Completed), (state, key, outcome)
        copy.close()
    one.close()
