"""Rules about the caller: what its token says, and what stands for it in a pattern."""

from __future__ import annotations

from typing import Any

import pytest

from descope_mcp.catalog.arguments.validation import check
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.caller import STDIO, Caller
from descope_mcp.guard.policy.decision import Decision, Policy, decide
from descope_mcp.guard.policy.file import PolicyError, parse
from descope_mcp.guard.policy.risk import assess

PROJECT = "P2abcdefghijklmnopqrstuvwxyz"
SUPPORT = Caller("acme:U1", "https://chat.example/client", None, {"roles": ("support", "staff")})
ADMIN = Caller("acme:U2", "C2", None, {"roles": ("Admin",), "tenant": ("acme",)})
NESTED = {"tenant": ("{caller.subject}",), "subject": ("acme",)}
NOBODY = Caller("acme:U3", "C2", None, {"roles": (), "tenant": ()})

TEAM = """
[[rule]]
operation = "DeleteUser"
who = { roles = "Admin" }
decision = "allow"

[[rule]]
operation = "DeleteUser"
who = { roles = ["support", "intern*"] }
decision = "deny"
reason = "Support may disable users, only administrators delete them."

[[rule]]
operation = "CreateUser"
tenants = "{caller.tenant}"
decision = "allow"

[[rule]]
operation = "CreateUser"
hazard = "account_takeover"
decision = "deny"
"""


def _decide(
    catalog: Catalog, text: str, caller: Caller, operation: str, arguments: dict[str, Any]
) -> Decision:
    one = catalog[operation]
    checked = check(one, arguments)
    policy = Policy(rules=parse("p.toml", text, catalog)[0])
    return decide(one, checked, caller, PROJECT, assess(one, checked, frozenset()), policy)


def _in(*tenants: str) -> dict[str, Any]:
    members = [{"tenantId": tenant, "roleNames": ["Reader"]} for tenant in tenants]
    return {"loginId": "a", "email": "a@b.test", "userTenants": members}


@pytest.mark.parametrize(
    ("caller", "action"),
    [
        (ADMIN, "allow"),
        (SUPPORT, "deny"),
        (Caller("x:1", claims={"roles": ("admin",)}), "confirm"),  # not as it is spelled
        (Caller("x:1", claims={"roles": ("SUPPORT",)}), "deny"),
        (Caller("x:1", claims={"roles": ("Admin", "support")}), "allow"),
        (NOBODY, "confirm"),  # has no role, and that is known
        (Caller("x:1"), "deny"),  # may have any: nothing is known of it
        (STDIO, "deny"),
    ],
)
def test_roles_of_the_caller(catalog: Catalog, caller: Caller, action: str) -> None:
    assert _decide(catalog, TEAM, caller, "DeleteUser", {"loginId": "a"}).action == action


@pytest.mark.parametrize(
    ("caller", "tenants", "action"),
    [
        (ADMIN, ["acme"], "allow"),
        (ADMIN, ["acme", "other"], "deny"),
        (ADMIN, ["ACME"], "deny"),
        (NOBODY, ["acme"], "deny"),
        (STDIO, ["acme"], "deny"),
        (Caller("x:1", claims={"tenant": ("*",)}), ["acme"], "deny"),  # a value is no pattern
        (Caller("x:1", claims=NESTED), ["acme"], "deny"),  # and nothing to fill in
        (Caller("x:1", claims={"tenant": ("a", "b")}), ["a", "b"], "allow"),
    ],
)  # fmt: skip
def test_only_in_the_callers_own_tenant(
    catalog: Catalog, caller: Caller, tenants: list[str], action: str
) -> None:
    assert _decide(catalog, TEAM, caller, "CreateUser", _in(*tenants)).action == action


@pytest.mark.parametrize(
    ("caller", "action"),
    [(ADMIN, "deny"), (Caller("x:1", claims={"tenant": ("b",)}), "confirm"), (NOBODY, "deny")],
)
def test_a_rule_that_restricts_takes_a_tenant_that_is_not_known_for_any(
    catalog: Catalog, caller: Caller, action: str
) -> None:
    rule = '[[rule]]\noperation = "CreateUser"\ntenants = "{caller.tenant}"\ndecision = "deny"'
    assert _decide(catalog, rule, caller, "CreateUser", _in("acme")).action == action


