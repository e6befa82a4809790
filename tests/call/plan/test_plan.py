"""Plans on the sandbox: what is shown, what runs, what became of each call."""

from __future__ import annotations

from typing import Any

import pytest

from descope_mcp.call.outcome import Completed, Failed, Instead, NeedsConfirmation, Refused
from descope_mcp.call.plan.outcome import PlanChecked, PlanEnded
from descope_mcp.call.plan.steps import Faults
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.guard.policy.rule import Cap, PolicyRule
from descope_mcp.store.consent import grants
from tests.call.plan.world import ADA, BEN, DANIEL, Steps, World, became, disable

pytestmark = pytest.mark.anyio

FIND = {"id": "find", "operation": "SearchUsers", "arguments": {"tenantIds": ["globex"]}}
NOBODY = {"$from": "find", "path": "users[?email=='x']"}
BLOCK_ALL = {
    "id": "off",
    "operation": "UpdateUserStatus",
    "for_each": {"$from": "find", "path": "users[?status=='enabled']"},
    "arguments": {"loginId": {"$each": "loginIds[0]"}, "status": "disabled"},
}


async def test_everyone_whom_a_search_finds_is_blocked_with_one_yes(here: World) -> None:
    outcome = await here.ran([FIND, BLOCK_ALL], title="Close Globex")
    assert len(here.asked) == 1
    assert "5 times: Block the user …" in here.asked[0]
    assert '"Close Globex"' in here.asked[0]
    assert became(outcome) == ["done"] * 5
    for call in outcome.calls:
        assert call.target in here.asked[0]
    found = await here.call("SearchUsers", {"tenantIds": ["globex"], "statuses": ["enabled"]})
    assert isinstance(found, Completed)
    assert not found.data.get("users")
    whole, *calls = here.journal()
    assert (whole.operation, whole.result, whole.consent) == ("plan", "done", "person")
    assert sorted(call.number for call in calls) == [1, 2, 3, 4, 5]
    assert {call.plan for call in calls} == {whole.call} == {outcome.id}


async def test_a_check_sends_nothing_but_reads(here: World) -> None:
    before = here.state.export()["users"]
    outcome = await here.plan([FIND, BLOCK_ALL], check=True)
    assert isinstance(outcome, PlanChecked)
    assert outcome.asks == 5
    assert here.state.export()["users"] == before
    assert not here.journal()


async def test_all_faults_are_told_at_once_and_nothing_runs(here: World) -> None:
    steps = [
        {"operation": "CreateRole", "arguments": {"name": "Fine"}},
        {"id": "x", "operation": "DeleteUser", "arguments": {"loginId": "nobody@nowhere.example"}},
        {"id": "y", "operation": "UpdateUserStatus", "arguments": {"loginId": ADA}},
        {"id": "z", "operation": "DeleteTenant", "arguments": {"id": "no-such-tenant"}},
    ]
    outcome = await here.plan(steps)
    assert isinstance(outcome, Failed)
    assert "step y" in outcome.message
    steps.pop(2)
    outcome = await here.plan(steps)
    assert isinstance(outcome, Failed)
    assert "step x" in outcome.message
    assert "step z" in outcome.message
    assert not here.journal()


@pytest.mark.parametrize(
    ("steps", "fault"),
    [
        ([], "steps are a list"),
        ("no list", "steps are a list"),
        ([{"operation": "NoSuchThing"}], "no operation"),
        ([{**FIND, "retry": True}], "retry"),
        ([FIND, FIND], "same id"),
        ([{**FIND, "id": "a b"}], "an id has letters"),
        ([BLOCK_ALL, FIND], "before it"),
        ([FIND, {**BLOCK_ALL, "for_each": {"$from": "find", "path": "users["}}], "path"),
        ([FIND, {**BLOCK_ALL, "for_each": {"$from": "find", "path": "total"}}], "no list"),
        ([FIND, {**BLOCK_ALL, "for_each": NOBODY}], "no call"),
        ([{"operation": "LoadUser", "arguments": {"loginId": {"$from": "answers/x"}}}], "not kept"),
        ([{"operation": "LoadUser", "arguments": {"loginId": "$each"}}], "for_each"),
        ([{**FIND, "for_each": list(range(201)), "arguments": {"limit": "$each"}}], "at most 200"),
        ([FIND] * 201, "at most 200"),
        ([{"operation": "UpdateUserAddRoles", "arguments": {"loginId": BEN, "roleNames": ["No"]}}],
         'no role "No"'),
    ],
)  # fmt: skip
async def test_a_plan_that_makes_no_sense_is_told_why(here: World, steps: Any, fault: str) -> None:
    outcome = await here.plan(steps)
    assert isinstance(outcome, Failed), outcome
    assert fault in outcome.message
    assert not here.journal()


