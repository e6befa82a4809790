"""What names nobody, in a list that looks as if it named somebody."""

from __future__ import annotations

from typing import Any

import pytest

from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Completed, Failed, Refused
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.policy.decision import Policy
from tests.recorder import recording

pytestmark = pytest.mark.anyio

PRODUCTION = Policy(production=frozenset("*"))
KEY: dict[str, Any] = {"name": "k", "expiresIn": 3600}


@pytest.mark.parametrize("blank", ["", "  ", "\t\n"])
@pytest.mark.parametrize(
    ("operation", "arguments", "at"),
    [
        ("DeleteThirdPartyApplicationConsents", {"appId": "A"}, "userIds"),
        ("DeleteThirdPartyApplicationTenantConsents", {"appId": "A"}, "consentIds"),
        ("DeleteUsers", {}, "userIds"),
    ],
)
async def test_a_blank_in_a_list_narrows_nothing(
    catalog: Catalog, operation: str, arguments: dict[str, Any], at: str, blank: str
) -> None:
    async with recording() as recorder:
        services = recorder.services(catalog, policy=PRODUCTION)
        for listed in ([blank], ["U1", blank]):
            given = {**arguments, at: listed}
            outcome = await invoke(Call(operation, given, "agent"), services)
            assert isinstance(outcome, Failed), outcome
            assert f"{at}[{len(listed) - 1}]: is empty; leave it out" in outcome.message
        assert not recorder.requests
        await services.client.close()


@pytest.mark.parametrize(
    ("rights", "problem"),
    [
        ({}, ""),
        ({"projectRoles": []}, ""),
        ({"projectRoles": [{}]}, "reBac.projectRoles[0]: is empty"),
        ({"projectRoles": [{"roles": []}]}, ""),
        ({"projectRoles": [{"projectIds": ["P1"]}]}, ""),
        ({"projectRoles": [{"roles": [" "]}]}, "reBac.projectRoles[0].roles[0]: is empty"),
        ({"tagRoles": [{"tags": ["prod"], "roles": []}]}, ""),
    ],
)
async def test_rights_without_a_role_count_as_the_widest(
    catalog: Catalog, rights: dict[str, Any], problem: str
) -> None:
    async with recording() as recorder:
        services = recorder.services(catalog, policy=PRODUCTION)
        outcome = await invoke(
            Call("CreateManagementKey", {**KEY, "reBac": rights}, "agent"), services
        )
        if problem:
            assert isinstance(outcome, Failed), outcome
            assert problem in outcome.message
        else:
            assert isinstance(outcome, Refused), outcome
            assert outcome.rule == "production"
        assert not recorder.requests
        await services.client.close()


async def test_what_people_keep_in_free_fields_may_be_blank(catalog: Catalog) -> None:
    kept = {"loginId": "u", "customAttributes": {"notes": ["", {}], "plan": "free"}}
    async with recording() as recorder:
        services = recorder.services(catalog)
        outcome = await invoke(Call("CreateUser", kept, "agent"), services)
        assert isinstance(outcome, Completed), outcome
        await services.client.close()
