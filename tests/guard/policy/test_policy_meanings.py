"""Rules of a policy by what arguments mean, in every shape in which a call can say it."""

from __future__ import annotations

from typing import Any

import pytest

from descope_mcp.catalog.arguments.validation import check
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.caller import STDIO
from descope_mcp.guard.policy import glob
from descope_mcp.guard.policy.decision import Policy, decide
from descope_mcp.guard.policy.file import PolicyError, parse, read
from descope_mcp.guard.policy.risk import assess
from tests.guard.policy.cases import HOSTS

NO_ADMINS = 'roles = ["*Admin*", "Owner"]\nhazard = "account_takeover"\ndecision = "deny"'
ROLE = ["Viewer", "tenant ADMIN"]
CLAIMS = {"app": {"roles": ["Tenant Admin"]}}
#: Every way in which a call can give somebody an administrator's role.
GIVING: list[tuple[str, dict[str, Any]]] = [
    ("UpdateUserAddRoles", {"loginId": "a", "roleNames": ROLE}),
    ("UpdateUserAddRolesV1", {"loginId": "a", "roleNames": ["Owner"]}),
    ("UpdateUserSetRoles", {"loginId": "a", "roleNames": ROLE, "tenantId": "globex"}),
    ("CreateUser", {"loginId": "a", "roleNames": ROLE}),
    ("CreateUser", {"loginId": "a", "userTenants": [{"tenantId": "t", "roleNames": ROLE}]}),
    ("CreateUsers", {"users": [{"loginId": "b"}, {"loginId": "a", "roleNames": ROLE}]}),
    (
        "CreateUsers",
        {"users": [{"loginId": "a", "userTenants": [{"tenantId": "t", "roleNames": ROLE}]}]},
    ),
    ("PatchUser", {"loginId": "a", "roleNames": ROLE}),
    ("PatchUserBatch", {"users": [{"loginId": "a", "userTenants": [{"roleNames": ROLE}]}]}),
    ("CreateTestUser", {"loginId": "a", "roleNames": ["owner"]}),
    ("CreateAccessKey", {"name": "k", "roleNames": ROLE}),
    ("CreateAccessKey", {"name": "k", "keyTenants": [{"tenantId": "t", "roleNames": ROLE}]}),
    ("CreateAccessKey", {"name": "k", "customClaims": {"roles": "Owner"}}),
    ("UpdateTenantDefaultRoles", {"id": "globex", "defaultRoles": ROLE}),
    ("Anonymous", {"roles": ROLE}),
    ("Anonymous", {"customClaims": CLAIMS}),
    ("SignInMagicLinkEmail", {"loginId": "a", "loginOptions": {"customClaims": CLAIMS}}),
    ("AuthorizeOAuth", {"provider": "google", "customClaims": CLAIMS}),
    ("GenerateJWTSignIn", {"loginId": "a", "customClaims": {"roleNames": ["Owner"]}}),
    (
        "ConfigureSSOSAMLSettings",
        {"tenantId": "t", "settings": {"roleMappings": [{"groups": ["g"], "roleName": "Owner"}]}},
    ),
    (
        "ConfigureSSOOIDCSettings",
        {"tenantId": "t", "settings": {"defaultSSORoles": ["Owner"]}},
    ),
    ("UpdateRole", {"name": "Viewer", "newName": "Owner", "permissionNames": ["p"]}),
    ("UpdateRole", {"id": "R1", "newName": "Viewer", "permissionNames": ["p"]}),
    ("UpdateRoles", {"roles": [{"id": "R1", "name": "Viewer", "newName": "Tenant Admin"}]}),
]


def action(catalog: Catalog, rules: str, operation: str, arguments: dict[str, Any]) -> str:
    one = catalog[operation]
    checked = check(one, arguments)
    policy = Policy(rules=parse("p.toml", f"[[rule]]\n{rules}", catalog)[0])
    return decide(one, checked, STDIO, "P1", assess(one, checked, HOSTS), policy).action


@pytest.mark.parametrize(("operation", "arguments"), GIVING)
def test_nobody_gets_administrators_roles(
    catalog: Catalog, operation: str, arguments: dict[str, Any]
) -> None:
    assert action(catalog, NO_ADMINS, operation, arguments) == "deny"


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("UpdateUserAddRoles", {"loginId": "admin@acme.test", "roleNames": ["Viewer"]}),
        ("UpdateUserRemoveRoles", {"loginId": "a", "roleNames": ["Owner"]}),
        ("SearchUsers", {"roleNames": ["Owner"]}),
        ("CreateUser", {"loginId": "owner"}),
        ("DeleteRole", {"name": "Owner"}),
    ],
)
def test_what_gives_no_role_is_left_to_the_other_rules(
    catalog: Catalog, operation: str, arguments: dict[str, Any]
) -> None:
    assert action(catalog, NO_ADMINS, operation, arguments) != "deny"


