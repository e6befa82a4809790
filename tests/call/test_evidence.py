"""What a caller is told of a change: enough to report it without another read."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest
from starlette.responses import JSONResponse, Response

from descope_mcp.api.client import Client
from descope_mcp.api.credentials import Credentials
from descope_mcp.call.evidence.evidence import Changed, Consent, Evidence, Hit
from descope_mcp.call.evidence.summary import to_data
from descope_mcp.call.evidence.together import together
from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Completed, NeedsConfirmation, Undo
from descope_mcp.call.services import Services
from descope_mcp.call.undo.undo import undo
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.consent.confirmation import accept
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.guard.preview.rights.permission_change import Shift
from descope_mcp.sandbox.http.serve import running
from descope_mcp.sandbox.seeds import organisations
from descope_mcp.store.store import Store
from tests.recorder import Recorded, recording

pytestmark = pytest.mark.anyio

NOBODY = Consent("nobody", "", "write")
BEN, CHLOE, ADA = "ben.carter@acme.example", "chloe.martin@acme.example", "ada.okafor@acme.example"


@pytest.fixture
async def acme(catalog: Catalog, store: Store) -> AsyncIterator[Services]:
    async with running(catalog.values(), organisations.acme()) as sandbox:
        keys = Credentials(sandbox.project_id, sandbox.management_key)
        client = Client(sandbox.url, keys, catalog.errors)
        yield Services(catalog, client, Policy(), store)
        await client.close()


async def run(services: Services, called: str, **arguments: Any) -> Completed:
    """A call to which a person says yes, if one is asked."""
    outcome = await invoke(Call(called, arguments, "agent"), services)
    if isinstance(outcome, NeedsConfirmation):
        approval = accept(outcome.question, outcome.question.typed)
        outcome = await invoke(Call(called, arguments, "agent", approval=approval), services)
    assert isinstance(outcome, Completed), outcome
    return outcome


async def told(services: Services, called: str, **arguments: Any) -> dict[str, Any]:
    outcome = await run(services, called, **arguments)
    assert outcome.evidence is not None
    return to_data(outcome.evidence)


async def test_an_update_tells_old_and_new_as_the_answer_shows_them(acme: Services) -> None:
    outcome = await run(acme, "PatchUser", loginId=BEN, name="Ben C")
    assert outcome.evidence
    assert to_data(outcome.evidence) == {
        "did": f'Change the user "{BEN}": name',
        "changed": [{"field": "name", "from": "Ben Carter", "to": "Ben C"}],
        "seenIn": "the answer",
    }
    assert outcome.evidence.consent == ("nobody", "", "write")
    assert outcome.undo
    assert outcome.undo.covers == "whole"


async def test_what_the_arguments_do_not_say_is_told_by_both_states(acme: Services) -> None:
    evidence = await told(acme, "UpdateUserAddRoles", loginId=BEN, roleNames=["Viewer"])
    by_field = {one["field"]: one["gained"] for one in evidence["changed"]}
    assert by_field["roleNames"] == ["Viewer"]
    assert "reports.read" in by_field["permissions"]


async def test_a_creation_tells_its_id_and_a_silent_one_what_was_sent(acme: Services) -> None:
    outcome = await run(acme, "CreateTenant", name="Zed")
    assert outcome.evidence
    assert to_data(outcome.evidence)["made"] == [{"id": outcome.data["id"]}]
    assert (await told(acme, "CreatePermission", name="p.x"))["sent"] == {"name": "p.x"}


async def test_a_deletion_tells_whom_it_hit_who_agreed_and_what_is_lost(acme: Services) -> None:
    outcome = await run(acme, "DeleteRole", name="Viewer")
    assert outcome.data == {}
    assert outcome.evidence
    evidence = to_data(outcome.evidence)
    assert evidence["gone"] == ["Viewer"]
    assert "access key" in evidence["did"]
    assert evidence["hit"]["users"]["number"] == len(evidence["hit"]["users"]["names"]) > 2
    assert outcome.evidence.consent == ("person", "question", "destructive")
    assert outcome.undo
    assert outcome.undo.covers == "part"
    assert "SSO group mappings" in outcome.undo.lacks[0]


async def test_what_cannot_be_undone_says_so(acme: Services) -> None:
    outcome = await run(acme, "LogoutAllUserDevices", loginId=ADA)
    assert outcome.undo
    assert outcome.undo.covers == "no"
    assert "sessions" in outcome.undo.lacks[0]
    assert outcome.evidence
    assert to_data(outcome.evidence)["sent"] == {"loginId": ADA}


async def test_a_batch_tells_equal_changes_once_and_failures_by_name(acme: Services) -> None:
    both = [{"loginId": name, "customAttributes": {"department": "X"}} for name in (BEN, CHLOE)]
    evidence = await told(acme, "PatchUserBatch", users=both)
    (changed,) = evidence["changed"]
    assert (changed["to"], changed["of"]) == ("X", [BEN, CHLOE])
    assert evidence["items"] == "2 of 2"
    created = [{"loginId": "new@acme.example"}, {"loginId": BEN}]
    evidence = await told(acme, "CreateUsers", users=created)
    assert evidence["items"] == "1 of 2"
    assert [one["name"] for one in evidence["made"]] == ["new@acme.example"]
    assert [one["name"] for one in evidence["failed"]] == [BEN]


async def test_an_undo_tells_its_steps_and_what_has_another_id_now(acme: Services) -> None:
    deleted = await run(acme, "DeleteUser", loginId=CHLOE)
    request = Undo(deleted.call_id, "agent")
    outcome = await undo(request, acme)
    if isinstance(outcome, NeedsConfirmation):
        approval = accept(outcome.question, outcome.question.typed)
        outcome = await undo(Undo(deleted.call_id, "agent", approval=approval), acme)
    assert isinstance(outcome, Completed), outcome
    (new,) = outcome.data["newIds"]
    assert new["name"] == CHLOE
    assert new["was"] != new["is"]
    assert any(new["is"] in json.dumps(step) for step in outcome.data["steps"])
    assert outcome.evidence
    assert outcome.evidence.consent.by == "person"


async def test_no_secret_is_part_of_it(acme: Services) -> None:
    outcome = await run(acme, "SetUserTemporaryPassword", loginId=BEN, password="hunter2hunter2")
    assert outcome.evidence
    assert "hunter2" not in json.dumps(to_data(outcome.evidence))


@pytest.mark.parametrize("behaviour", ["fails", "hangs"])
async def test_a_read_after_the_change_that_fails_costs_nothing_but_itself(
    catalog: Catalog, behaviour: str
) -> None:
    permission = {"id": "P1", "name": "p", "description": "old", "systemDefault": False}
    changed, given_up = False, anyio.Event()

    async def answer(request: Recorded) -> Response:
        nonlocal changed
        if request.method == "GET" and changed and behaviour == "hangs":
            await given_up.wait()
        if request.method == "GET":
            status = 500 if changed else 200
            return JSONResponse({"permissions": [permission]}, status_code=status)
        changed = changed or request.path.endswith("/permission/update")
        return JSONResponse({})

    async with recording(answer) as recorder:
        services = recorder.services(catalog)
        with anyio.fail_after(20):
            outcome = await run(
                services, "UpdatePermission", name="p", newName="p", description="n"
            )
        given_up.set()
    assert outcome.evidence
    evidence = to_data(outcome.evidence)
    assert evidence["seenIn"] == "nothing: it was sent"
    assert evidence["changed"] == [{"field": "description", "from": "old", "to": "n"}]


def test_what_several_calls_did_is_said_once_of_all_of_them() -> None:
    def did(name: str, *, before: str = "enabled", gained: tuple[str, ...] = ()) -> Evidence:
        status = Changed("status", before, "disabled")
        roles = Changed("roleNames", [name], [name, *gained], gained)
        lost = Shift(name, "acme", (), ("reports.read",))
        changed = (status, roles) if gained else (status,)
        return Evidence("x", NOBODY, "answer", changed, rights=(lost,))

    one, other = did("a", gained=("Editor",)), did("b", gained=("Editor",))
    whole = together([("a", one), ("b", other), ("c", did("c", before="invited"))])
    assert whole is not None
    told = to_data(whole)
    assert [(c["field"], c["of"]) for c in told["changed"]] == [
        ("status", ["a", "b"]),
        ("roleNames", ["a", "b"]),
        ("status", ["c"]),
    ]
    assert [shift["who"] for shift in told["rights"]] == ["a, b, c"]
    assert told["items"] == "3 of 3"
    assert together([("a", one)]) is one
    assert together([]) is None


def test_what_is_left_out_is_counted_in_its_place_and_no_name_is_cut() -> None:
    people = tuple(f"somebody.with.a.long.name.{n}@onyx-health.example" for n in range(25))
    roles = [Changed(f"role {n}", [], [n], (n,), of=people) for n in range(7)]
    rights = tuple(Shift(who, "onyx", tuple("abcdefghijkl")) for who in people)
    whole = Evidence("", NOBODY, "answer", tuple(roles), rights=rights, items=25)
    assert to_data(whole)["moreRights"] == 5
    told = to_data(whole, 2_000)
    assert len(json.dumps(told)) < 2_200
    assert len(told["changed"]) + told["moreChanged"] == 7
    assert len(told["rights"]) + told["moreRights"] == 25
    for one in told["changed"]:
        *named, more = one["of"]
        assert more == f"and {25 - len(named)} more"
        assert set(named) <= set(people)


def test_who_was_hit_is_told_unless_all_of_them_are_told_to_be_gone() -> None:
    hits = (Hit("roles", ("a", "b"), 2), Hit("users", ("a",), 7), Hit("keys", (), 3))
    told = to_data(Evidence("x", NOBODY, gone=("a", "b"), hits=hits))
    assert told["hit"] == {
        "users": {"number": 7, "names": ["a", "and 6 more"]},
        "keys": {"number": 3, "names": []},
    }


async def test_one_who_is_not_there_takes_nothing_from_what_is_known_of_the_others(
    acme: Services,
) -> None:
    users = [{"loginId": one, "givenName": "New"} for one in (BEN, "nobody@acme.example")]
    outcome = await run(acme, "PatchUserBatch", users=users)
    assert outcome.evidence
    told = to_data(outcome.evidence)
    assert [(c["from"], c["to"], c["of"]) for c in told["changed"]] == [("Ben", "New", [BEN])]
    assert [one["name"] for one in told["failed"]] == ["nobody@acme.example"]
    # Whoever is not there may have been deleted since, so that an undo has to be meant.
    ended = await undo(Undo(outcome.call_id, "agent", anyway=True), acme)
    assert isinstance(ended, Completed), ended
    found = await run(acme, "LoadUser", loginId=BEN)
    assert found.data["user"]["givenName"] == "Ben"
