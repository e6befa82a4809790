"""Undo as a way round the question: what it hides, what it hits that has grown since."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Completed, NeedsConfirmation, Refused, Undo
from descope_mcp.call.services import Services
from descope_mcp.call.undo.undo import undo
from descope_mcp.guard.consent.confirmation import accept
from descope_mcp.guard.policy.decision import Decision
from descope_mcp.guard.policy.risk import Risk
from descope_mcp.guard.preview.preview import Preview
from descope_mcp.guard.preview.recipe_values import Scope
from descope_mcp.guard.question.compose.undo import Undone, UndoStep, undo_disclosure
from descope_mcp.guard.question.question_data import Project
from descope_mcp.guard.question.quoting import TooMuchToShow
from descope_mcp.guard.question.renderers.terminal import screen
from tests.guard.build import operation

pytestmark = pytest.mark.anyio


async def call(services: Services, called: str, **arguments: Any) -> Any:
    """A call to which a person says yes, if one is asked."""
    outcome = await invoke(Call(called, arguments, "agent"), services)
    if isinstance(outcome, NeedsConfirmation):
        approval = accept(outcome.question, outcome.question.typed)
        outcome = await invoke(Call(called, arguments, "agent", approval=approval), services)
    assert isinstance(outcome, Completed), outcome
    return outcome


async def asked(services: Services, request: Undo) -> NeedsConfirmation:
    outcome = await undo(request, services)
    assert isinstance(outcome, NeedsConfirmation), outcome
    return outcome


async def test_what_hangs_on_a_thing_by_now_is_told_before_its_creation_is_undone(
    acme: Services,
) -> None:
    """To undo a creation is to delete what it has become."""
    made = await call(acme, "CreateRole", name="Temp", description="d")
    await call(acme, "CreateUser", loginId="eve", roleNames=["Temp"])
    question = (await asked(acme, Undo(made.call_id, "agent"))).question
    assert 'delete the role "Temp" and take it from 1 user?' in question.text


async def test_a_yes_to_an_undo_is_for_things_as_they_were_shown(acme: Services) -> None:
    made = await call(acme, "CreateRole", name="Temp", description="d")
    question = (await asked(acme, Undo(made.call_id, "agent"))).question
    await call(acme, "UpdateRole", name="Temp", newName="Temp", description="In use, keep it")
    late = await undo(Undo(made.call_id, "agent", approval=accept(question)), acme)
    assert isinstance(late, Refused), late
    assert late.rule == "changed"
    again = await asked(acme, Undo(made.call_id, "agent"))
    gone = await undo(Undo(made.call_id, "agent", approval=accept(again.question)), acme)
    assert isinstance(gone, Completed), gone


async def test_what_is_there_again_can_be_taken_back_again(acme: Services) -> None:
    """The undo of an undo leaves things as the call did."""
    ada = "ada.okafor@acme.example"
    first = await call(acme, "PatchUser", loginId=ada, name="Bea")
    back = await took_back(acme, first.call_id)
    again = await took_back(acme, back)
    assert await name_of(acme, ada) == "Bea"
    refused = await undo(Undo(back, "agent"), acme)
    assert isinstance(refused, Refused), refused
    assert refused.rule == "undone"
    await took_back(acme, first.call_id)
    assert await name_of(acme, ada) == "Ada Okafor"
    # By now that is how it is, and there is nothing of the earlier undo to have back.
    stale = await undo(Undo(again, "agent"), acme)
    assert isinstance(stale, Refused), stale
    assert stale.rule == "changed-since"


async def took_back(services: Services, called: str) -> str:
    """The call by which another was taken back."""
    outcome = await undo(Undo(called, "agent"), services)
    assert isinstance(outcome, Completed), outcome
    return str(outcome.data["steps"][0]["callId"])


async def name_of(services: Services, login: str) -> str:
    return str((await call(services, "LoadUser", loginId=login)).data["user"]["name"])


async def test_a_person_is_told_that_later_changes_go(acme: Services) -> None:
    await call(acme, "CreateRole", name="Temp", description="d")
    kept = {"name": "Temp", "newName": "Temp"}
    first = await call(acme, "UpdateRole", **kept, permissionNames=["reports.read"])
    await call(acme, "UpdateRole", **kept, permissionNames=["billing.read"])
    refused = await undo(Undo(first.call_id, "agent"), acme)
    assert isinstance(refused, Refused), refused
    assert refused.rule == "changed-since"
    question = (await asked(acme, Undo(first.call_id, "agent", anyway=True))).question
    assert 'permission names loses "billing.read"' in question.text


def told(*steps: UndoStep, anyway: bool = False) -> str:
    undone = Undone(operation(), '"x"', "2026-01-02 03:04 UTC", anyway=anyway)
    return screen(undo_disclosure(undone, steps, Project('"P1"'), "agent", ""))


def step(given: dict[str, Any], *found: Any, **facts: Any) -> UndoStep:
    asks = Decision("confirm", "destructive", "It deletes something.")
    risk = Risk("destructive", ())
    return UndoStep(operation(**facts), given, risk, asks, Preview(Scope({}), found))


def test_an_undo_of_several_calls_says_what_nobody_has_looked_at() -> None:
    text = told(step({"id": "x"}, {"id": "x", "users": 7}), anyway=True)
    assert text.startswith('Undo the call of 2026-01-02 03:04 UTC, act on something "x", in 1 step')
    assert "It overwrites whatever has changed since" in text
    assert "users: 7" in text


def test_no_value_of_an_undo_hides_behind_many_others() -> None:
    for many in (100, 500, 5000):
        claims = {f"claim{n}": "harmless" for n in range(many)} | {"role": "owner"}
        try:
            text = told(step({"claims": claims}, arguments={"claims": {"type": "object"}}))
        except TooMuchToShow:
            assert many > 100
        else:
            assert '"owner"' in text


@pytest.mark.parametrize("several", [False, True])
async def test_a_grant_to_a_role_without_permissions_is_taken_back(
    acme: Services, several: bool
) -> None:
    """What was empty is cleared again, and not completed with what it is undone of."""
    await call(acme, "CreateRole", name="Temp", description="d")
    role = {"name": "Temp", "newName": "Temp", "permissionNames": ["reports.read"]}
    if several:
        granted = await call(acme, "UpdateRoles", roles=[role])
    else:
        granted = await call(acme, "UpdateRole", **role)
    question = (await asked(acme, Undo(granted.call_id, "agent"))).question
    undone = await undo(Undo(granted.call_id, "agent", approval=accept(question)), acme)
    assert isinstance(undone, Completed), undone
    found = await call(acme, "SearchRoles", roleNames=["Temp"])
    assert not found.data["roles"][0].get("permissionNames")


async def test_an_undo_says_which_rights_come_back_and_a_yes_is_for_these(acme: Services) -> None:
    """A deleted role comes back to whoever had it, with what it brings."""
    await call(acme, "CreateRole", name="Temp", permissionNames=["billing.write"])
    await call(acme, "CreateUser", loginId="eve", roleNames=["Temp", "Viewer"])
    gone = await call(acme, "DeleteUser", loginId="eve")
    request = Undo(gone.call_id, "agent")
    question = (await asked(acme, request)).question
    told = '"eve" may then also: "billing.write", "projects.read", "reports.read"'
    assert told in question.text
    more = {"name": "Temp", "newName": "Temp", "permissionNames": ["Impersonate"]}
    await call(acme, "UpdateRole", **more)
    late = await undo(replace(request, approval=accept(question)), acme)
    assert isinstance(late, Refused), late
    assert late.rule == "changed"
    assert '"Impersonate"' in (await asked(acme, request)).question.text


async def test_an_undo_of_many_steps_says_which_rights_come_back(acme: Services) -> None:
    await call(acme, "CreateRole", name="Temp", permissionNames=["billing.write"])
    people = ("eve", "mallory")
    for name in people:
        await call(acme, "CreateUser", loginId=name, roleNames=["Temp"])
    gone = await call(acme, "DeleteRole", name="Temp")
    question = (await asked(acme, Undo(gone.call_id, "agent"))).question
    (told,) = [line for line in question.text.splitlines() if "may then also" in line]
    assert told.endswith(' may then also: "billing.write"')
    assert all(f'"{name}"' in told for name in people), told


async def test_a_yes_is_for_as_many_as_were_shown(acme: Services) -> None:
    made = await call(acme, "CreateRole", name="Temp", description="d")
    await call(acme, "CreateUser", loginId="eve", roleNames=["Temp"])
    request = Undo(made.call_id, "agent")
    question = (await asked(acme, request)).question
    await call(acme, "CreateUser", loginId="mallory", roleNames=["Temp"])
    late = await undo(replace(request, approval=accept(question)), acme)
    assert isinstance(late, Refused), late
    assert late.rule == "changed"
    question = (await asked(acme, request)).question
    done = await undo(replace(request, approval=accept(question)), acme)
    assert isinstance(done, Completed), done