@pytest.mark.parametrize(
    ("caller", "action"), [(ADMIN, "confirm"), (NOBODY, "deny"), (STDIO, "deny")]
)
def test_a_rule_that_asks_in_doubt_is_no_way_around_one_that_denies(
    catalog: Catalog, caller: Caller, action: str
) -> None:
    rules = (
        '[[rule]]\noperation = "*User"\nwho = { roles = "Admin" }\ndecision = "confirm"\n'
        '[[rule]]\noperation = "DeleteUser"\ndecision = "deny"'
    )
    assert _decide(catalog, rules, caller, "DeleteUser", {"loginId": "a"}).action == action
    # Where nothing denies, it asks.
    asked = _decide(catalog, rules, caller, "CreateUser", {"loginId": "a"}).action
    assert asked == ("allow" if caller is NOBODY else "confirm")


def test_the_client_and_the_scopes_are_compared_like_claims(catalog: Catalog) -> None:
    rule = (
        '[[rule]]\noperation = "DeleteUser"\ndecision = "allow"\n'
        'who = { client = "https://chat.example/*", scopes = "descope:destructive" }'
    )
    wide = Caller("a:1", "https://chat.example/client", frozenset({"descope:destructive"}))
    for caller, action in ((wide, "allow"), (SUPPORT, "confirm"), (STDIO, "confirm")):
        assert _decide(catalog, rule, caller, "DeleteUser", {"loginId": "a"}).action == action


@pytest.mark.parametrize(
    ("scopes", "operation", "arguments", "rule"),
    [
        (None, "DeleteUser", {"loginId": "a"}, "destructive"),
        ((), "LoadUser", {"loginId": "a"}, "scope"),
        (("openid", "descope"), "LoadUser", {"loginId": "a"}, "scope"),
        (("descope:read",), "LoadUser", {"loginId": "a"}, "read"),
        (("descope:read",), "CreateUser", {"loginId": "a"}, "scope"),
        (("descope:write",), "LoadUser", {"loginId": "a"}, "read"),
        (("descope:write",), "DeleteUser", {"loginId": "a"}, "scope"),
        (("descope:destructive",), "DeleteUser", {"loginId": "a"}, "destructive"),
        (("descope:read", "descope:toolset:tenants"), "LoadUser", {"loginId": "a"}, "scope"),
        (("descope:read", "descope:toolset:users"), "LoadUser", {"loginId": "a"}, "read"),
        (("descope:toolset:users",), "LoadUser", {"loginId": "a"}, "scope"),
    ],
)
def test_no_rule_lifts_what_the_scopes_do_not_cover(
    catalog: Catalog,
    scopes: tuple[str, ...] | None,
    operation: str,
    arguments: dict[str, Any],
    rule: str,
) -> None:
    caller = Caller("a:1", scopes=None if scopes is None else frozenset(scopes))
    assert _decide(catalog, "", caller, operation, arguments).rule == rule
    generous = f'[[rule]]\noperation = "{operation}"\ndecision = "allow"\nreason = "so"'
    decision = _decide(catalog, generous, caller, operation, arguments)
    assert (decision.action == "deny") == (rule == "scope")


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ('who = { Roles = "a" }', "Roles is not the name of a claim"),
        ('who = { roles = "{caller.roles}" }', "only arguments, target and what is meant"),
        ('caller = "{caller.subject}"', "only arguments, target and what is meant"),
        ('arguments = { loginId = "{caller.Email}" }', "write {caller.tenant}"),
        ('arguments = { loginId = "{caller}" }', "write {caller.tenant}"),
        ('who = "support"', "who"),
    ],
)
def test_what_cannot_be_said_of_a_caller(catalog: Catalog, rule: str, told: str) -> None:
    text = f'[[rule]]\noperation = "DeleteUser"\ndecision = "deny"\n{rule}'
    with pytest.raises(PolicyError, match=r"p\.toml:4: ") as raised:
        parse("p.toml", text, catalog)
    assert told in str(raised.value)
