"""Something is made under the name of what exists already, to lose that or to have undo lose it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from starlette.responses import JSONResponse, Response

from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Completed, Failed, NeedsConfirmation, Refused, Undo
from descope_mcp.call.services import Services
from descope_mcp.call.undo.undo import undo
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.consent.confirmation import accept
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.guard.policy.file import parse
from descope_mcp.guard.restore.restore_steps import plan
from tests.attacks.test_undo import call
from tests.recorder import Recorded, recording

pytestmark = pytest.mark.anyio

PLAN = {
    "name": "tier",
    "type": 4,
    "displayName": "Plan",
    "options": [{"value": "free", "label": "Free"}, {"value": "paid", "label": "Paid"}],
    "editPermissions": ["Tenant Admin"],
}
BEN = "ben.carter@acme.example"


async def asked(services: Services, operation: str, **arguments: Any) -> str:
    """The question that a call meets."""
    outcome = await invoke(Call(operation, arguments, "agent"), services)
    assert isinstance(outcome, NeedsConfirmation), outcome
    return outcome.question.text


async def ran(services: Services, operation: str, **arguments: Any) -> Completed:
    """A call that nobody is asked about."""
    outcome = await invoke(Call(operation, arguments, "agent"), services)
    assert isinstance(outcome, Completed), outcome
    return outcome


async def attributes(services: Services) -> dict[str, Any]:
    found = await ran(services, "UserCustomAttributes")
    return {one["name"]: one for one in found.data["data"]}


async def taken_back(services: Services, call_id: str) -> None:
    outcome = await undo(Undo(call_id, "agent"), services)
    if isinstance(outcome, NeedsConfirmation):
        word = accept(outcome.question, outcome.question.typed)
        outcome = await undo(Undo(call_id, "agent", approval=word), services)
    assert isinstance(outcome, Completed), outcome


async def test_an_attribute_that_exists_is_not_replaced_without_a_question(acme: Services) -> None:
    await ran(acme, "CreateUserCustomAttribute", attributes=[PLAN])
    question = await asked(
        acme, "CreateUserCustomAttribute", attributes=[{"name": "tier", "type": 4}]
    )
    assert "One of this name or id exists already; it may be replaced, nobody knows." in question
    assert '"Paid"' in question
    assert '"Tenant Admin"' in question
    assert (await attributes(acme))["tier"]["options"] == PLAN["options"]


async def test_what_exists_hides_in_no_batch_of_what_is_new(acme: Services) -> None:
    await ran(acme, "CreateUserCustomAttribute", attributes=[PLAN])
    new = [{"name": f"field{number}", "type": 1} for number in range(5)]
    question = await asked(
        acme, "CreateUserCustomAttribute", attributes=[*new, {"name": "tier", "type": 1}]
    )
    assert '"Paid"' in question


async def test_undo_brings_back_what_was_replaced_and_deletes_only_what_is_new(
    acme: Services,
) -> None:
    await ran(acme, "CreateUserCustomAttribute", attributes=[PLAN])
    given = {"loginId": BEN, "attributeKey": "tier", "attributeValue": "paid"}
    await call(acme, "UpdateUserCustomAttribute", **given)
    before = await attributes(acme)
    replaced = [{"name": "tier", "type": 1, "displayName": "Mine"}, {"name": "extra", "type": 1}]
    made = await call(acme, "CreateUserCustomAttribute", attributes=replaced)
    assert (await attributes(acme))["tier"]["options"] == []
    await taken_back(acme, made.call_id)
    assert await attributes(acme) == before
    user = (await ran(acme, "LoadUser", loginId=BEN)).data["user"]
    assert user["customAttributes"]["tier"] == "paid"


async def test_what_is_made_as_it_is_already_needs_no_question(acme: Services) -> None:
    await ran(acme, "CreateUserCustomAttribute", attributes=[PLAN])
    before = await attributes(acme)
    made = await ran(acme, "CreateUserCustomAttribute", attributes=[before["tier"]])
    await taken_back(acme, made.call_id)
    assert await attributes(acme) == before


async def test_nothing_is_made_blindly(catalog: Catalog) -> None:
    """Where nobody can see what exists, it is not overwritten either."""

    def answer(request: Recorded) -> Response:
        blind = request.path.startswith("/v1/mgmt/user/customattributes")
        return JSONResponse({"errorCode": "E074106"}, 403 if blind else 200)

    async with recording(answer) as recorder:
        services = recorder.services(catalog)
        outcome = await invoke(
            Call("CreateUserCustomAttribute", {"attributes": [PLAN]}, "agent"), services
        )
        assert isinstance(outcome, Refused), outcome
        assert outcome.rule == "preview"
        assert not [r for r in recorder.requests if r.path.endswith("/create")]
        await services.client.close()


async def test_a_chosen_key_of_what_exists_asks_wherever_there_is_one(acme: Services) -> None:
    """Whatever the service makes of it: nobody knows, so a person is asked first."""
    settings = {"tenantId": "globex", "displayName": "Second", "ssoId": "second"}
    await ran(acme, "NewSSOSettingsRequest", **settings)
    assert "exists already" in await asked(acme, "NewSSOSettingsRequest", **settings)
    template = {"name": "With plan", "type": "user", "template": {"plan": "{{user.plan}}"}}
    made = (await ran(acme, "CreateJwtTemplate", template=template)).data["template"]
    other = {**template, "id": made["id"], "template": {"plan": "paid"}}
    question = await asked(acme, "CreateJwtTemplate", template=other)
    assert "exists already" in question
    assert '"paid"' in question


async def test_a_policy_that_exists_is_shown_beside_the_one_that_takes_its_place(
    acme: Services,
) -> None:
    app = (await ran(acme, "LoadAllThirdPartyApplications")).data["apps"][0]["id"]
    resource = (await ran(acme, "LoadAllResources")).data["resources"][0]["id"]
    pair = {"thirdPartyApplicationId": app, "resourceId": resource}
    outcome = await invoke(Call("CreateResourcePolicy", {**pair, "allUserScopes": True}, "a"), acme)
    assert isinstance(outcome, NeedsConfirmation)
    assert "exists already" not in outcome.question.text
    await call(acme, "CreateResourcePolicy", **pair, allUserScopes=True)
    for operation, given in (
        ("CreateResourcePolicy", {**pair, "allClientScopes": True}),
        ("BatchCreateResourcePolicies", {"policies": [{**pair, "allClientScopes": True}]}),
    ):
        question = await asked(acme, operation, **given)
        assert "exists already" in question
        assert "all user scopes: is cleared: yes" in question


async def test_relations_that_were_there_stay_when_the_new_ones_are_taken_back(
    acme: Services,
) -> None:
    def relation(target: str) -> dict[str, str]:
        same = {"resource": "roadmap", "relationDefinition": "viewer", "namespace": "doc"}
        return {**same, "target": target}

    await call(acme, "CreateRelations", relations=[relation("old")])
    both = [relation("old"), relation("new")]
    made = await call(acme, "CreateRelations", relations=both)
    await taken_back(acme, made.call_id)
    found = await ran(acme, "HasRelations", relationQueries=both)
    assert [one["hasRelation"] for one in found.data["relationQueries"]] == [True, False]


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("CreatePermission", {"name": "Impersonate"}),
        ("CreatePermissions", {"permissions": [{"name": "Impersonate"}]}),
        ("EmbeddedLinkSignup", {"loginId": BEN}),
    ],
)
async def test_a_creation_of_which_nobody_knows_whether_it_was_refused_deletes_nothing(
    catalog: Catalog, operation: str, arguments: dict[str, Any]
) -> None:
    """It may have been refused because the name is taken, and undo knows the name only."""
    existing = {"loginIds": [BEN], "userId": "U1"} if operation == "EmbeddedLinkSignup" else None
    found = (existing,) if existing else ()
    unknown = plan(catalog, catalog[operation], arguments, found, None, "P1")
    assert unknown.steps == ()
    if not existing:
        assert "whether the call made" in unknown.missing[0]
        known = plan(catalog, catalog[operation], arguments, found, {}, "P1")
        assert len(known.steps) == 1


async def test_a_creation_that_is_refused_leaves_nothing_to_undo(acme: Services) -> None:
    outcome = await invoke(Call("CreateTenant", {"name": "G", "id": "globex"}, "agent"), acme)
    assert isinstance(outcome, Failed), outcome
    assert outcome.code == "E073307"


TAKES_NONE = """
[[rule]]
hazard = "account_takeover"
decision = "deny"
"""


async def _overwriting(services: Services) -> dict[str, tuple[str, dict[str, Any]]]:
    """Calls that make anew, differently, what exists, by what they make."""
    lists = (await ran(services, "GetAllLists")).data["lists"]
    theirs = next(one for one in lists if one["type"] == "ips")
    template = {"name": "With plan", "type": "user", "template": {"plan": "{{user.plan}}"}}
    made = (await ran(services, "CreateJwtTemplate", template=template)).data["template"]
    resource = (await ran(services, "LoadAllResources")).data["resources"][0]
    mine = {**template, "id": made["id"], "template": {"roles": ["Owner"]}}
    anew = {"name": resource["name"], "uri": resource["uri"], "clientAccess": "all"}
    return {
        "list": ("ImportLists", {"lists": [{**theirs, "data": ["0.0.0.0/0"]}]}),
        "template": ("CreateJwtTemplate", {"template": mine}),
        "resource": ("CreateResource", anew),
    }


@pytest.mark.parametrize("kind", ["list", "template", "resource"])
async def test_to_make_a_thing_anew_is_no_milder_than_to_change_it(
    acme: Services, kind: str
) -> None:
    operation, arguments = (await _overwriting(acme))[kind]
    assert "\nDangerous, " in await asked(acme, operation, **arguments)
    rules, _ = parse("p.toml", TAKES_NONE, acme.catalog)
    guarded = replace(acme, policy=Policy(rules=rules))
    refused = await invoke(Call(operation, arguments, "agent"), guarded)
    assert isinstance(refused, Refused), refused
    new = {"template": {"name": "Mine", "type": "user", "template": {"plan": "free"}}}
    if kind == "template":
        # What changes nothing that exists is no update.
        await ran(guarded, operation, **new)


async def test_only_what_people_see_of_it_is_no_takeover(acme: Services) -> None:
    template = {"name": "With plan", "type": "user", "template": {"plan": "{{user.plan}}"}}
    made = (await ran(acme, "CreateJwtTemplate", template=template)).data["template"]
    question = await asked(acme, "CreateJwtTemplate", template={**made, "description": "Mine"})
    assert "exists already" in question
    assert "\nDangerous, " not in question