def allowing(condition: str, *operations: str) -> str:
    names = ", ".join(f'"{name}"' for name in operations)
    return f'operation = [{names}]\n{condition}\ndecision = "allow"\ncalls = 9\nper = "1d"'


IN_ACME = allowing('tenants = "acme"', "CreateUser", "CreateUsers", "UpdateUserAddRoles")
MEMBER = {"tenantId": "acme", "roleNames": ["Editor"]}
INSIDE = allowing('recipients = "*@acme.test"', "CreateUser", "CreateUsers", "SendPasswordReset")
ONE_CLAIM = allowing('claims = "plan"', "GenerateJWTSignIn")
OWN_HOSTS = allowing('hosts = "*.acme.test"', "CreateSSOOIDCApplication", "CreateMcpServer")
EDITORS = allowing('roles = ["Editor", "Viewer"]', "UpdateRole", "UpdateUserAddRoles")


@pytest.mark.parametrize(
    ("rule", "operation", "arguments", "expected"),
    [
        (IN_ACME, "CreateUser", {"loginId": "a", "userTenants": [MEMBER]}, "allow"),
        (IN_ACME, "CreateUser", {"loginId": "a", "roleNames": ["Editor"]}, "confirm"),
        (
            IN_ACME,
            "CreateUser",
            {"loginId": "a", "userTenants": [MEMBER, {"tenantId": "globex"}]},
            "confirm",
        ),
        (
            IN_ACME,
            "CreateUsers",
            {"users": [{"loginId": "a", "userTenants": [MEMBER]}, {"loginId": "b"}]},
            "allow",
        ),
        (
            IN_ACME,
            "UpdateUserAddRoles",
            {"loginId": "a", "roleNames": ["Editor"], "tenantId": "acme"},
            "allow",
        ),
        (IN_ACME, "UpdateUserAddRoles", {"loginId": "a", "roleNames": ["Editor"]}, "confirm"),
        (INSIDE, "SendPasswordReset", {"loginId": "a@acme.test"}, "allow"),
        (
            INSIDE,
            "CreateUser",
            {"loginId": "a@acme.test", "email": "e@evil.test", "sendMail": True},
            "confirm",
        ),
        (
            INSIDE,
            "CreateUser",
            {"loginId": "a@acme.test", "email": "e@evil.test,a@acme.test", "sendMail": True},
            "confirm",
        ),
        (
            INSIDE,
            "CreateUser",
            {"loginId": "a@acme.test", "additionalIdentifiers": ["e@evil.test"]},
            "confirm",
        ),
        (ONE_CLAIM, "GenerateJWTSignIn", {"loginId": "a", "customClaims": {"plan": 1}}, "allow"),
        (
            ONE_CLAIM,
            "GenerateJWTSignIn",
            {"loginId": "a", "customClaims": {"plan": 1, "roles": ["Owner"]}},
            "confirm",
        ),
        (
            OWN_HOSTS,
            "CreateSSOOIDCApplication",
            {"name": "a", "loginPageUrl": "https://login.acme.test/x"},
            "allow",
        ),
        (
            OWN_HOSTS,
            "CreateSSOOIDCApplication",
            {
                "name": "a",
                "loginPageUrl": "https://login.acme.test/x",
                "backChannelLogoutUrl": "https://evil.test/.acme.test",
            },
            "confirm",
        ),
        (
            OWN_HOSTS,
            "CreateSSOOIDCApplication",
            {"name": "a", "loginPageUrl": "https://evil.test\\@login.acme.test"},
            "confirm",
        ),
        (
            OWN_HOSTS,
            "CreateMcpServer",
            {"name": "a", "approvedCallbackUrls": ["https://x.acme.test", "https://evil.test"]},
            "confirm",
        ),
        (EDITORS, "UpdateUserAddRoles", {"loginId": "a", "roleNames": ["Editor"]}, "allow"),
        (
            EDITORS,
            "UpdateRole",
            {"id": "R1", "name": "Editor", "newName": "Viewer", "permissionNames": ["p"]},
            "confirm",
        ),
        # What restricts takes hold of any of several, however it is written.
        (
            'hosts = "evil.test"\ndecision = "deny"',
            "CreateMcpServer",
            {"name": "a", "approvedCallbackUrls": ["https://app.example.com", "https://EVIL.test"]},
            "deny",
        ),
        (
            'hosts = "evil.test"\ndecision = "deny"',
            "AuthorizeOAuth",
            {"provider": "google", "redirectUrl": "https://app.example.com\\@evil.test"},
            "deny",
        ),
        (
            'tenants = "globex"\ndecision = "deny"',
            "UserSigninOtpEmail",
            {"loginId": "a", "loginOptions": {"tenantId": "GLOBEX"}},
            "deny",
        ),
        (
            'tenants = "globex"\ndecision = "deny"',
            "ExchangeAccessKey",
            {"loginOptions": {"customClaims": {"tenants": {"globex": {}}}}},
            "deny",
        ),
        ('tenants = "globex"\ndecision = "deny"', "DeleteTenant", {"id": "globex"}, "deny"),
        (
            'recipients = "*@evil.test"\ndecision = "deny"',
            "UpdateUserEmail",
            {"loginId": "a", "email": "e@evil.test", "verified": True},
            "deny",
        ),
        (
            'permissions = "Impersonate"\ndecision = "deny"',
            "CreateRole",
            {"name": "Helper", "permissionNames": ["impersonate"]},
            "deny",
        ),
        (
            'permissions = "Impersonate"\ndecision = "deny"',
            "Anonymous",
            {"customClaims": {"permissions": ["Impersonate"]}},
            "deny",
        ),
    ],
)
def test_a_rule_by_meaning(
    catalog: Catalog, rule: str, operation: str, arguments: dict[str, Any], expected: str
) -> None:
    assert action(catalog, rule, operation, arguments) == expected