async def test_a_new_id_passes_to_the_steps_that_need_it(here: World) -> None:
    steps = [
        {"id": "new", "operation": "CreateTenant", "arguments": {"name": "Vandelay"}},
        {
            "id": "join",
            "operation": "UpdateUserAddTenant",
            "for_each": [ADA, BEN],
            "arguments": {"loginId": "$each", "tenantId": {"$from": "new", "path": "id"}},
        },
    ]
    outcome = await here.ran(steps)
    assert became(outcome) == ["done"] * 3
    assert "tenantId is taken from id of the answer of step new" in here.asked[0]
    made = outcome.calls[0].outcome
    assert isinstance(made, Completed)
    for login in (ADA, BEN):
        assert made.data["id"] in [t["tenantId"] for t in (await here.user(login))["userTenants"]]


async def test_a_user_that_the_plan_makes_is_no_missing_target(here: World) -> None:
    steps = [
        {"operation": "CreateRole", "arguments": {"name": "Fresh", "permissionNames": []}},
        {"operation": "CreateUser", "arguments": {"loginId": "eve@acme.example"}},
        {
            "operation": "UpdateUserAddRoles",
            "arguments": {"loginId": "eve@acme.example", "roleNames": ["Fresh"]},
        },
    ]
    outcome = await here.ran(steps)
    assert became(outcome) == ["done"] * 3
    assert (await here.user("eve@acme.example"))["roleNames"] == ["Fresh"]


async def test_what_a_role_of_the_plan_will_bring_is_shown(here: World) -> None:
    steps = [
        {"operation": "CreateRole",
         "arguments": {"name": "Fresh", "permissionNames": ["billing.read"]}},
        {"operation": "UpdateUserAddRoles", "arguments": {"loginId": BEN, "roleNames": ["Fresh"]}},
    ]  # fmt: skip
    outcome = await here.ran(steps)
    assert 'may then also: "billing.read"' in " ".join(here.asked[0].split())
    assert became(outcome) == ["done"] * 2


async def test_a_role_that_the_plan_changes_brings_what_the_change_leaves_out(here: World) -> None:
    described = {"name": "Editor", "newName": "Chief", "description": "Writes"}
    steps = [
        {"operation": "UpdateRole", "arguments": described},
        {"operation": "UpdateUserAddRoles", "arguments": {"loginId": BEN, "roleNames": ["Chief"]}},
    ]
    outcome = await here.ran(steps)
    assert became(outcome) == ["done"] * 2
    assert '"projects.write"' in here.asked[0]


async def test_a_role_that_the_plan_has_given_can_be_deleted_by_it(here: World) -> None:
    steps = [
        {"operation": "UpdateUserAddRoles", "arguments": {"loginId": BEN, "roleNames": ["Editor"]}},
        {"operation": "DeleteRole", "arguments": {"name": "Editor"}},
    ]
    assert became(await here.ran(steps)) == ["done"] * 2


async def test_a_tenants_role_is_to_be_made_before_it_is_given_elsewhere(here: World) -> None:
    login, there = "hugo.silva@globex.example", {"tenantId": "umbra"}
    steps: Steps = [
        {"operation": "UpdateUserAddTenant", "arguments": {"loginId": login, **there}},
        {"operation": "UpdateUserAddRoles",
         "arguments": {"loginId": login, **there, "roleNames": ["Analyst"]}},
    ]  # fmt: skip
    outcome = await here.plan(steps)
    assert isinstance(outcome, Failed)
    assert 'no role "Analyst", neither in the tenant "umbra" nor in the project' in outcome.message
    assert not here.journal()
    role = {"name": "Analyst", "permissionNames": ["reports.read"], **there}
    ended = await here.ran([{"operation": "CreateRole", "arguments": role}, *steps])
    assert became(ended) == ["done"] * 3


