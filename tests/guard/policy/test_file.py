"""Policy files: what they mean, what they cannot say, and what does not slip past them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from descope_mcp.catalog.arguments.validation import check
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.operation_record.effect import EFFECTS
from descope_mcp.guard.caller import STDIO, Caller
from descope_mcp.guard.policy.decision import Decision, Policy, decide, worst
from descope_mcp.guard.policy.file import PolicyError, parse, read, ready_made
from descope_mcp.guard.policy.risk import Risk, assess

PROJECT = "P2abcdefghijklmnopqrstuvwxyz"


def _policy(catalog: Catalog, *rules: str, top: str = "") -> Policy:
    text = "\n".join([top, *(f"[[rule]]\n{rule}" for rule in rules)])
    found, production = parse("p.toml", text, catalog)
    return Policy(rules=found, production=production)


def _decide(
    catalog: Catalog,
    policy: Policy,
    operation: str,
    arguments: dict[str, Any],
    caller: str = "stdio",
    project: str = PROJECT,
) -> Decision:
    one = catalog[operation]
    checked = check(one, arguments)
    risk = assess(one, checked, frozenset())
    return decide(one, checked, Caller(caller), project, risk, policy)


def _action(catalog: Catalog, rule: str, operation: str, arguments: dict[str, Any]) -> str:
    return _decide(catalog, _policy(catalog, rule), operation, arguments).action


ALLOW_ACME = 'operation = "DeleteUser"\ndecision = "allow"\narguments = { loginId = "*@acme.test" }'
DENY_ADMIN = 'operation = "DeleteUser"\ndecision = "deny"\narguments = { loginId = "admin@*" }'
ALLOW_ROLE = 'operation = "DeleteRole"\ndecision = "allow"\narguments = { name = "test-*" }'
DENY_OWNER = 'operation = "DeleteRole"\ndecision = "deny"\narguments = { name = "Owner" }'
ALLOW_TENANT = (
    'operation = "CreateUsers"\ndecision = "allow"\n'
    'arguments = { "users[].userTenants[].tenantId" = "acme", "users[].email" = "*@acme.test" }'
)
DENY_TENANT = (
    'operation = "CreateUsers"\ndecision = "deny"\n'
    'arguments = { "users[].userTenants[].tenantId" = "root" }'
)
DENY_ROLE = (
    'operation = "*User*"\ndecision = "deny"\narguments = { roleNames = ["Admin*", "Owner"] }'
)


def _in(tenant: str, email: str = "a@acme.test") -> dict[str, Any]:
    return {"loginId": "a", "email": email, "userTenants": [{"tenantId": tenant}]}


@pytest.mark.parametrize(
    ("rule", "operation", "arguments", "action"),
    [
        # A rule that allows: every value, exactly, and nothing else that could be the target.
        (ALLOW_ACME, "DeleteUser", {"loginId": "ada@acme.test"}, "allow"),
        (ALLOW_ACME, "DeleteUser", {"loginId": "ada@ACME.test"}, "confirm"),
        (ALLOW_ACME, "DeleteUser", {"loginId": "ada@acme.test "}, "confirm"),
        (ALLOW_ACME, "DeleteUser", {"loginId": "ada@acme.test.evil"}, "confirm"),
        (ALLOW_ACME, "DeleteUser", {"userId": "U1"}, "confirm"),
        (ALLOW_ROLE, "DeleteRole", {"name": "test-a"}, "allow"),
        (ALLOW_ROLE, "DeleteRole", {"name": "test-a", "id": "R1"}, "confirm"),
        (ALLOW_ROLE, "DeleteRole", {"name": "test-a", "id": ""}, "allow"),
        (ALLOW_ACME, "DeleteUser", {"loginId": None, "userId": "U1"}, "confirm"),
        (ALLOW_TENANT, "CreateUsers", {"users": [_in("acme"), _in("acme")]}, "allow"),
        (ALLOW_TENANT, "CreateUsers", {"users": [_in("acme"), _in("root")]}, "confirm"),
        (ALLOW_TENANT, "CreateUsers", {"users": [_in("acme"), _in("acme", "e@evil")]}, "confirm"),
        (ALLOW_TENANT, "CreateUsers", {"users": [_in("acme"), {"loginId": "b"}]}, "confirm"),
        (
            ALLOW_TENANT,
            "CreateUsers",
            {"users": [_in("acme"), {**_in("acme"), "userTenants": [], "roleNames": ["Admin"]}]},
            "confirm",
        ),
        (ALLOW_TENANT, "CreateUsers", {"users": f"[{_in('root')}]".replace("'", '"')}, "confirm"),
        # A rule that denies: any value, however it is spelled, or a target that it cannot see.
        (DENY_ADMIN, "DeleteUser", {"loginId": "admin@acme.test"}, "deny"),
        (DENY_ADMIN, "DeleteUser", {"loginId": "Admin@acme.test"}, "deny"),
        (DENY_ADMIN, "DeleteUser", {"loginId": " admin@acme.test"}, "deny"),
        (DENY_ADMIN, "DeleteUser", {"loginId": "ａｄｍｉｎ@acme.test"}, "deny"),  # noqa: RUF001
        (DENY_ADMIN, "DeleteUser", {"loginId": "ada@acme.test"}, "confirm"),
        (DENY_ADMIN, "DeleteUser", {"userId": "U1"}, "deny"),
        (DENY_OWNER, "DeleteRole", {"name": "Editor"}, "confirm"),
        (DENY_OWNER, "DeleteRole", {"name": "Editor", "id": "R1"}, "deny"),
        (DENY_TENANT, "CreateUsers", {"users": [_in("acme"), _in("root")]}, "deny"),
        (DENY_TENANT, "CreateUsers", {"users": [_in("acme"), _in("Root")]}, "deny"),
        (DENY_TENANT, "CreateUsers", {"users": f"[{_in('root')}]".replace("'", '"')}, "deny"),
        (DENY_TENANT, "CreateUsers", {"users": [{"loginId": "a"}]}, "allow"),
        (DENY_ROLE, "CreateUser", {"loginId": "a", "roleNames": ["Editor", "owner"]}, "deny"),
        (DENY_ROLE, "UpdateUserAddRoles", {"loginId": "a", "roleNames": ["ADMINS"]}, "deny"),
        (DENY_ROLE, "UpdateUserAddRoles", {"loginId": "a", "roleNames": ["Editor"]}, "confirm"),
        (DENY_ROLE, "CreateUser", {"loginId": "a", "roleNames": []}, "allow"),
        (DENY_ROLE, "CreateUser", {"loginId": "a", "roleNames": None}, "allow"),
        # Truth and numbers are written as they are.
        (
            'operation = "DeleteTenant"\ndecision = "deny"\narguments = { cascade = true }',
            "DeleteTenant",
            {"id": "acme", "cascade": True},
            "deny",
        ),
        (
            'operation = "DeleteTenant"\ndecision = "deny"\narguments.cascade = "true"',
            "DeleteTenant",
            {"id": "acme", "cascade": False},
            "confirm",
        ),
        # A path into a table may stand unquoted, and into what has no fixed fields.
        (
            'operation = "PatchUser"\ndecision = "deny"\narguments.customAttributes.plan = "gold"',
            "PatchUser",
            {"loginId": "a", "customAttributes": {"plan": "Gold"}},
            "deny",
        ),
        (
            'operation = "PatchUser"\ndecision = "deny"\narguments.customAttributes = "gold"',
            "PatchUser",
            {"loginId": "a", "customAttributes": {"deep": {"plan": ["gold"]}}},
            "deny",
        ),
        (
            'operation = "PatchUser"\ndecision = "allow"\narguments.customAttributes = "*"',
            "PatchUser",
            {"loginId": "a", "customAttributes": {"plan": ""}},
            "confirm",
        ),
    ],
)
def test_no_shape_of_the_arguments_slips_past(
    catalog: Catalog, rule: str, operation: str, arguments: dict[str, Any], action: str
) -> None:
    assert _action(catalog, rule, operation, arguments) == action


@pytest.mark.parametrize(
    ("rule", "operation", "arguments", "action"),
    [
        ('operation = "DeleteUser"\ndecision = "allow"', "DeleteUser", {"loginId": "a"}, "allow"),
        ('operation = "Delete*"\ndecision = "deny"', "DeleteTenant", {"id": "a"}, "deny"),
        ('toolset = "tenants"\ndecision = "deny"', "LoadTenant", {"id": "a"}, "deny"),
        ('toolset = "tenants"\ndecision = "deny"', "LoadUser", {"loginId": "a"}, "allow"),
        # By a pattern or a toolset, only what is spelled out is allowed.
        ('toolset = "tenants"\ndecision = "allow"', "DeleteTenant", {"id": "a"}, "confirm"),
        (
            'toolset = "tenants"\neffect = "destructive"\ndecision = "allow"',
            "DeleteTenant",
            {"id": "a"},
            "allow",
        ),
        (
            'toolset = "users"\neffect = "destructive"\ndecision = "allow"',
            "UpdateUserSetRoles",
            {"loginId": "a", "roleNames": ["Admin"]},
            "confirm",
        ),
        (
            'operation = "UpdateUserSet*"\neffect = "destructive"\nhazard = "account_takeover"\n'
            'decision = "allow"',
            "UpdateUserSetRoles",
            {"loginId": "a", "roleNames": ["Admin"]},
            "allow",
        ),
        # The whole project, only where the rule says so.
        (
            'operation = "DeleteTenant"\ndecision = "allow"',
            "DeleteTenant",
            {"id": "a", "cascade": True},
            "confirm",
        ),
        (
            'operation = "DeleteTenant"\nhazard = "project_wide"\ndecision = "allow"',
            "DeleteTenant",
            {"id": "a", "cascade": True},
            "allow",
        ),
        # `hazard` in a rule that allows is all that the call may have.
        (
            'operation = "PatchUser"\nhazard = "sends_message"\ndecision = "allow"',
            "PatchUser",
            {"loginId": "a", "roleNames": ["Admin"]},
            "confirm",
        ),
        ('effect = "write"\ndecision = "confirm"', "CreateTenant", {"name": "a"}, "confirm"),
        ('effect = "write"\ndecision = "confirm"', "LoadTenant", {"id": "a"}, "allow"),
        # A relaxed call is what it is, not what its operation is at worst.
        (
            'effect = "destructive"\ndecision = "deny"',
            "PatchUser",
            {"loginId": "a", "name": "A"},
            "allow",
        ),
    ],
)
def test_what_a_rule_matches(
    catalog: Catalog, rule: str, operation: str, arguments: dict[str, Any], action: str
) -> None:
    assert _action(catalog, rule, operation, arguments) == action


def test_the_first_rule_that_matches_decides(catalog: Catalog) -> None:
    policy = _policy(
        catalog,
        ALLOW_ACME,
        'operation = "DeleteUser"\ndecision = "deny"\nreason = "Only our own."',
    )
    allowed = _decide(catalog, policy, "DeleteUser", {"loginId": "a@acme.test"})
    denied = _decide(catalog, policy, "DeleteUser", {"loginId": "a@evil.test"})
    default = _decide(catalog, policy, "DeleteTenant", {"id": "acme"})
    assert (allowed.action, allowed.rule) == ("allow", "p.toml:2")
    assert (denied.action, denied.rule, denied.reason) == ("deny", "p.toml:6", "Only our own.")
    assert (default.action, default.rule) == ("confirm", "destructive")


def test_a_rule_that_asks_keeps_the_name_to_be_typed(catalog: Catalog) -> None:
    policy = _policy(catalog, 'operation = "Delete*"\ndecision = "confirm"')
    assert not _decide(catalog, policy, "DeleteTenant", {"id": "a"}).typed
    assert _decide(catalog, policy, "DeleteTenant", {"id": "a", "cascade": True}).typed


@pytest.mark.parametrize(
    ("caller", "allow", "deny"),
    [("bot-1", "allow", "deny"), ("BOT-1", "confirm", "deny"), ("ada", "confirm", "confirm")],
)
def test_a_rule_for_some_callers(catalog: Catalog, caller: str, allow: str, deny: str) -> None:
    for decision, wanted in (("allow", allow), ("deny", deny)):
        rule = f'operation = "DeleteUser"\ncaller = "bot-*"\ndecision = "{decision}"'
        got = _decide(catalog, _policy(catalog, rule), "DeleteUser", {"loginId": "a"}, caller)
        assert got.action == wanted


def test_a_rule_for_a_project_counts_every_project_that_is_named(catalog: Catalog) -> None:
    call = ("RegisterMcpServerClient", {"projectId": "P2other", "mcpServerId": "M1"})
    for decision, wanted in (("allow", "confirm"), ("deny", "deny")):
        rule = f'operation = "{call[0]}"\nproject = "P2abc*"\ndecision = "{decision}"'
        policy = _policy(catalog, rule, 'operation = "RegisterMcp*"\ndecision = "confirm"')
        assert _decide(catalog, policy, *call).action == wanted


def test_an_unknown_project_is_as_good_as_any(catalog: Catalog) -> None:
    for decision, wanted in (("allow", "confirm"), ("deny", "deny")):
        rule = f'operation = "DeleteUser"\nproject = "P2abc*"\ndecision = "{decision}"'
        call = ("DeleteUser", {"loginId": "a"})
        assert _decide(catalog, _policy(catalog, rule), *call, project="").action == wanted


def test_marked_projects_are_production(catalog: Catalog) -> None:
    policy = _policy(
        catalog,
        'operation = "DeleteTenant"\nhazard = "project_wide"\ndecision = "allow"',
        top=f'production = ["{PROJECT}"]',
    )
    call = ("DeleteTenant", {"id": "a", "cascade": True})
    assert _decide(catalog, policy, *call).rule == "production"
    assert _decide(catalog, policy, *call, project="P2zzz").action == "allow"


def test_caps_are_told(catalog: Catalog) -> None:
    rule = 'operation = "DeleteUser"\ndecision = "allow"\ncalls = 20\nitems = 100\nper = "2h"'
    cap = _decide(catalog, _policy(catalog, rule), "DeleteUser", {"loginId": "a"}).cap
    moved = _policy(catalog, 'operation = "LoadUser"\ndecision = "deny"', f"# moved\n{rule}")
    raised = _policy(catalog, rule.replace("20", "30"))
    assert cap
    assert (cap.calls, cap.items, cap.seconds) == (20, 100, 7200)
    assert [p.rules[-1].cap and p.rules[-1].cap.rule for p in (moved, raised)] == [cap.rule] * 2


def test_old_names_still_count(catalog: Catalog) -> None:
    old, new = next(iter(catalog.old_names.items()))
    assert _policy(catalog, f'operation = "{old}"\ndecision = "deny"').rules[0].operations == {new}


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("[[rule]\n", 1, "TOML"),
        ('[[rule]]\ndecision = "allow', 2, "TOML"),
        ('rules = 1\n[[rule]]\ndecision = "deny"', 1, "did you mean rule?"),
        ('[[rule]]\ndecision = "deny"\noperatoin = "LoadUser"', 3, "did you mean operation?"),
        ('[[rule]]\noperation = "LoadUser"', 1, "decision is missing"),
        ('[[rule]]\ndecision = "maybe"', 2, "'allow', 'confirm' or 'deny'"),
        ('[[rule]]\ndecision = "deny"\noperation = "DeletUser"', 3, "did you mean DeleteUser"),
        ('[[rule]]\ndecision = "deny"\noperation = "deleteUser"', 3, "did you mean DeleteUser"),
        ('[[rule]]\ndecision = "deny"\noperation = "Nope*"', 3, "no operation Nope*"),
        ('[[rule]]\ndecision = "deny"\noperation = []', 3, "operation"),
        ('[[rule]]\ndecision = "deny"\noperation = ""', 3, "write a text"),
        ('[[rule]]\ndecision = "deny"\noperation = [["LoadUser"]]', 3, "write a text"),
        ('[[rule]]\ndecision = "deny"\ntoolset = "usres"', 3, "there are access-keys"),
        ('[[rule]]\ndecision = "deny"\neffect = "bad"', 3, "effect: write 'read', 'write'"),
        ('[[rule]]\ndecision = "deny"\nhazard = ["bulk", "bad"]', 3, "hazard: write 'bulk'"),
        ('[[rule]]\ndecision = "deny"\ncaller = "bot-[a"', 3, "close the bracket"),
        (
            '[[rule]]\ndecision = "deny"\noperation = "DeleteUser"\n[rule.arguments]\nlogin = "a"',
            5,
            "did you mean loginId",
        ),
        (
            '[[rule]]\ndecision = "deny"\noperation = "CreateUsers"\n'
            'arguments = { "users.email" = "a" }',
            4,
            "did you mean users[].email",
        ),
        (
            '[[rule]]\ndecision = "deny"\noperation = "DeleteUser"\narguments = { loginId = 1.5 }',
            4,
            "write a text",
        ),
        ('[[rule]]\ndecision = "allow"\neffect = "destructive"', 2, "must name its operations"),
        ('[[rule]]\ndecision = "allow"\noperation = "*"', 3, "names no operations"),
        ('[[rule]]\ndecision = "allow"\noperation = "[A-Z]*"', 3, "names no operations"),
        ('[[rule]]\ndecision = "allow"\noperation = "NoPublishRotate"', 3, "is blocked"),
        ('[[rule]]\ndecision = "deny"\nhazard = "blocked"', 3, "always denied"),
        ('[[rule]]\ndecision = "allow"\noperation = "DeleteAllTest*"', 2, "nothing is allowed"),
        ('[[rule]]\ndecision = "allow"\noperation = "DeleteAllTestUsers"', 2, "project_wide"),
        (
            '[[rule]]\ndecision = "deny"\noperation = "LoadUser"\neffect = "write"',
            2,
            "correct effect or hazard",
        ),
        (
            '[[rule]]\ndecision = "deny"\noperation = "LoadUser"\ntoolset = "tenants"',
            4,
            "none of these operations",
        ),
        ('[[rule]]\ndecision = "confirm"\neffect = "write"\ncalls = 3', 1, "need a time"),
        ('[[rule]]\ndecision = "confirm"\neffect = "write"\nper = "1h"', 4, "need a time"),
        ('[[rule]]\ndecision = "confirm"\ncalls = 3\nper = "1 hour"', 4, "15m"),
        ('[[rule]]\ndecision = "confirm"\ncalls = 3\nper = "0h"', 4, "15m"),
        ('[[rule]]\ndecision = "confirm"\ncalls = 0\nper = "1h"', 3, "greater than or equal to 1"),
        ('[[rule]]\ndecision = "confirm"\ncalls = true\nper = "1h"', 3, "valid integer"),
        ('[[rule]]\ndecision = "deny"\ncalls = 3\nper = "1h"', 4, "drop calls"),
        ('[[rule]]\ndecision = "deny"\nreason = "a\\nb"', 3, "one line"),
        ('production = ["prod"]', 1, "not a project id"),
        ('production = "P2abcdefghijklmnopqrstuvwxyz"', 1, "production"),
        ('rule = [{ decision = "deny" }]', 1, "head each with [[rule]]"),
        ('[rule]\ndecision = "deny"', 1, "head each with [[rule]]"),
        (
            '[[rule]]\ndecision = "deny"\ntoolset = "users"\n'
            '[[rule]]\ndecision = "allow"\noperation = "DeleteUser"',
            4,
            "p.toml:1 does first",
        ),
        (
            '[[rule]]\ndecision = "allow"\noperation = "DeleteUser"\n'
            '[[rule]]\ndecision = "deny"\noperation = "DeleteUser"\ncaller = "bot"',
            4,
            "p.toml:1 does first",
        ),
        (
            '[[rule]]\ndecision = "deny"\neffect = "destructive"\n'
            '[[rule]]\ndecision = "allow"\noperation = "DeleteTenant"',
            4,
            "p.toml:1 does first",
        ),
        (
            '[[rule]]\ndecision = "deny"\ncaller = "bot"\n'
            '[[rule]]\ndecision = "confirm"\ncaller = "bot"\neffect = "write"',
            4,
            "p.toml:1 does first",
        ),
    ],
)
def test_a_wrong_file_is_refused_with_its_place(
    catalog: Catalog, text: str, line: int, said: str
) -> None:
    with pytest.raises(PolicyError) as caught:
        parse("p.toml", text, catalog)
    (problem,) = str(caught.value).splitlines()
    assert problem.startswith(f"p.toml:{line}: ")
    assert said in problem


def test_every_problem_is_told(catalog: Catalog) -> None:
    text = '[[rule]]\ndecision = "deny"\noperation = "Nope"\n\n[[rule]]\ndecision = "allow"\n'
    with pytest.raises(PolicyError) as caught:
        parse("p.toml", text, catalog)
    places = [line.partition(": ")[0] for line in str(caught.value).splitlines()]
    assert places == ["p.toml:3", "p.toml:6"]


def test_rules_that_only_overlap_are_accepted(catalog: Catalog) -> None:
    """An exception before what it is an exception from, and conditions that differ."""
    policy = _policy(
        catalog,
        ALLOW_ACME,
        ALLOW_ACME.replace('"allow"', '"deny"'),
        'operation = "DeleteUser"\ncaller = "bot"\ndecision = "deny"',
        'operation = "DeleteUser"\ndecision = "confirm"',
        'toolset = "users"\neffect = "destructive"\ndecision = "deny"',
        'effect = "destructive"\ndecision = "deny"',
        'decision = "confirm"',
    )
    assert len(policy.rules) == 7


def test_files_that_cannot_be_read(catalog: Catalog, tmp_path: Path) -> None:
    (tmp_path / "deep.toml").write_text(f"x = {'[' * 20_000}")
    (tmp_path / "latin.toml").write_bytes(b"# \xe9\n")
    for name, said in (
        (str(tmp_path / "none.toml"), "no such file"),
        (str(tmp_path), "is a directory"),
        (str(tmp_path / "latin.toml"), "UTF-8"),
        (str(tmp_path / "deep.toml"), "levels deep"),
        ("ide-agnet", "no ready-made policy"),
    ):
        with pytest.raises(PolicyError, match=said):
            read(name, catalog)


@pytest.mark.parametrize(
    ("rule", "operation", "action"),
    [
        ('operation = "LoadUser"\ndecision = "deny"', "LoadUser", "deny"),
        ('effect = ["write", "destructive"]\ndecision = "deny"', "DeleteUser", "deny"),
        ('hazard = "project_wide"\ndecision = "deny"', "DeleteAllTestUsers", "deny"),
        # Some calls only: an argument, a caller, a hazard that not every call has.
        ('operation = "LoadUser"\ncaller = "bot"\ndecision = "deny"', "LoadUser", "allow"),
        ('hazard = "project_wide"\ndecision = "deny"', "DeleteTenant", "confirm"),
        (DENY_ADMIN, "DeleteUser", "confirm"),
        # Asked about or allowed whatever the arguments.
        ('operation = "LoadUser"\ndecision = "confirm"', "LoadUser", "confirm"),
        ('operation = "DeleteUser"\ndecision = "allow"', "DeleteUser", "allow"),
        ('operation = "DeleteTenant"\ndecision = "allow"', "DeleteTenant", "confirm"),
    ],
)
def test_what_an_operation_meets_at_worst(
    catalog: Catalog, rule: str, operation: str, action: str
) -> None:
    assert worst(catalog[operation], _policy(catalog, rule)).action == action


def test_an_exception_keeps_an_operation_from_being_denied_outright(catalog: Catalog) -> None:
    denied = 'operation = "DeleteUser"\ndecision = "deny"\nreason = "Not here."'
    one = catalog["DeleteUser"]
    assert worst(one, _policy(catalog, denied)).reason == "Not here."
    assert worst(one, _policy(catalog, ALLOW_ACME, denied)).action == "allow"
    assert worst(one, _policy(catalog, DENY_ADMIN, denied)).action == "deny"


NAMES = ["DeleteUser", "DeleteTenant", "PatchUser", "NoPublishRotate", "DeleteAllTestUsers"]
OPTIONAL = {
    "effect": st.sampled_from([f'"{effect}"' for effect in EFFECTS]),
    "hazard": st.sampled_from(['"account_takeover"', '["bulk", "project_wide"]', '"mints_secret"']),
    "caller": st.sampled_from(['"stdio"', '"*"', '"bot-*"']),
    "project": st.sampled_from(['"P2*"', '"*"']),
    "arguments": st.sampled_from(['{ loginId = "*" }', '{ id = "a*" }']),
}
RULES = st.builds(
    lambda target, decision, more: "\n".join(
        [target, f'decision = "{decision}"', *(f"{k} = {v}" for k, v in more.items())]
    ),
    st.sampled_from(
        [f'operation = "{n}"' for n in NAMES] + ['operation = "Delete*"', 'toolset = "users"', ""]
    ),
    st.sampled_from(["allow", "confirm", "deny"]),
    st.fixed_dictionaries({}, optional=OPTIONAL),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(
    rules=st.lists(RULES, min_size=1, max_size=4),
    name=st.sampled_from(NAMES),
    wide=st.booleans(),
    read_only=st.booleans(),
    production=st.booleans(),
)
def test_no_file_allows_what_nobody_may(
    catalog: Catalog, rules: list[str], name: str, wide: bool, read_only: bool, production: bool
) -> None:
    """Whatever a file says, it is refused or blocked, senseless and read-only calls stay denied."""
    kept: list[str] = []
    for rule in rules:
        try:
            _policy(catalog, *kept, rule)
        except PolicyError:
            continue
        kept.append(rule)
    found = _policy(catalog, *kept).rules
    marked = frozenset({PROJECT}) if production else frozenset[str]()
    policy = Policy(read_only=read_only, production=marked, rules=found)
    one = catalog[name]
    risk = Risk(one.worst_effect, (*one.worst_hazards, *(["project_wide"] if wide else [])))  # type: ignore[arg-type]
    for refusal in ("", "it makes no sense"):
        met = Risk(risk.effect, risk.hazards, refusal=refusal)
        decision = decide(one, {"loginId": "a", "id": "a"}, STDIO, PROJECT, met, policy)
        again = decide(one, {"loginId": "a", "id": "a"}, STDIO, PROJECT, met, policy)
        assert decision == again
        never = (
            "blocked" in met.hazards
            or refusal
            or (read_only and met.effect != "read")
            or (production and "project_wide" in met.hazards)
        )
        assert not never or (decision.action == "deny" and ":" not in decision.rule)
        if decision.action == "allow" and "project_wide" in met.hazards:
            assert any("project_wide" in r for r in kept if '"allow"' in r)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["acme", "root", "ACME", ""]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2)
    ),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(value=VALUES)
def test_a_value_is_allowed_only_whole_and_denied_in_any_part(catalog: Catalog, value: Any) -> None:
    """Unchecked on purpose: even a shape that the schema refuses must not be misread."""
    one = catalog["DeleteTenant"]
    risk = Risk("destructive", ())
    head = 'operation = "DeleteTenant"\narguments = { id = "acme" }\ndecision = '
    allow, deny = (_policy(catalog, f'{head}"{action}"') for action in ("allow", "deny"))
    allowed = decide(one, {"id": value}, STDIO, PROJECT, risk, allow).action == "allow"
    denied = decide(one, {"id": value}, STDIO, PROJECT, risk, deny).action == "deny"
    plain = _plain(value)
    assert allowed == (bool(plain) and all(p == "acme" for p in plain))
    assert denied or not any(isinstance(p, str) and p.lower() == "acme" for p in _deep(value))


def _plain(value: Any) -> list[Any]:
    """The elements of lists in lists; an empty one stands for itself."""
    if isinstance(value, list):
        return [p for item in value for p in _plain(item)] or [None]
    return [value]


def _deep(value: Any) -> list[Any]:
    if isinstance(value, (list, dict)):
        inner = value.values() if isinstance(value, dict) else value
        return [p for item in inner for p in _deep(item)]
    return [value]


READY = {
    "ide-agent": [
        ("SearchUsers", {"limit": 5}, "allow"),
        ("CreateTestUser", {"loginId": "t", "test": True}, "allow"),
        ("CreateTestUser", {"loginId": "t", "roleNames": ["Viewer"]}, "confirm"),
        ("CreateTestUser", {"loginId": "t", "roleNames": ["Tenant Admin"]}, "deny"),
        ("CreateTestUser", {"loginId": "t", "verifiedEmail": True}, "confirm"),
        ("CreateTestUser", {"loginId": "a@x.test", "email": "b@x.test"}, "confirm"),
        ("GenerateOTPForTestUser", {"loginId": "t", "deliveryMethod": "email"}, "allow"),
        ("DeleteAllTestUsers", {}, "confirm"),
        ("DeleteUser", {"loginId": "a"}, "confirm"),
        ("SendPasswordReset", {"loginId": "a"}, "confirm"),
        ("CreateRole", {"name": "Auditor"}, "allow"),
        ("DeleteProject", {}, "deny"),
        ("DeleteDescoper", {"id": "D1"}, "deny"),
        ("ListDescopers", {}, "allow"),
    ],
    "chat-admin": [
        ("SearchUsers", {"limit": 5}, "allow"),
        ("CreateUser", {"loginId": "a"}, "allow"),
        ("CreateUsers", {"users": [{"loginId": "a"}]}, "confirm"),
        ("DeleteUser", {"loginId": "a"}, "confirm"),
        ("DeleteTenant", {"id": "a", "cascade": True}, "confirm"),
        ("UpdateUserAddRoles", {"loginId": "a", "roleNames": ["r"]}, "confirm"),
        ("Impersonate", {"loginId": "a", "impersonatorId": "b"}, "deny"),
        ("EmbeddedLinkSignin", {"loginId": "a"}, "deny"),
        ("CreateAccessKey", {"name": "k", "customClaims": {"appRoles": ["x"]}}, "deny"),
        ("CreateAccessKey", {"name": "k", "customClaims": {"plan": "x"}}, "confirm"),
        ("ImportSnapshot", {"files": {}}, "deny"),
        ("DeleteManagementKeys", {"ids": ["K"]}, "deny"),
    ],
    "unattended-support": [
        ("LoadUser", {"loginId": "a"}, "allow"),
        ("SearchAudit", {"text": "a"}, "allow"),
        ("LogoutAllUserDevices", {"loginId": "a"}, "allow"),
        ("LogoutAllUserDevices", {"userId": "a"}, "allow"),
        ("ExpireUserPassword", {"loginId": "a"}, "allow"),
        ("UpdateUserStatus", {"loginId": "a", "status": "disabled"}, "allow"),
        ("UpdateUserStatus", {"loginId": "a", "status": "enabled"}, "deny"),
        ("SendPasswordReset", {"loginId": "a"}, "allow"),
        ("SendPasswordReset", {"loginId": "a", "redirectUrl": "https://evil.test"}, "deny"),
        ("PatchUser", {"loginId": "a", "name": "A"}, "allow"),
        ("PatchUser", {"loginId": "a", "roleNames": ["Admin"]}, "deny"),
        ("PatchUser", {"loginId": "a", "email": "e@evil.test"}, "deny"),
        ("SetUserTemporaryPassword", {"loginId": "a", "password": "x"}, "deny"),
        ("DeleteUser", {"loginId": "a"}, "deny"),
        ("CreateUser", {"loginId": "a"}, "deny"),
        ("GetUserProviderToken", {"loginId": "a", "provider": "google"}, "deny"),
    ],
}


def test_every_ready_made_policy_has_a_table() -> None:
    assert ready_made() == sorted(READY)


@pytest.mark.parametrize(
    ("name", "operation", "arguments", "action"),
    [(name, *row) for name, rows in READY.items() for row in rows],
)
def test_ready_made(
    catalog: Catalog, name: str, operation: str, arguments: dict[str, Any], action: str
) -> None:
    policy = Policy(rules=read(name, catalog)[0])
    assert _decide(catalog, policy, operation, arguments).action == action


def test_unattended_support_never_asks(catalog: Catalog) -> None:
    policy = Policy(rules=read("unattended-support", catalog)[0])
    for one in catalog.values():
        for effect in EFFECTS:
            risk = Risk(effect, one.worst_hazards)
            decision = decide(one, {}, STDIO, PROJECT, risk, policy)
            assert decision.action != "confirm", one.name


def test_every_call_a_ready_made_policy_allows_beyond_the_default_is_capped(
    catalog: Catalog,
) -> None:
    for name in ready_made():
        for rule in read(name, catalog)[0]:
            assert not rule.allows or (rule.cap and rule.cap.calls), rule.place


def test_the_example_of_the_guide_is_right(catalog: Catalog) -> None:
    page = (Path(__file__).parents[3] / "docs" / "policy.md").read_text(encoding="utf-8")
    example, callers, meanings, names = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    rules, production = parse("policy.toml", example, catalog)
    assert [rule.action for rule in rules] == ["allow", "deny", "deny"]
    assert production == {PROJECT}
    rules, _ = parse("policy.toml", callers, catalog)
    assert [rule.action for rule in rules] == ["confirm", "deny", "allow", "deny"]
    rules, _ = parse("policy.toml", meanings, catalog)
    assert [rule.action for rule in rules] == ["allow", "deny"]
    rules, _ = parse("policy.toml", names, catalog)
    assert [rule.action for rule in rules] == ["deny"]
