"""What a rule of a policy file does not speak of, in a call that it allows for something else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Completed, NeedsConfirmation, Refused
from descope_mcp.call.services import Services
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.guard.policy.file import parse

pytestmark = pytest.mark.anyio

ADA, GRACE = "ada.okafor@acme.example", "grace.kim@globex.example"
PASSWORD = "Correct-Horse-7-Battery"
INITECH = {"tenantId": "initech"}


def _guarded(services: Services, *tables: str) -> Services:
    text = "\n".join(f"[[rule]]\n{table}" for table in tables)
    return replace(services, policy=Policy(rules=parse("p.toml", text, services.catalog)[0]))


def _allowing(condition: str, *operations: str) -> str:
    return f'operation = {list(operations)}\n{condition}\ndecision = "allow"'


ONE_TENANT = _allowing(
    'tenants = "initech"', "CreateUser", "CreateUsers", "PatchUser", "UpdateUser", "CreateAccessKey"
)


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("CreateUser", {"loginId": "eve", "userTenants": [INITECH], "roleNames": ["Owner"]}),
        ("CreateUser", {"loginId": "eve", "userTenants": [INITECH], "password": PASSWORD}),
        ("CreateUser", {"loginId": "eve", "userTenants": [INITECH], "ssoAppIds": ["salesforce"]}),
        (
            "CreateUsers",
            {"users": [{"loginId": "eve", "userTenants": [INITECH], "roleNames": ["Owner"]}]},
        ),
        ("PatchUser", {"loginId": ADA, "userTenants": [INITECH], "email": "eve@evil.example"}),
        ("UpdateUser", {"loginId": ADA, "userTenants": [INITECH], "email": "eve@evil.example"}),
        ("CreateAccessKey", {"name": "k", "keyTenants": [INITECH], "roleNames": ["Owner"]}),
        ("PatchUser", {"loginId": ADA, "userTenants": [INITECH], "status": "disabled"}),
        # Of another tenant the user is no member any longer.
        ("PatchUser", {"loginId": GRACE, "userTenants": [INITECH]}),
        ("UpdateUser", {"loginId": GRACE, "userTenants": [INITECH]}),
    ],
)
async def test_who_may_work_in_one_tenant_gives_and_takes_nothing_outside_of_it(
    acme: Services, operation: str, arguments: dict[str, Any]
) -> None:
    outcome = await invoke(Call(operation, arguments, "agent"), _guarded(acme, ONE_TENANT))
    assert isinstance(outcome, NeedsConfirmation), outcome


async def test_what_is_within_the_tenant_runs(acme: Services) -> None:
    guarded = _guarded(acme, ONE_TENANT)
    member = {**INITECH, "roleNames": ["Editor"]}
    new = {"loginId": "new@initech.example", "email": "new@initech.example"}
    for operation, arguments in (
        ("CreateUser", {**new, "userTenants": [member]}),
        ("PatchUser", {"loginId": new["loginId"], "userTenants": [INITECH], "name": "New"}),
        ("UpdateUser", {**new, "userTenants": [member]}),
        ("CreateAccessKey", {"name": "k", "keyTenants": [member]}),
    ):
        outcome = await invoke(Call(operation, arguments, "agent"), guarded)
        assert isinstance(outcome, Completed), outcome


@pytest.mark.parametrize(
    ("rule", "operation", "arguments"),
    [
        (
            _allowing('roles = "Editor"', "UpdateRole"),
            "UpdateRole",
            {"name": "Editor", "newName": "Editor", "permissionNames": ["billing.write"]},
        ),
        (
            _allowing('hosts = "*.acme.example"', "SignInMagicLinkEmail"),
            "SignInMagicLinkEmail",
            {
                "loginId": ADA,
                "redirectUrl": "https://app.acme.example",
                "loginOptions": {"customClaims": {"roles": ["Owner"]}},
            },
        ),
        (
            _allowing('recipients = "*@acme.example"', "SendPasswordReset"),
            "SendPasswordReset",
            {"loginId": ADA, "redirectUrl": "https://evil.example"},
        ),
        (
            _allowing('permissions = "reports.*"', "UpdateRole"),
            "UpdateRole",
            {"name": "Viewer", "permissionNames": ["reports.read"], "newName": "Owner of all"},
        ),
    ],
)
async def test_a_rule_about_one_thing_allows_no_other(
    acme: Services, rule: str, operation: str, arguments: dict[str, Any]
) -> None:
    outcome = await invoke(Call(operation, arguments, "agent"), _guarded(acme, rule))
    assert isinstance(outcome, NeedsConfirmation), outcome


async def test_what_a_template_holds_that_is_named_by_its_id_is_not_known(acme: Services) -> None:
    claims = {"name": "Plain", "type": "user", "template": {"roles": ["Owner"]}}
    made = await invoke(Call("CreateJwtTemplate", {"template": claims}, "agent"), acme)
    assert isinstance(made, Completed), made
    settings = {"enabled": True, "userTemplateId": made.data["template"]["id"]}
    call = Call("CreateMcpServer", {"name": "New", "sessionSettings": settings}, "agent")
    for rule in ('roles = "Owner"', 'permissions = "billing.*"', 'claims = "*role*"'):
        refused = await invoke(call, _guarded(acme, f'{rule}\ndecision = "deny"'))
        assert isinstance(refused, Refused), refused


@pytest.mark.parametrize(
    ("rule", "operation", "arguments"),
    [
        ('roles = "Owner"', "PatchUser", {"loginId": ADA, "roleNames": ["Viewer"]}),
        ('roles = "Owner"', "UpdateUserSetRoles", {"loginId": ADA, "roleNames": ["Viewer"]}),
        ('tenants = "globex"', "PatchUser", {"loginId": GRACE, "userTenants": [INITECH]}),
        ('tenants = "globex"', "UpdateUser", {"loginId": GRACE, "userTenants": [INITECH]}),
        (
            'permissions = "reports.read"',
            "UpdateRole",
            {"name": "Viewer", "newName": "Viewer", "permissionNames": ["projects.read"]},
        ),
    ],
)
async def test_what_is_taken_away_by_giving_something_else_is_taken_away(
    acme: Services, rule: str, operation: str, arguments: dict[str, Any]
) -> None:
    guarded = _guarded(acme, f'{rule}\ndecision = "deny"')
    outcome = await invoke(Call(operation, arguments, "agent"), guarded)
    assert isinstance(outcome, Refused), outcome