async def test_a_call_that_builds_on_others_names_them_as_the_person_sees_them(here: World) -> None:
    people = [ADA, BEN]
    steps = [
        {"id": f"s{9 - n}", "operation": "PatchUser", "arguments": {"loginId": one, "name": one}}
        for n, one in enumerate(people)
    ]
    outcome = await here.ran([*steps, *disable(*people)])
    assert became(outcome) == ["done"] * 4
    asked = " ".join(here.asked[0].split())
    assert "3-4. 2 times: Block the user …" in asked
    assert "Builds on 1-2" in asked


async def test_two_changes_of_one_user_build_on_each_other(here: World) -> None:
    steps = [
        {"operation": "PatchUser", "arguments": {"loginId": BEN, "name": "Benjamin"}},
        {"operation": "UpdateUserStatus", "arguments": {"loginId": BEN, "status": "disabled"}},
        {"operation": "DeleteUser", "arguments": {"loginId": BEN}},
    ]
    outcome = await here.ran(steps)
    assert became(outcome) == ["done"] * 3
    assert isinstance(await here.call("LoadUser", {"loginId": BEN}), Failed)


async def test_what_the_plan_itself_has_changed_can_be_set_back(here: World) -> None:
    status = [
        {"operation": "UpdateUserStatus", "arguments": {"loginId": BEN, "status": one}}
        for one in ("disabled", "enabled", "disabled")
    ]
    names = [
        {"operation": "PatchUser", "arguments": {"loginId": BEN, "givenName": one}}
        for one in ("Benny", "Ben")
    ]
    outcome = await here.ran([*status, *names])
    assert became(outcome) == ["done"] * 5
    user = await here.user(BEN)
    assert (user["status"], user["givenName"]) == ("disabled", "Ben")


async def test_what_is_deleted_cannot_be_changed_after(here: World) -> None:
    steps = [
        {"id": "gone", "operation": "DeleteUser", "arguments": {"loginId": BEN}},
        {"id": "late", "operation": "PatchUser", "arguments": {"loginId": BEN, "name": "x"}},
    ]
    outcome = await here.plan(steps)
    assert isinstance(outcome, Failed)
    assert "gone after step gone" in outcome.message


async def test_the_first_failure_stops_the_rest(here: World) -> None:
    steps = [
        *disable(ADA),
        {"operation": "CreateUser", "arguments": {"loginId": BEN}},
        {"operation": "CreateRole", "arguments": {"name": "Fine", "permissionNames": []}},
    ]
    outcome = await here.ran(steps)
    assert became(outcome) == ["done", "failed", "not run"]
    assert here.journal()[0].result == "failed"
    again = await here.ran(steps[2:], on_failure="continue")
    assert became(again) == ["done"]


async def test_independent_calls_go_on_where_that_is_wanted(here: World) -> None:
    steps = [
        {"id": "bad", "operation": "CreateUser", "arguments": {"loginId": BEN}},
        {"operation": "UpdateUserAddTenant",
         "arguments": {"loginId": ADA, "tenantId": {"$from": "bad", "path": "user.userId"}}},
        {"operation": "CreateRole", "arguments": {"name": "Fine", "permissionNames": []}},
    ]  # fmt: skip
    outcome = await here.ran(steps, on_failure="continue")
    assert became(outcome) == ["failed", "not run", "done"]


async def test_many_changes_of_one_target_go_on_beside_a_failure(here: World) -> None:
    """Each builds on all before it, and what one builds on is not looked through again by all."""
    names = [
        {"operation": "PatchUser", "arguments": {"loginId": ADA, "name": f"Ada {n}"}}
        for n in range(40)
    ]
    failing = {"operation": "CreateUser", "arguments": {"loginId": BEN}}
    outcome = await here.ran([failing, *names], on_failure="continue")
    assert became(outcome) == ["failed", *["done"] * 40]


