"""One target under its other names: what a rule or a grant says of one holds for all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from starlette.responses import JSONResponse

from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Completed, Failed, NeedsConfirmation, Refused
from descope_mcp.call.plan.outcome import PlanEnded, PlanRequest
from descope_mcp.call.plan.plan import plan
from descope_mcp.call.services import Services
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.guard.policy.file import PolicyError, parse
from descope_mcp.store.consent import grants
from tests.recorder import Recorded, recording

pytestmark = pytest.mark.anyio

ADA = "ada.okafor@acme.example"
NOT_ADA = """
[[rule]]
operation = "*User*"
effect = ["write", "destructive"]
arguments = { loginId = "ada.*@acme.example" }
decision = "deny"
"""
PROTECTED = """
[[rule]]
target = ["%s", "Analyst"]
effect = ["write", "destructive"]
decision = "deny"
"""
#: Calls by a name of Ada that the rule does not spell; "U" stands for her user id.
OTHERWISE: dict[str, tuple[str, dict[str, Any]]] = {
    "her id for her login id": ("PatchUser", {"loginId": "U", "name": "x"}),
    "an alias": ("UpdateUserDisplayName", {"loginId": "alias-of-ada", "name": "x"}),
    "an alias, destructive": (
        "UpdateUserStatus",
        {"loginId": "alias-of-ada", "status": "disabled"},
    ),
    "an alias, cut off": ("LogoutAllUserDevices", {"loginId": "alias-of-ada"}),
    "an alias, taken over": ("UpdateUserEmail", {"loginId": "U", "email": "eve@evil.example"}),
}
BATCHES: dict[str, tuple[str, dict[str, Any]]] = {
    "by id, among others": ("DeleteUsers", {"userIds": ["V", "U"]}),
    "nested": ("PatchUserBatch", {"users": [{"loginId": "alias-of-ada", "name": "x"}]}),
    "by id": ("DeleteUser", {"userId": "U"}),
}


async def call(services: Services, operation: str, /, **arguments: Any) -> Any:
    return await invoke(Call(operation, arguments, "agent"), services)


@pytest.fixture
async def ids(acme: Services) -> dict[str, str]:
    """Ada has a second login id; her user id and somebody else's."""
    run, catalog = acme.client.run, acme.catalog
    more = {"loginId": ADA, "additionalIdentifiers": ["alias-of-ada"]}
    await run(catalog["PatchUser"], more, call_id="t", repeatable=True)
    found = {}
    for key, login in (("U", "alias-of-ada"), ("V", "ben.carter@acme.example")):
        read = await run(catalog["LoadUser"], {"loginId": login}, call_id="t", repeatable=True)
        found[key] = read.data["user"]["userId"]
    return found


def put(value: Any, ids: dict[str, str]) -> Any:
    """`value` with user ids in the place of their letters."""
    if isinstance(value, dict):
        return {key: put(inner, ids) for key, inner in value.items()}
    if isinstance(value, list):
        return [put(inner, ids) for inner in value]
    return ids.get(value, value) if isinstance(value, str) else value


def under(services: Services, text: str) -> Services:
    rules, _ = parse("p.toml", text, services.catalog)
    return replace(services, policy=Policy(rules=rules))


@pytest.mark.parametrize("rule", [NOT_ADA, PROTECTED % "ada.*@acme.example"])
@pytest.mark.parametrize("name", OTHERWISE)
async def test_who_is_protected_is_so_under_every_name(
    acme: Services, ids: dict[str, str], rule: str, name: str
) -> None:
    operation, arguments = OTHERWISE[name]
    denied = await call(under(acme, rule), operation, **put(arguments, ids))
    assert isinstance(denied, Refused), denied
    assert denied.rule.startswith("p.toml:")


@pytest.mark.parametrize("protected", [ADA, "alias-of-ada", "U"])
@pytest.mark.parametrize("name", {**OTHERWISE, **BATCHES})
async def test_whatever_name_the_rule_has_and_whatever_the_call(
    acme: Services, ids: dict[str, str], protected: str, name: str
) -> None:
    operation, arguments = {**OTHERWISE, **BATCHES}[name]
    strict = under(acme, PROTECTED % put(protected, ids))
    denied = await call(strict, operation, **put(arguments, ids))
    assert isinstance(denied, Refused), denied
    others = await call(strict, "PatchUser", loginId="ben.carter@acme.example", name="Ben C.")
    assert isinstance(others, Completed), others


