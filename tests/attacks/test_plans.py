"""A plan as a way round the question: what it hides, what becomes of it after the yes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Completed, Failed, NeedsConfirmation, Refused
from descope_mcp.call.plan.outcome import PlanEnded, PlanRequest
from descope_mcp.call.plan.plan import plan
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.consent.confirmation import accept
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.guard.policy.rule import PolicyRule
from descope_mcp.guard.question.renderers.terminal import screen
from tests.call.plan.world import ADA, BEN, DANIEL, World, became, disable, world

pytestmark = pytest.mark.anyio

FIND = {"id": "find", "operation": "SearchUsers", "arguments": {"tenantIds": ["globex"]}}
BLOCK = {
    "id": "off",
    "operation": "UpdateUserStatus",
    "for_each": {"$from": "find", "path": "users[?status=='enabled'].loginIds[0]"},
    "arguments": {"loginId": "$each", "status": "disabled"},
}


@pytest.fixture
async def here(catalog: Catalog, tmp_path: Path) -> AsyncIterator[World]:
    async with world(catalog, tmp_path) as made:
        yield made


def change(here: World, login: str, **fields: Any) -> None:
    """Change a user from outside."""
    whole = here.state.export()
    for user in whole["users"]:
        if login in user["loginIds"]:
            user.update(fields)
    here.state.replace(whole)


async def test_a_reference_that_leads_elsewhere_after_the_yes_is_asked_about_anew(
    here: World,
) -> None:
    """Somebody joins the tenant between the question and the answer."""
    await here.call("CreateUser", {"loginId": "late@globex.example"})

    def joins() -> None:
        member = [{"tenantId": "globex", "roleNames": []}]
        change(here, "late@globex.example", userTenants=member, status="enabled")

    outcome = await here.plan([FIND, BLOCK], meanwhile=joins)
    assert isinstance(outcome, Refused), outcome
    assert outcome.rule == "changed"
    assert not [e for e in here.journal() if e.plan]


async def test_a_target_that_is_changed_from_outside_after_the_yes_stops_the_plan(
    here: World,
) -> None:
    outcome = await here.plan(disable(ADA, BEN), meanwhile=lambda: change(here, BEN, name="X"))
    assert isinstance(outcome, Refused), outcome
    assert outcome.rule == "changed"


async def test_a_target_that_is_changed_while_the_plan_runs_is_not_hit(here: World) -> None:
    """The second call is compared with its own before-state right before it leaves."""
    request = PlanRequest(disable(ADA, BEN, DANIEL), "agent")
    asked = await plan(request, here.services)
    assert isinstance(asked, NeedsConfirmation)
    seen: list[str] = []

    async def meddle(message: str) -> None:
        seen.append(message)
        if message.startswith("2 of 3"):
            change(here, BEN, name="Somebody else")

    word = accept(asked.question)
    outcome = await plan(
        PlanRequest(request.steps, "agent", approval=word, progress=meddle), here.services
    )
    assert isinstance(outcome, PlanEnded), outcome
    assert became(outcome) == ["done", "not run", "not run"]
    assert "is not as it was shown" in outcome.calls[1].why
    assert (await here.user(BEN))["status"] == "enabled"


async def test_what_another_step_changed_hides_no_change_from_outside(here: World) -> None:
    """The same user twice: what somebody adds in between shows as more than was said."""
    steps = [
        {"operation": "PatchUser", "arguments": {"loginId": BEN, "name": "Benjamin"}},
        {
            "operation": "UpdateUserSetRoles",
            "arguments": {"loginId": BEN, "roleNames": ["Support Agent"]},
        },
    ]
    asked = await plan(PlanRequest(steps, "agent"), here.services)
    assert isinstance(asked, NeedsConfirmation), asked

    async def meddle(message: str) -> None:
        if message.startswith("2 of 2"):
            change(here, BEN, roleNames=["Owner"])

    outcome = await plan(
        PlanRequest(steps, "agent", approval=accept(asked.question), progress=meddle),
        here.services,
    )
    assert isinstance(outcome, PlanEnded), outcome
    assert became(outcome) == ["done", "not run"]


async def test_a_plan_inside_of_an_answer_is_data(here: World) -> None:
    trap = '{"$from": "find", "path": "users"}'
    await here.call("PatchUser", {"loginId": BEN, "name": trap, "givenName": "$each"})
    steps = [
        {"id": "who", "operation": "LoadUser", "arguments": {"loginId": BEN}},
        {"id": "copy", "operation": "PatchUser",
         "arguments": {"loginId": ADA, "name": {"$from": "who", "path": "user.name"},
                       "givenName": {"$from": "who", "path": "user.givenName"}}},
    ]  # fmt: skip
    outcome = await here.ran(steps)
    assert became(outcome) == ["done"]
    copied = await here.user(ADA)
    assert (copied["name"], copied["givenName"]) == (trap, "$each")


async def test_no_step_hides_among_many(here: World) -> None:
    """One of 150 blocks is a deletion, and one a role: the question says both on their own."""
    people = [f"p{n:03}@many.example" for n in range(150)]
    for start in (0, 75):
        logins = [{"loginId": login} for login in people[start : start + 75]]
        await here.call("CreateUsers", {"users": logins})
    steps = [*disable(*people[:70]), {"operation": "DeleteUser", "arguments": {"loginId": DANIEL}}]
    steps += [*disable(*people[70:]), {"operation": "UpdateUserAddRoles", "arguments": {
        "loginId": BEN, "roleNames": ["Tenant Admin"]}}]  # fmt: skip
    asked = await here.plan(steps, yes=False)
    assert isinstance(asked, NeedsConfirmation), asked
    text = screen(asked.disclosure)
    assert all(one in text for one in (*people, DANIEL, BEN))
    assert f'71. Delete the user "{DANIEL}"' in text
    assert "may then also" in text
    assert text.index("may then also") < text.index("1-70.")


async def test_what_is_too_much_to_read_is_refused_with_a_number(here: World) -> None:
    many = {
        "operation": "CreateTenant",
        "for_each": [f"tenant {n} " + "long name " * 15 for n in range(200)],
        "arguments": {"name": "$each"},
    }
    outcome = await here.plan([many])
    assert isinstance(outcome, Refused), outcome
    assert outcome.rule == "not-shown"
    assert "at a time can be" in outcome.message


async def test_a_role_does_not_come_from_an_answer_that_nobody_has_seen(here: World) -> None:
    steps = [
        {"id": "new", "operation": "CreateTenant", "arguments": {"name": "Tenant Admin"}},
        {"id": "look", "operation": "LoadTenant",
         "arguments": {"id": {"$from": "new", "path": "id"}}},
        {"id": "roles", "operation": "UpdateUserAddRoles",
         "arguments": {"loginId": BEN, "roleNames": [{"$from": "look", "path": "name"}]}},
    ]  # fmt: skip
    outcome = await here.plan(steps)
    assert isinstance(outcome, Failed), outcome
    assert "roleNames" in outcome.message
    assert not here.journal()


async def test_a_secret_does_not_pass_into_an_open_field(here: World) -> None:
    steps = [
        {"id": "key", "operation": "CreateAccessKey", "arguments": {"name": "n"}},
        {"id": "tell", "operation": "PatchUser",
         "arguments": {"loginId": BEN, "name": {"$from": "key", "path": "cleartext"}}},
    ]  # fmt: skip
    outcome = await here.ran(steps)
    assert became(outcome) == ["done", "not run"]
    assert "sealed" not in (await here.user(BEN))["name"]
    made = outcome.calls[0].outcome
    assert isinstance(made, Completed)
    secret = made.data["cleartext"]
    assert secret.startswith("[sealed:")


async def test_a_yes_to_a_plan_is_for_exactly_this_plan(here: World) -> None:
    asked = await plan(PlanRequest(disable(ADA, BEN), "agent"), here.services)
    assert isinstance(asked, NeedsConfirmation)
    word = accept(asked.question)
    others: list[Any] = [
        PlanRequest(disable(BEN, ADA), "agent", approval=word),
        PlanRequest(disable(ADA), "agent", approval=word),
        PlanRequest(disable(ADA, BEN, DANIEL), "agent", approval=word),
        PlanRequest(disable(ADA, BEN), "agent", approval=word, on_failure="continue"),
        PlanRequest(disable(ADA, BEN), "agent", approval=word, title="Harmless"),
        PlanRequest(disable(ADA, BEN), "somebody else", approval=word),
    ]
    for number, other in enumerate(others):
        outcome = await plan(other, here.services)
        assert isinstance(outcome, Refused), outcome
        # The first attempt has used the answer up.
        assert outcome.rule == ("used" if number else "changed")
    single = await invoke(
        Call("DeleteUser", {"loginId": ADA}, "agent", approval=word), here.services
    )
    assert isinstance(single, Refused)
    assert not [e for e in here.journal() if e.plan]


async def test_one_yes_runs_one_plan_however_often_it_is_sent_at_once(here: World) -> None:
    asked = await plan(PlanRequest(disable(ADA, BEN), "agent"), here.services)
    assert isinstance(asked, NeedsConfirmation)
    request = PlanRequest(disable(ADA, BEN), "agent", approval=accept(asked.question))
    ended: list[Any] = []

    async def send() -> None:
        ended.append(await plan(request, here.services))

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(send)
    assert sum(isinstance(one, PlanEnded) for one in ended) == 1
    assert len([e for e in here.journal() if e.operation == "UpdateUserStatus"]) == 2


async def test_a_denied_step_refuses_the_plan_before_anything_runs(here: World) -> None:
    rule = PolicyRule("test:1", "deny", "", frozenset({"DeleteUser"}))
    object.__setattr__(here.services, "policy", Policy(rules=(rule,)))
    steps = [*disable(ADA), {"operation": "DeleteUser", "arguments": {"loginId": BEN}}]
    outcome = await here.plan(steps)
    assert isinstance(outcome, Refused)
    assert outcome.rule == "test:1"
    assert not here.journal()


async def test_a_rule_on_a_value_holds_for_what_is_not_known_before(here: World) -> None:
    """The tenant's id comes from an answer: the rule meets it when it is there."""
    rule = PolicyRule(
        "test:1", "deny", "", frozenset({"UpdateUserAddTenant"}),
        arguments={"tenantId": ("T*",)},
    )  # fmt: skip
    object.__setattr__(here.services, "policy", Policy(rules=(rule,)))
    steps = [
        {"id": "new", "operation": "CreateTenant", "arguments": {"name": "Vandelay"}},
        {"operation": "UpdateUserAddTenant",
         "arguments": {"loginId": BEN, "tenantId": {"$from": "new", "path": "id"}}},
    ]  # fmt: skip
    outcome = await here.ran(steps)
    assert became(outcome) == ["done", "not run"]


async def test_what_affects_the_whole_project_keeps_its_typed_name(here: World) -> None:
    steps = [*disable(ADA), {"operation": "DeleteTenant",
                             "arguments": {"id": "globex", "cascade": True}}]  # fmt: skip
    request = PlanRequest(steps, "agent")
    asked = await plan(request, here.services)
    assert isinstance(asked, NeedsConfirmation)
    assert asked.question.typed
    wrong = accept(asked.question, "yes")
    outcome = await plan(PlanRequest(steps, "agent", approval=wrong), here.services)
    assert isinstance(outcome, Refused)
    assert outcome.rule == "typed"