async def test_a_grant_covers_steps_as_it_covers_calls(here: World) -> None:
    project = here.services.project
    made = grants.create(
        here.services.store,
        project=project,
        operation="UpdateUserStatus",
        arguments={"loginId": "*@globex.example", "status": "disabled"},
        items=5,
        seconds=600,
    )
    outcome = await here.ran([FIND, BLOCK_ALL])
    assert not here.asked
    assert outcome.consent == f"grant {made.id}"
    assert grants.listed(here.services.store, project)[0].left == 0


async def test_a_grant_for_a_part_does_not_cover_the_whole(here: World) -> None:
    grants.create(
        here.services.store,
        project=here.services.project,
        operation="UpdateUserStatus",
        arguments={"loginId": "*@globex.example", "status": "disabled"},
        items=4,
        seconds=600,
    )
    assert isinstance(await here.plan([FIND, BLOCK_ALL], yes=False), NeedsConfirmation)
    assert grants.listed(here.services.store)[0].left == 4


async def test_a_cap_counts_the_whole_plan_before_it_starts(here: World) -> None:
    operations = frozenset({"UpdateUserStatus"})
    rule = PolicyRule("test:1", "allow", "", operations, cap=Cap("test:1", 3600, calls=4))
    object.__setattr__(here.services, "policy", Policy(rules=(rule,)))
    outcome = await here.plan([FIND, BLOCK_ALL])
    assert isinstance(outcome, Refused)
    assert outcome.rule == "cap"
    assert became(await here.ran(disable(ADA, BEN))) == ["done", "done"]
    assert isinstance(await here.plan(disable(ADA, BEN, DANIEL)), Refused)


async def test_many_ordinary_changes_ask_like_one_of_many(here: World) -> None:
    found = await here.call("SearchUsers", {"limit": 30})
    assert isinstance(found, Completed)
    logins = [user["loginIds"][0] for user in found.data["users"]][:21]
    step = {
        "operation": "PatchUser",
        "for_each": logins,
        "arguments": {"loginId": "$each", "givenName": "X"},
    }
    outcome = await here.plan([step], yes=False)
    assert isinstance(outcome, NeedsConfirmation)
    assert "many" in outcome.disclosure.rule
    few = await here.plan([{**step, "for_each": logins[:3]}], yes=False)
    assert isinstance(few, PlanEnded)


async def test_a_plan_is_taken_back_as_one(here: World) -> None:
    before = {login: await here.user(login) for login in (ADA, BEN)}
    steps = [
        *disable(ADA, BEN),
        {"operation": "PatchUser", "arguments": {"loginId": BEN, "name": "Benjamin"}},
        {"operation": "PatchUser", "arguments": {"loginId": BEN, "name": "Benny"}},
        {"operation": "CreateRole", "arguments": {"name": "Fresh", "permissionNames": []}},
        {"operation": "UpdateUserAddRoles", "arguments": {"loginId": BEN, "roleNames": ["Fresh"]}},
    ]
    outcome = await here.ran(steps)
    assert became(outcome) == ["done"] * 6
    undone = await here.undo(outcome.id)
    assert isinstance(undone, PlanEnded), undone
    assert became(undone) == ["done"] * 6
    assert len(here.asked) == 2
    for login, was in before.items():
        now = await here.user(login)
        assert {**now, "modifiedTime": 0} == {**was, "modifiedTime": 0}
    again = await here.undo(outcome.id)
    assert isinstance(again, Refused)
    assert again.rule == "undone"


