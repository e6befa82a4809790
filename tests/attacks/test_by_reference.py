"""Rights that a call brings by naming something that has them: a template, a mapping, a list."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Completed, NeedsConfirmation, Outcome, Refused
from descope_mcp.call.services import Services
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.guard.policy.file import applied, parse

pytestmark = pytest.mark.anyio

NO_TAKE_OVER = '[[rule]]\nhazard = "account_takeover"\ndecision = "deny"\n'
CHLOE = "chloe.martin@acme.example"


async def _call(services: Services, operation: str, **arguments: Any) -> Outcome:
    return await invoke(Call(operation, arguments, "agent"), services)


async def _found(services: Services, operation: str, **arguments: Any) -> dict[str, Any]:
    outcome = await _call(services, operation, **arguments)
    assert isinstance(outcome, Completed), outcome
    return outcome.data


def _denying(services: Services) -> Services:
    rules, _ = parse("p.toml", NO_TAKE_OVER, services.catalog)
    return replace(services, policy=Policy(rules=rules))


def _ready_made(services: Services, name: str) -> Services:
    return replace(services, policy=applied(name, services.catalog, Policy()))


@pytest.mark.parametrize(
    "operation",
    ["CreateMcpServer", "CreateDynamicRegistrationTemplate", "CreateThirdPartyApplication"],
)
async def test_what_a_jwt_template_puts_into_tokens_is_told_where_it_is_named(
    acme: Services, operation: str
) -> None:
    """Making a template gives nobody anything, and naming it gave it unasked."""
    template = {"name": "Plain", "type": "user", "template": {"access": "billing.write"}}
    made = await _found(acme, "CreateJwtTemplate", template=template)
    settings = {"enabled": True, "userTemplateId": made["template"]["id"]}
    asked = await _call(acme, operation, name="New", sessionSettings=settings)
    assert isinstance(asked, NeedsConfirmation), asked
    assert "applications may read rights" in asked.question.text
    assert 'access: "billing.write"' in asked.question.text
    denied = await _call(_denying(acme), operation, name="New", sessionSettings=settings)
    assert isinstance(denied, Refused), denied


async def test_a_rule_on_claims_holds_for_those_of_templates(acme: Services) -> None:
    guarded = _ready_made(acme, "chat-admin")
    template = {"name": "Plain", "type": "user", "template": {"roles": ["Owner"]}}
    assert isinstance(await _call(guarded, "CreateJwtTemplate", template=template), Refused)
    more = {"libraryEntryId": "hasura", "templateOverride": {"x-roles": ["Owner"]}}
    assert isinstance(await _call(guarded, "ApplyJwtTemplateFromLibrary", **more), Refused)
    template["template"] = {"plan": "{{tenant.customAttributes.plan}}"}
    assert isinstance(await _call(guarded, "CreateJwtTemplate", template=template), Completed)


async def test_a_resource_takes_up_a_registration_template_with_a_person_s_word(
    acme: Services,
) -> None:
    found = await _found(acme, "LoadAllDynamicRegistrationTemplates")
    named = {"dynamicRegistrationTemplateId": found["templates"][0]["id"], "useTemplate": True}
    asked = await _call(
        acme,
        "CreateResource",
        name="Open",
        uri="https://open.acme.example",
        dynamicRegistrationSettings=named,
    )
    assert isinstance(asked, NeedsConfirmation), asked
    assert "registration template allows" in asked.question.text


def test_whatever_changes_entries_of_a_list_may_let_somebody_in(catalog: Catalog) -> None:
    """Only the flows that use a list know whether it keeps out or lets in."""
    changing = {n for n, o in catalog.items() if o.toolset == "lists" and o.effect != "read"}
    takes_over = {n for n in changing if "account_takeover" in catalog[n].worst_hazards}
    assert changing - takes_over == {"CreateList"}


async def test_what_unblocks_is_told_and_falls_under_rules_on_take_overs(acme: Services) -> None:
    lists = (await _found(acme, "GetAllLists"))["lists"]
    blocked = next(one["id"] for one in lists if one["name"] == "Blocked domains")
    for operation, more in (
        ("RemoveTextsFromList", {"texts": ["spam.example"]}),
        ("ClearList", {}),
        ("DeleteList", {}),
    ):
        asked = await _call(acme, operation, id=blocked, **more)
        assert isinstance(asked, NeedsConfirmation), asked
        assert "keep out" in asked.question.text
        assert isinstance(await _call(_denying(acme), operation, id=blocked, **more), Refused)


async def test_recalculated_mappings_give_roles(acme: Services) -> None:
    asked = await _call(acme, "RecalculateSSOMappings", tenantId="globex")
    assert isinstance(asked, NeedsConfirmation), asked
    assert '"Editor" and "Analyst"' in asked.question.text
    denied = await _call(_denying(acme), "RecalculateSSOMappings", tenantId="globex")
    assert isinstance(denied, Refused), denied


async def test_the_unattended_workflow_changes_no_attributes_of_one_s_own(acme: Services) -> None:
    guarded = _ready_made(acme, "unattended-support")
    attributes = {"department": "Management"}
    for more in ({"customAttributes": attributes}, {"name": "C", "customAttributes": attributes}):
        assert isinstance(await _call(guarded, "PatchUser", loginId=CHLOE, **more), Refused)
    named = await _call(guarded, "PatchUser", loginId=CHLOE, name="Chloe M")
    assert isinstance(named, Completed), named


async def test_another_template_is_told_where_it_takes_the_place_of_one(acme: Services) -> None:
    template = {"name": "Plain", "type": "user", "template": {"access": "billing.write"}}
    made = await _found(acme, "CreateJwtTemplate", template=template)
    server = (await _found(acme, "LoadAllMcpServers"))["servers"][0]["id"]
    settings = {"enabled": True, "userTemplateId": made["template"]["id"]}
    more = {"server": {"id": server, "sessionSettings": settings}}
    asked = await _call(acme, "UpdateMcpServer", **more)
    assert isinstance(asked, NeedsConfirmation), asked
    assert "claims of another JWT template" in asked.question.text
