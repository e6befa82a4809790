"""What a name, an option or an address stands for, behind what it looks like."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Completed, Failed, NeedsConfirmation, Refused
from descope_mcp.call.services import Services
from descope_mcp.guard.consent.confirmation import accept

pytestmark = pytest.mark.anyio

GRACE = "grace.kim@globex.example"
POWERS = ["Impersonate", "User Admin"]


async def call(services: Services, operation: str, /, **arguments: Any) -> Any:
    return await invoke(Call(operation, arguments, "agent"), services)


async def agreed(services: Services, operation: str, /, **arguments: Any) -> Any:
    """The outcome of a call that a person says yes to."""
    asked = await call(services, operation, **arguments)
    assert isinstance(asked, NeedsConfirmation), asked
    return await said_yes(services, operation, arguments, asked)


async def said_yes(
    services: Services, operation: str, arguments: dict[str, Any], asked: NeedsConfirmation
) -> Any:
    approval = accept(asked.question)
    return await invoke(Call(operation, arguments, "agent", approval=approval), services)


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("CreateRole", {"name": "Editor", "tenantId": "globex", "permissionNames": POWERS}),
        ("CreateRole", {"name": "Editor", "tenantId": "globex"}),
        (
            "CreateRoles",
            {
                "roles": [
                    {"name": "Harmless"},
                    {"name": "Editor", "tenantId": "globex", "permissionNames": POWERS},
                ]
            },
        ),
    ],
)
async def test_a_role_that_hides_another_is_asked_about(
    acme: Services, operation: str, arguments: dict[str, Any]
) -> None:
    """Whoever is Editor in the tenant becomes something else, and nobody was touched."""
    asked = await call(acme, operation, **arguments)
    assert isinstance(asked, NeedsConfirmation), asked
    text = asked.question.text
    assert 'Whoever has "Editor" in the tenant "globex" may no longer' in text
    gains = 'may then also: "Impersonate", "User Admin"' in text
    assert gains is ("Impersonate" in str(arguments))


async def test_a_role_that_is_renamed_over_another_says_who_gains_and_loses(
    acme: Services,
) -> None:
    made = await call(acme, "CreateRole", name="Lurker", tenantId="globex", permissionNames=POWERS)
    assert isinstance(made, Completed), made
    asked = await call(
        acme,
        "UpdateRole",
        name="Lurker",
        newName="Editor",
        tenantId="globex",
        permissionNames=POWERS,
    )
    assert isinstance(asked, NeedsConfirmation), asked
    assert 'Whoever has "Editor" in the tenant "globex" may then also' in asked.question.text


async def test_a_role_of_a_new_name_or_the_same_rights_is_not_asked_about(acme: Services) -> None:
    for arguments in (
        {"name": "Auditor", "tenantId": "globex", "permissionNames": ["reports.read"]},
        {"name": "Auditor", "permissionNames": ["reports.read"]},
        {
            "name": "Editor",
            "tenantId": "globex",
            "permissionNames": ["projects.read", "projects.write", "reports.read"],
        },
    ):
        made = await call(acme, "CreateRole", **arguments)
        assert isinstance(made, Completed), made


async def test_a_yes_to_a_role_is_none_to_what_the_name_means_later(acme: Services) -> None:
    """While the question is open, a role of that name appears in the tenant."""
    giving = {"loginId": GRACE, "roleNames": ["Viewer"], "tenantId": "globex"}
    asked = await call(acme, "UpdateUserAddRoles", **giving)
    assert isinstance(asked, NeedsConfirmation), asked
    hiding = {"name": "Viewer", "tenantId": "globex", "permissionNames": POWERS}
    assert isinstance(await agreed(acme, "CreateRole", **hiding), Completed)
    late = await said_yes(acme, "UpdateUserAddRoles", giving, asked)
    assert isinstance(late, Refused), late
    assert late.rule == "changed"
    anew = await call(acme, "UpdateUserAddRoles", **giving)
    assert 'may then also: "Impersonate", "User Admin"' in anew.question.text


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        (
            "UpdateUserAddRoles",
            {"loginId": GRACE, "roleNames": ["Tenant Admin"], "tenantId": "globex"},
        ),
        (
            "UpdateUserSetRoles",
            {"loginId": GRACE, "roleNames": ["Tenant Admin"], "tenantId": "globex"},
        ),
        (
            "PatchUser",
            {
                "loginId": GRACE,
                "userTenants": [{"tenantId": "globex", "roleNames": ["Tenant Admin"]}],
            },
        ),
        ("CreateUser", {"loginId": "new", "roleNames": ["Tenant Admin"]}),
        ("CreateUsers", {"users": [{"loginId": "new", "roleNames": ["Tenant Admin"]}]}),
        ("CreateTestUser", {"loginId": "new", "roleNames": ["Tenant Admin"]}),
        (
            "CreateAccessKey",
            {"name": "k", "keyTenants": [{"tenantId": "globex", "roleNames": ["Tenant Admin"]}]},
        ),
        ("UpdateTenantDefaultRoles", {"id": "globex", "defaultRoles": ["Tenant Admin"]}),
        (
            "ConfigureSSOOIDCSettings",
            {"tenantId": "globex", "settings": {"defaultSSORoles": ["Tenant Admin"]}},
        ),
    ],
)
async def test_a_question_about_a_role_says_what_it_brings(
    acme: Services, operation: str, arguments: dict[str, Any]
) -> None:
    asked = await call(acme, operation, **arguments)
    assert isinstance(asked, NeedsConfirmation), asked
    assert 'may then also: "User Admin", "SSO Admin", "Impersonate"' in asked.question.text


async def test_what_somebody_has_already_is_not_called_new(acme: Services) -> None:
    giving = {"loginId": GRACE, "tenantId": "globex"}
    asked = await call(acme, "UpdateUserAddRoles", roleNames=["Viewer"], **giving)
    assert "may then also" not in asked.question.text
    replaced = await call(acme, "UpdateUserSetRoles", roleNames=["Viewer"], **giving)
    assert 'may no longer: "projects.write"' in replaced.question.text


async def test_a_question_about_taking_rights_says_which(acme: Services) -> None:
    """Also where no role is named: a membership goes with all its roles."""
    giving = {"loginId": GRACE, "tenantId": "globex", "roleNames": ["Viewer"]}
    assert isinstance(await agreed(acme, "UpdateUserAddRoles", **giving), Completed)
    taking = {**giving, "roleNames": ["Editor"]}
    asked = await call(acme, "UpdateUserRemoveRoles", **taking)
    # What another role brings stays.
    assert 'may no longer: "projects.write"\n' in asked.question.text
    asked = await call(acme, "UpdateUserRemoveTenant", loginId=GRACE, tenantId="globex")
    assert 'may no longer: "projects.read", "projects.write", "reports.read"' in asked.question.text


async def test_a_question_about_a_membership_says_what_comes_with_it(acme: Services) -> None:
    """Members of the tenant get a role by default."""
    for operation, arguments in (
        ("UpdateUserAddTenant", {"loginId": "wei.zhang@contractor.example", "tenantId": "globex"}),
        ("CreateUser", {"loginId": "n@x.example", "userTenants": [{"tenantId": "globex"}]}),
    ):
        asked = await call(acme, operation, **arguments)
        assert 'in the tenant "globex" may then also: "projects.read", "reports.read"' in (
            asked.question.text
        )
    none = await call(
        acme, "UpdateUserAddTenant", loginId="wei.zhang@contractor.example", tenantId="umbra"
    )
    assert "may then also" not in none.question.text


async def test_what_a_group_is_mapped_to_is_told_by_the_group(acme: Services) -> None:
    settings = {"roleMappings": [{"groups": ["staff"], "roleName": "Tenant Admin"}]}
    asked = await call(acme, "ConfigureSSOOIDCSettings", tenantId="globex", settings=settings)
    assert (
        'Whoever is in "staff" in the tenant "globex" may then also: "User Admin"'
        in asked.question.text
    )


async def test_a_role_of_the_console_is_not_taken_for_one_of_the_project(acme: Services) -> None:
    """A project may have a role of the same name, which brings next to nothing."""
    assert isinstance(await call(acme, "CreateRole", name="admin"), Completed)
    asked = await call(
        acme,
        "CreateManagementKey",
        name="k",
        reBac={"projectRoles": [{"projectIds": [acme.project], "roles": ["admin"]}]},
    )
    assert 'as "admin" of the Descope console for ' in asked.question.text
    assert ": all settings of a project" in asked.question.text


OTHERS = "https://evil.example/x"
OWN = {"link": "https://app.acme.example/x", "name": "Ada", "mail": "ada@acme.example", "n": "1.2"}
CLAIMS = {"customClaims": {"roles": ["Tenant Admin"]}}


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        # Sign-in options that grant.
        ("UserSignupOtpEmail", {"loginId": GRACE, "loginOptions": {"tenantId": "globex"}}),
        ("SignInMagicLinkEmail", {"loginId": GRACE, "loginOptions": CLAIMS}),
        ("SignUpPassword", {"loginId": "n", "password": "p", "loginOptions": {"tenantId": "g"}}),
        ("ExchangeAccessKey", {"credential": "k", "loginOptions": CLAIMS}),
        ("AuthorizeOAuth", {"provider": "google", "tenantId": "globex"}),
        ("AuthorizeOAuth", {"provider": "google", **CLAIMS}),
        (
            "WebAuthnSignupStart",
            {"loginId": "n", "origin": "https://a.test", "loginOptions": CLAIMS},
        ),
        # Addresses of others.
        ("AuthorizeOAuth", {"provider": "google", "redirectUrl": OTHERS}),
        ("CreateSSOOIDCApplication", {"name": "a", "loginPageUrl": OTHERS}),
        ("CreateSSOOIDCApplication", {"name": "a", "backChannelLogoutUrl": OTHERS}),
        ("CreateSSOSAMLApplication", {"name": "a", "logoutRedirectUrl": OTHERS}),
        ("CreateSSOWSFedApplication", {"name": "a", "realm": "r", "errorRedirectUrl": OTHERS}),
        ("CreateMcpServer", {"name": "a", "consentFlowHostingURL": OTHERS}),
        ("CreateMcpServer", {"name": "a", "approvedCallbackUrls": [OTHERS]}),
        ("WSFedIDPPassiveGet", {"wa": "wsignin1.0", "wtrealm": "r", "wreply": OTHERS}),
        # Accounts laid out for others.
        ("CreateUser", {"loginId": GRACE.replace("g", "h"), "email": "eve@evil.example"}),
        (
            "CreateUsers",
            {
                "users": [{"loginId": "a@globex.example", "email": "eve@evil.example"}],
                "invite": True,
            },
        ),
        ("CreateUser", {"loginId": "a@globex.example", "phone": "+15550001", "sendSMS": True}),
        ("CreateUser", {"loginId": "a", "recoveryEmail": "eve@evil.example"}),
        ("UserSignupOtpEmail", {"loginId": "a@globex.example", "email": "eve@evil.example"}),
        ("SignUpOtpSMS", {"loginId": "a@globex.example", "phone": "+15550001111"}),
        ("CreateSAMLRedirect", {"tenant": "globex", "tenantId": "acme"}),
        ("AuthorizeSAML", {"tenant": "globex", "tenantId": "acme"}),
        ("CreateResource", {"name": "r", "userAccess": "all"}),
        # Addresses in the texts that a message is filled in with.
        ("SendPasswordReset", {"loginId": GRACE, "templateOptions": {"link": OTHERS}}),
        ("SendPasswordReset", {"loginId": GRACE, "templateOptions": {"a": "at evil.example."}}),
        (
            "SignInMagicLinkEmail",
            {"loginId": GRACE, "loginOptions": {"templateOptions": {"a": "<//evil.example>"}}},
        ),
        # Ways in to accounts that others may take over one day, by whichever plane.
        ("CreateUser", {"loginId": "cfo@acme.example", "password": "chosen-by-who-calls"}),
        ("SignUpPassword", {"loginId": "cfo@acme.example", "password": "chosen-by-who-calls"}),
        ("SignUpTOTP", {"loginId": "cfo@acme.example"}),
        ("WebAuthnSignupFinish", {"transactionId": "t", "response": "{}"}),
        # One rule of a tenant's passwords fixes all of them.
        ("ConfigurePasswordSettings", {"tenantId": "globex", "minLength": 20}),
    ],
)
async def test_what_grants_or_leads_away_is_never_unasked(
    acme: Services, operation: str, arguments: dict[str, Any]
) -> None:
    trusting = replace(acme, trusted_hosts=frozenset({"app.acme.example"}))
    required = acme.catalog[operation].input_schema.get("required", ())
    schema = acme.catalog[operation].input_schema["properties"]
    more = {n: "x" for n in required if n not in arguments and schema[n].get("type") == "string"}
    outcome = await call(trusting, operation, **{**more, **arguments})
    assert isinstance(outcome, NeedsConfirmation), outcome


async def test_texts_that_lead_nowhere_else_ask_nobody(acme: Services) -> None:
    trusting = replace(acme, trusted_hosts=frozenset({"app.acme.example"}))
    outcome = await call(trusting, "SendPasswordReset", loginId=GRACE, templateOptions=OWN)
    assert not isinstance(outcome, NeedsConfirmation), outcome


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("RestoreFGABackup", {"backupId": "B1", "backupId_body": "B2"}),
        ("UpdateSCIMUser", {"userId": "U1", "userId_body": "U2"}),
    ],
)
async def test_the_body_names_nobody_else_than_the_path(
    acme: Services, operation: str, arguments: dict[str, Any]
) -> None:
    outcome = await call(acme, operation, **arguments)
    assert isinstance(outcome, Failed), outcome
    assert outcome.kind == "invalid_arguments"
    assert "has to be the same" in outcome.message