async def test_a_role_is_protected_under_its_id(acme: Services) -> None:
    query = {"roleNames": ["Analyst"], "tenantIds": ["globex"]}
    found = await call(acme, "SearchRoles", **query)
    by_id = {"id": found.data["roles"][0]["id"], "tenantId": "globex"}
    denied = await call(under(acme, PROTECTED % "nobody"), "DeleteRole", **by_id)
    assert isinstance(denied, Refused), denied
    asked = await call(
        under(acme, '[[rule]]\ntarget = "Viewer"\ndecision = "deny"'), "DeleteRole", **by_id
    )
    assert isinstance(asked, NeedsConfirmation), asked


@pytest.mark.parametrize(("login", "covered"), [(ADA, True), ("alias-of-ada", False), ("U", False)])
async def test_what_is_allowed_is_allowed_by_the_name_in_the_rule(
    acme: Services, ids: dict[str, str], login: str, covered: bool
) -> None:
    rule = (
        '[[rule]]\noperation = "LogoutAllUserDevices"\n'
        'arguments = { loginId = "ada.*@acme.example" }\ndecision = "allow"'
    )
    outcome = await call(under(acme, rule), "LogoutAllUserDevices", loginId=put(login, ids))
    assert isinstance(outcome, Completed if covered else NeedsConfirmation), outcome


@pytest.mark.parametrize("way", ["rule", "grant", "grant in a plan"])
@pytest.mark.parametrize("found", ["temp-1", "TEMP-1", "ceo"])
async def test_what_allows_needs_the_target_to_be_known_by_that_name(
    catalog: Catalog, way: str, found: str
) -> None:
    """The service finds somebody by another name than the one that was granted."""

    def answer(request: Recorded) -> JSONResponse:
        return JSONResponse({"user": {"userId": "U1", "loginIds": [found, "b"], "name": "temp-1"}})

    async with recording(answer) as recorder:
        services = recorder.services(catalog)
        if way != "rule":
            grants.create(
                services.store,
                project=services.project,
                operation="DeleteUser",
                arguments={"loginId": "temp-*"},
                items=1,
                seconds=60,
            )
        else:
            services = under(
                services,
                '[[rule]]\noperation = "DeleteUser"\ndecision = "allow"\n'
                'arguments = { loginId = "temp-*" }',
            )
        if way == "grant in a plan":
            step = {"operation": "DeleteUser", "arguments": {"loginId": "temp-1"}}
            outcome = await plan(PlanRequest([step], "agent"), services)
        else:
            outcome = await call(services, "DeleteUser", loginId="temp-1")
        known = found == "temp-1"
        ran = (Completed, PlanEnded)
        assert isinstance(outcome, ran if known else NeedsConfirmation), outcome
        await services.client.close()


@pytest.mark.parametrize("status", [404, 500])
async def test_who_cannot_be_known_is_not_touched(catalog: Catalog, status: int) -> None:
    """The change would run unasked, but the rule has to know whom it hits."""
    answers: Callable[[Recorded], JSONResponse] = lambda _: JSONResponse({}, status)  # noqa: E731
    async with recording(answers) as recorder:
        services = recorder.services(catalog)
        strict = under(services, PROTECTED % ADA)
        outcome = await call(strict, "PatchUser", loginId="alias-of-ada", name="x")
        assert isinstance(outcome, (Refused, Failed)), outcome
        assert [r.method for r in recorder.requests if r.method != "GET"] == []
        await services.client.close()


async def test_no_rule_allows_by_target(catalog: Catalog) -> None:
    rule = '[[rule]]\noperation = "DeleteUser"\ntarget = "temp-*"\ndecision = "allow"'
    with pytest.raises(PolicyError, match=r"p.toml:3: .*write arguments"):
        parse("p.toml", rule, catalog)