async def test_what_a_plan_renamed_and_deleted_is_taken_back(here: World) -> None:
    before = here.state.export()["roles"]
    renamed = {"name": "Editor", "newName": "Chief", "permissionNames": []}
    steps = [
        {"operation": "UpdateRole", "arguments": renamed},
        {"operation": "UpdateUserAddTenant", "arguments": {"loginId": BEN, "tenantId": "globex"}},
        {"operation": "DeleteUser", "arguments": {"loginId": BEN}},
    ]
    outcome = await here.ran(steps)
    undone = await here.undo(outcome.id)
    assert isinstance(undone, PlanEnded), undone
    assert set(became(undone)) == {"done"}
    assert not (await here.user(BEN))["userTenants"]
    after = {role["name"]: role["permissionNames"] for role in here.state.export()["roles"]}
    assert after == {role["name"]: role["permissionNames"] for role in before}


async def test_only_what_ran_of_a_plan_is_taken_back(here: World) -> None:
    outcome = await here.ran(
        [*disable(ADA), {"operation": "CreateUser", "arguments": {"loginId": BEN}}]
    )
    assert became(outcome) == ["done", "failed"]
    undone = await here.undo(outcome.id)
    assert isinstance(undone, PlanEnded)
    assert became(undone) == ["done"]
    assert (await here.user(ADA))["status"] == "enabled"


async def test_what_did_not_run_can_be_gone_on_with_and_nothing_runs_twice(here: World) -> None:
    steps = [
        {"operation": "CreateRole", "arguments": {"name": "One", "permissionNames": []}},
        {"operation": "CreateUser", "arguments": {"loginId": BEN}},
        {"operation": "CreateRole", "arguments": {"name": "Two", "permissionNames": []}},
    ]
    first = await here.ran(steps)
    assert became(first) == ["done", "failed", "not run"]
    await here.call("DeleteUser", {"loginId": BEN})
    second = await here.ran([], resume=first.id[:8])
    assert [call.number for call in second.calls] == [2, 3]
    assert became(second) == ["done", "done"]
    assert second.id == first.id
    third = await here.plan([], resume=first.id)
    assert isinstance(third, Refused)
    assert third.rule == "nothing-left"


async def test_a_plan_of_reads_asks_nobody_and_leaves_no_entry(here: World) -> None:
    outcome = await here.ran([FIND, {"operation": "LoadUser",
        "arguments": {"loginId": {"$from": "find", "path": "users[0].loginIds[0]"}}}])  # fmt: skip
    assert became(outcome) == ["done"]
    assert not here.journal()


async def test_all_pages_of_a_search_are_taken(here: World) -> None:
    users = [{"loginId": f"u{n}@many.example"} for n in range(110)]
    for start in (0, 55):
        await here.call("CreateUsers", {"users": users[start : start + 55]})
    find: dict[str, Any] = {"text": "many.example"}
    steps = [
        {"id": "find", "operation": "SearchUsers", "arguments": find},
        {"operation": "LoadUser", "for_each": {"$from": "find", "path": "users[].loginIds[0]"},
         "arguments": {"loginId": "$each"}},
    ]  # fmt: skip
    outcome = await here.plan(steps, check=True)
    assert isinstance(outcome, PlanChecked), outcome
    assert len(outcome.calls) == 110
    find["limit"] = 10
    few = await here.plan(steps, check=True)
    assert isinstance(few, PlanChecked)
    assert any("Only 10 of" in warning for warning in few.said.warnings)


async def test_mixed_calls_are_taken_back_exactly(here: World) -> None:
    logins = [ADA, BEN, DANIEL]
    steps = [
        *({"operation": "CreateRole", "arguments": {"name": f"R{n}", "permissionNames": []}}
          for n in range(3)),
        *disable(*logins),
        *({"operation": "CreatePermission", "arguments": {"name": f"p{n}"}} for n in range(3)),
        *({"operation": "PatchUser", "arguments": {"loginId": one, "givenName": "X"}}
          for one in logins),
    ]  # fmt: skip
    before = here.state.export()
    outcome = await here.ran(steps)
    assert set(became(outcome)) == {"done"}
    undone = await here.undo(outcome.id)
    assert isinstance(undone, PlanEnded)
    assert set(became(undone)) == {"done"}
    after = here.state.export()
    for table in ("roles", "permissions"):
        assert after[table] == before[table]
    assert untouched(after["users"]) == untouched(before["users"])


