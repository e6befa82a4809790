"""What a grant does not say, tried as if it had said it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Completed, NeedsConfirmation, Refused
from descope_mcp.call.services import Services
from descope_mcp.guard.consent import grant_limits
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.guard.policy.file import parse
from descope_mcp.store.consent import grants

pytestmark = pytest.mark.anyio

OF_A_TENANT = {"name": "Temp-*", "tenantId": "acme-de"}


async def call(services: Services, operation: str, **arguments: Any) -> Any:
    return await invoke(Call(operation, arguments, "agent"), services)


@pytest.fixture
def granted(acme: Services) -> Services:
    grants.create(
        acme.store,
        project=acme.project,
        operation="DeleteRole",
        arguments=OF_A_TENANT,
        items=5,
        seconds=60,
    )
    return acme


async def test_a_grant_for_a_tenant_s_roles_is_none_for_the_project_s(granted: Services) -> None:
    """An argument that is left out widens the call."""
    tenant = await call(granted, "CreateTenant", name="Acme DE", id="acme-de")
    assert isinstance(tenant, Completed), tenant
    for where in ({}, {"tenantId": "acme-de"}):
        made = await call(granted, "CreateRole", name="Temp-1", description="d", **where)
        assert isinstance(made, Completed), made
    assert isinstance(await call(granted, "DeleteRole", name="Temp-1"), NeedsConfirmation)
    meant = await call(granted, "DeleteRole", name="Temp-1", tenantId="acme-de")
    assert isinstance(meant, Completed), meant


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"name": "Temp-1"},
        {"name": "Temp-1", "tenantId": ""},
        {"name": "Temp-1", "tenantId": "acme-de", "id": "R1"},
        {"name": "Temp-1", "tenantId": "acme-de2"},
    ],
)
async def test_what_a_grant_does_not_say_is_not_granted(
    granted: Services, arguments: dict[str, Any]
) -> None:
    outcome = await call(granted, "DeleteRole", **arguments)
    assert not isinstance(outcome, Completed), outcome


@pytest.mark.parametrize(
    "email",
    [
        "eve@evil.example,ada@globex.example",
        "eve@evil.example\nada@globex.example",
        "Eve <eve@evil.example> ada@globex.example",
        "eve ada@globex.example",
        "eve/ada@globex.example",
    ],
)
async def test_a_pattern_does_not_stretch_over_what_separates_addresses(
    acme: Services, email: str
) -> None:
    """Two addresses with a comma between them end like the one that was granted."""
    who = "grace.kim@globex.example"
    grants.create(
        acme.store,
        project=acme.project,
        operation="UpdateUserEmail",
        arguments={"loginId": who, "email": "*@globex.example"},
        items=9,
        seconds=60,
    )
    asked = await call(acme, "UpdateUserEmail", loginId=who, email=email)
    assert isinstance(asked, NeedsConfirmation), asked
    covered = await call(acme, "UpdateUserEmail", loginId=who, email="g.kim@globex.example")
    assert isinstance(covered, Completed), covered


async def test_a_grant_of_one_caller_is_none_for_another(acme: Services) -> None:
    grants.create(
        acme.store,
        project=acme.project,
        operation="DeletePermission",
        arguments={"name": "extra-*"},
        items=5,
        seconds=60,
        caller="nightly-*",
    )
    listed = grants.listed(acme.store, acme.project)[0]
    assert (listed.caller, listed.arguments) == ("nightly-*", {"name": "extra-*"})
    for name in ("extra-1", "extra-2"):
        made = await call(acme, "CreatePermission", name=name)
        assert isinstance(made, Completed), made
    one = Call("DeletePermission", {"name": "extra-1"}, "agent")
    assert isinstance(await invoke(one, acme), NeedsConfirmation)
    granted = await invoke(replace(one, caller="nightly-1"), acme)
    assert isinstance(granted, Completed), granted


@pytest.mark.parametrize("decision", ["confirm", "deny"])
async def test_a_grant_counts_where_the_policy_asks_and_not_where_it_denies(
    acme: Services, decision: str
) -> None:
    text = f'[[rule]]\noperation = "DeletePermission"\ndecision = "{decision}"\n'
    rules, _ = parse("p.toml", text, acme.catalog)
    name = f"left-{decision}"
    grants.create(
        acme.store,
        project=acme.project,
        operation="DeletePermission",
        arguments={"name": name},
        items=1,
        seconds=60,
    )
    made = await call(acme, "CreatePermission", name=name)
    assert isinstance(made, Completed), made
    outcome = await call(replace(acme, policy=Policy(rules=rules)), "DeletePermission", name=name)
    assert isinstance(outcome, Completed if decision == "confirm" else Refused), outcome


@pytest.mark.parametrize("pattern", ["*", "**", "*@*", "?*", "[a-z]*"])
def test_a_pattern_that_leaves_nothing_out_is_told(pattern: str) -> None:
    assert grant_limits.unlimited({"loginId": pattern, "tenantId": "acme-*"}) == ["loginId"]


def test_a_grant_has_ceilings() -> None:
    day = 24 * 3600
    assert not grant_limits.excess(1_000, 30 * day)
    assert "1000 items" in grant_limits.excess(1_001, day)
    assert "30 days" in grant_limits.excess(1, 31 * day)