def test_a_meaning_that_the_operations_do_not_have_is_an_error(catalog: Catalog) -> None:
    rule = '[[rule]]\noperation = "DeleteUser"\nroles = "a"\ndecision = "deny"'
    with pytest.raises(PolicyError, match=r"p.toml:3: no operation of this rule takes roles"):
        parse("p.toml", rule, catalog)


def test_a_rule_that_a_wider_one_hides_is_an_error(catalog: Catalog) -> None:
    rules = 'decision = "deny"\nroles = "a"\n[[rule]]\ndecision = "deny"\nroles = "a"'
    with pytest.raises(PolicyError, match="never decides"):
        action(catalog, rules, "DeleteRole", {"name": "a"})
    other = 'decision = "deny"\nroles = "a"\n[[rule]]\ndecision = "deny"\nroles = "b"'
    assert action(catalog, other, "DeleteRole", {"name": "b"}) == "deny"


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("*@acme.test", "ada@acme.test", True),
        ("*@acme.test", "eve@evil.test,ada@acme.test", False),
        ("*@acme.test", "eve@evil.test ada@acme.test", False),
        ("*@acme.test", "eve@evil.test\nada@acme.test", False),
        ("*@acme.test", "eve,ada@acme.test", False),
        ("*@acme.test", "eve\nada@acme.test", False),
        ("*@acme.test", "ada@acme.test\n", False),
        ("*@acme.test", "eve;ada@acme.test", False),
        ("*@acme.test", "Eve <eve@acme.test", False),
        ("*@acme.test", "eve\u2028ada@acme.test", False),
        ("*@acme.test", "eve\u200bada@acme.test", False),
        ("*@acme.test", "e/a@acme.test", False),
        ("a?b", "a@b", False),
        ("a[!x]b", "a,b", False),
        ("a[!x]b", "ayb", True),
        ("a[!x]b", "axb", False),
        ("a[@,]b", "a,b", True),
        ("a[a-c]*", "abz", True),
        ("[[]x]", "[x]", True),
        ("[]]x", "]x", True),
        ("a.b+c", "a.b+c", True),
        ("a.b", "axb", False),
        ("Support *", "Support Editor", True),
        ("Support*", "Support Editor", False),
        ("*", "", True),
    ],
)
def test_what_allows_does_not_stretch_over_separators(pattern: str, text: str, fits: bool) -> None:
    assert glob.fits(text, pattern) is fits
    assert glob.resembles(text, pattern) or not fits


def test_what_restricts_does() -> None:
    assert glob.resembles("eve@evil.test, ADMIN@acme.test ", "*admin@acme.test")
    assert glob.resembles("Tenant Admin", "*admin*")


@pytest.mark.parametrize(
    "options", [{"customClaims": {"roles": ["Owner"]}}, {"tenantId": "globex"}]
)
@pytest.mark.parametrize(
    "operation",
    ["GenerateOTPForTestUser", "GenerateMagicLinkForTestUser", "GenerateEnchantedLinkForTestUser"],
)
def test_no_test_user_becomes_somebody_unasked(
    catalog: Catalog, operation: str, options: dict[str, Any]
) -> None:
    """In the policy under which test users and their codes need no question."""
    one = catalog[operation]
    policy = Policy(rules=read("ide-agent", catalog)[0])
    needed: dict[str, Any] = {"loginId": "t"}
    if "deliveryMethod" in one.input_schema["properties"]:
        needed["deliveryMethod"] = "email"
    for given, expected in (({}, "allow"), ({"loginOptions": options}, "confirm")):
        call = check(one, {**needed, **given})
        made = decide(one, call, STDIO, "P1", assess(one, call, HOSTS), policy)
        assert made.action == expected or (given and made.action == "deny"), call