def untouched(users: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Users without when they were touched."""
    return [{name: v for name, v in user.items() if name != "modifiedTime"} for user in users]


async def test_many_calls_of_one_step_go_together_where_the_service_takes_several(
    here: World,
) -> None:
    found = await here.call("SearchUsers", {"limit": 30})
    assert isinstance(found, Completed)
    logins = [user["loginIds"][0] for user in found.data["users"]]
    steps = [
        {"operation": "PatchUser", "for_each": logins[:12],
         "arguments": {"loginId": "$each", "customAttributes": {"department": "D"}}},
        {"operation": "CreateRole", "for_each": [f"R{n}" for n in range(60)],
         "arguments": {"name": "$each", "permissionNames": []}},
    ]  # fmt: skip
    outcome = await here.ran(steps)
    told = [(call.operation, call.items, call.became) for call in outcome.calls]
    assert told == [
        ("PatchUserBatch", 12, "done"), ("CreateRoles", 50, "done"), ("CreateRoles", 10, "done"),
    ]  # fmt: skip
    for login in logins[:12]:
        assert (await here.user(login))["customAttributes"]["department"] == "D"
    undone = await here.undo(outcome.id)
    assert isinstance(undone, PlanEnded)
    assert set(became(undone)) == {"done"}


async def test_what_somebody_has_said_of_the_single_call_keeps_it_single(here: World) -> None:
    step = {"operation": "PatchUser", "for_each": [ADA, BEN],
            "arguments": {"loginId": "$each", "givenName": "X"}}  # fmt: skip
    rule = PolicyRule("test:1", "confirm", "", frozenset({"PatchUser"}))
    object.__setattr__(here.services, "policy", Policy(rules=(rule,)))
    outcome = await here.ran([step])
    assert [call.operation for call in outcome.calls] == ["PatchUser", "PatchUser"]
    assert len(here.asked) == 1


async def test_a_new_tenant_gets_its_role_its_default_and_its_people_in_one_plan(
    here: World,
) -> None:
    tenant = {"$from": "tenant", "path": "id"}
    person = {"loginId": "kim@northwind.example", "email": "kim@northwind.example"}
    person["userTenants"] = [{"tenantId": tenant, "roleNames": ["Auditor"]}]  # type: ignore[assignment]
    role = {"name": "Auditor", "tenantId": tenant, "permissionNames": ["reports.read"]}
    given = {"id": tenant, "defaultRoles": ["Auditor"]}
    steps = [
        {"id": "tenant", "operation": "CreateTenant", "arguments": {"name": "Northwind"}},
        {"operation": "CreateRole", "arguments": role},
        {"operation": "UpdateTenantDefaultRoles", "arguments": given},
        {"operation": "CreateUsers", "arguments": {"users": [person]}},
    ]
    outcome = await here.ran(steps)
    assert became(outcome) == ["done"] * 4, outcome
    (held,) = (await here.user("kim@northwind.example"))["userTenants"]
    assert held["roleNames"] == ["Auditor"]


@pytest.mark.parametrize(
    ("failed", "kind", "remedy"),
    [
        (Failed("unreachable", "No answer.", "Check the network."), "unreachable", "network"),
        (Failed("rate_limited", "Too many.", "Wait.", retry_after=9.0), "rate_limited", "Wait"),
        (Failed("api_error", "Not accepted.", "Check the key.", 401), "api_error", "the key"),
        (Failed("api_error", "No such user.", "Search.", 404), "invalid_arguments", "the steps"),
    ],
)
def test_what_is_no_fault_of_the_steps_is_not_called_one(
    failed: Failed, kind: str, remedy: str
) -> None:
    """A pipeline tells by it whether to try again, or to have somebody correct the plan."""
    faults = Faults([])
    faults.add("find", failed)
    with pytest.raises(Instead) as ended:
        faults.end()
    outcome = ended.value.outcome
    assert isinstance(outcome, Failed)
    assert (outcome.kind, outcome.retry_after) == (kind, failed.retry_after)
    assert remedy in outcome.remedy
    assert outcome.message.startswith("The plan was not run: step find: ")
