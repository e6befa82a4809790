"""Allow, ask or deny: the default policy, and what no rule of a file changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from descope_mcp.catalog.arguments.validation import check
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.operation_record.effect import EFFECTS
from descope_mcp.guard.caller import Caller
from descope_mcp.guard.policy.decision import (
    EVERY,
    Decision,
    Policy,
    decide,
    items,
    possible,
    worst,
)
from descope_mcp.guard.policy.file import PolicyError, applied, parse
from descope_mcp.guard.policy.risk import Risk
from descope_mcp.guard.policy.rule import PolicyRule
from tests.guard.build import operation
from tests.guard.build import rule as record_rule

FREE = Policy()
READ_ONLY = Policy(read_only=True)
PRODUCTION = Policy(production=frozenset({EVERY}))
CALLER, PROJECT = Caller("somebody"), "P2aProject"
ALLOWED = """[[rule]]
operation = "PatchUserBatch"
decision = "allow"
"""


def _decide(effect: Any, *hazards: Any, policy: Policy = FREE, **facts: Any) -> Decision:
    return decide(operation(**facts), {}, CALLER, PROJECT, Risk(effect, hazards), policy)


@pytest.mark.parametrize(
    ("effect", "hazards", "policy", "plane", "action", "rule"),
    [
        ("read", (), FREE, "management", "allow", "read"),
        ("write", (), FREE, "management", "allow", "write"),
        ("write", ("sends_message",), FREE, "management", "allow", "write"),
        ("write", ("bulk",), FREE, "management", "allow", "write"),
        ("destructive", (), FREE, "management", "confirm", "destructive"),
        ("destructive", (), FREE, "end_user", "confirm", "destructive"),
        ("read", ("account_takeover",), FREE, "end_user", "confirm", "account-takeover"),
        ("read", ("reveals_secret",), FREE, "management", "confirm", "reveals-secret"),
        ("write", ("forges_record",), FREE, "management", "confirm", "forges-record"),
        ("write", ("mints_secret",), FREE, "management", "confirm", "mints-secret"),
        ("write", ("mints_secret",), FREE, "scim", "confirm", "mints-secret"),
        ("write", ("mints_secret",), FREE, "end_user", "allow", "write"),
        ("destructive", ("mints_secret",), FREE, "end_user", "confirm", "destructive"),
        ("read", ("project_wide",), FREE, "management", "confirm", "project-wide"),
        ("read", ("project_wide",), PRODUCTION, "management", "deny", "production"),
        ("destructive", (), PRODUCTION, "management", "confirm", "destructive"),
        ("read", ("blocked",), FREE, "management", "deny", "blocked"),
        ("destructive", ("project_wide", "blocked"), PRODUCTION, "management", "deny", "blocked"),
        ("read", (), READ_ONLY, "management", "allow", "read"),
        ("read", ("reveals_secret",), READ_ONLY, "management", "confirm", "reveals-secret"),
        ("write", (), READ_ONLY, "management", "deny", "read-only"),
        ("write", ("mints_secret",), READ_ONLY, "end_user", "deny", "read-only"),
        ("destructive", ("project_wide",), READ_ONLY, "management", "deny", "read-only"),
    ],
)
def test_rule(
    effect: Any, hazards: Any, policy: Policy, plane: str, action: str, rule: str
) -> None:
    decision = _decide(effect, *hazards, policy=policy, plane=plane)
    assert (decision.action, decision.rule) == (action, rule)
    assert decision.typed is (rule == "project-wide")
    assert decision.reason


def _patched(catalog: Catalog, number: int, policy: Policy) -> str:
    users = [{"loginId": f"user{n}@acme.test", "name": "N"} for n in range(number)]
    one, risk = catalog["PatchUserBatch"], Risk("write", ("bulk",))
    return decide(one, {"users": users}, CALLER, PROJECT, risk, policy).rule


def test_an_ordinary_change_of_many_asks(catalog: Catalog) -> None:
    rules, _ = parse("p.toml", ALLOWED, catalog)
    assert _patched(catalog, 19, FREE) == "write"
    assert _patched(catalog, 20, FREE) == "many"
    assert _patched(catalog, 24, Policy(ask_from=25)) == "write"
    assert _patched(catalog, 2, Policy(ask_from=2)) == "many"
    assert _patched(catalog, 24, Policy(rules=rules)) == "p.toml:1"
    met = [decision.rule for decision in possible(catalog["CreatePermissions"], FREE)]
    assert met == ["many", "write"]
    read = decide(
        catalog["LoadUsers"], {"userIds": ["u"] * 99}, CALLER, PROJECT, Risk("read", ()), FREE
    )
    assert read.action == "allow"


def test_a_file_says_from_which_number_on_people_are_asked(
    catalog: Catalog, tmp_path: Path
) -> None:
    path = tmp_path / "p.toml"
    path.write_text("ask_from = 3\n" + ALLOWED)
    policy = applied(str(path), catalog, Policy(read_only=True))
    assert (policy.ask_from, policy.read_only, len(policy.rules)) == (3, True, 1)
    path.write_text(ALLOWED)
    assert applied(str(path), catalog, Policy()).ask_from == 20
    path.write_text('long_documents = "terminal"\n' + ALLOWED)
    assert applied(str(path), catalog, Policy()).long_documents == "terminal"
    path.write_text("ask_from = 0\n")
    with pytest.raises(PolicyError, match="ask_from"):
        applied(str(path), catalog, Policy())


def test_a_call_without_sense_is_denied_before_anybody_is_asked() -> None:
    risk = Risk("destructive", (), refusal="name one")
    decision = decide(operation(), {}, CALLER, PROJECT, risk, FREE)
    assert (decision.action, decision.reason) == ("deny", "name one")


def test_what_is_known_to_be_bad_is_never_allowed(catalog: Catalog) -> None:
    """The whole catalog at its worst: no destructive, revealing or forging call runs unasked."""
    asked = {"account_takeover", "reveals_secret", "forges_record", "project_wide"}
    for one in catalog.values():
        action = worst(one, FREE).action
        bad = one.worst_effect == "destructive" or asked & set(one.worst_hazards)
        assert not bad or action != "allow", one.name
        assert "blocked" not in one.worst_hazards or action == "deny", one.name


def test_read_only_lets_nothing_but_reads_through(catalog: Catalog) -> None:
    for one in catalog.values():
        for effect in EFFECTS[1:]:
            risk = Risk(effect, ())
            assert decide(one, {}, CALLER, PROJECT, risk, READ_ONLY).action == "deny"


def test_production_denies_every_call_on_the_whole_project(catalog: Catalog) -> None:
    wide = [one for one in catalog.values() if "project_wide" in one.worst_hazards]
    assert len(wide) > 10
    for one in wide:
        risk = Risk(one.worst_effect, one.worst_hazards)
        assert decide(one, {}, CALLER, PROJECT, risk, PRODUCTION).action == "deny"


@pytest.mark.parametrize(
    ("marked", "project", "arguments", "action"),
    [
        ("P2aProject", "P2aProject", {}, "deny"),
        ("p2APROJECT", "P2aProject", {}, "deny"),
        ("P2aProject", "P2bOther", {}, "confirm"),
        ("P2aProject", "P2bOther", {"projectId": "P2aProject"}, "deny"),
        ("P2bOther", "P2bOther", {"projectId": "P2aProject"}, "deny"),
        (EVERY, "", {}, "deny"),
    ],
)
def test_a_project_is_production_wherever_the_call_names_it(
    marked: str, project: str, arguments: dict[str, Any], action: str
) -> None:
    one = operation(arguments={"projectId": {"type": "string"}})
    policy = Policy(production=frozenset({marked}))
    risk = Risk("destructive", ("project_wide",))
    assert decide(one, arguments, CALLER, project, risk, policy).action == action


def test_a_server_says_at_worst_what_not_every_call_meets() -> None:
    cascade = record_rule(is_true=["cascade"], add=["project_wide"])
    sometimes = operation(arguments={"cascade": {"type": "boolean"}}, when=[cascade])
    assert worst(sometimes, PRODUCTION).action == "confirm"
    assert worst(operation(hazards=["project_wide"]), PRODUCTION).action == "deny"


def _allowing(name: str) -> PolicyRule:
    """A rule that allows all that any rule can: more than a file may say."""
    every = frozenset({"blocked", "project_wide", "account_takeover", "reveals_secret"})
    return PolicyRule("p:1", "allow", "", frozenset({name}), None, every)


@given(
    effect=st.sampled_from(EFFECTS),
    hazards=st.sets(st.sampled_from(["project_wide", "account_takeover", "bulk"])),
    refusal=st.sampled_from(["", "it makes no sense"]),
    blocked=st.booleans(),
    read_only=st.booleans(),
    production=st.booleans(),
)
def test_no_rule_lifts_what_is_never_allowed(
    effect: Any,
    hazards: set[Any],
    refusal: str,
    blocked: bool,
    read_only: bool,
    production: bool,
) -> None:
    marked = frozenset({EVERY}) if production else frozenset[str]()
    policy = Policy(read_only, marked, (_allowing("Act"),))
    risk = Risk(effect, (*sorted(hazards), *(["blocked"] if blocked else [])), refusal=refusal)
    action = decide(operation(), {}, CALLER, PROJECT, risk, policy).action
    never = (
        blocked
        or refusal
        or (read_only and effect != "read")
        or (production and "project_wide" in hazards)
    )
    assert action == ("deny" if never else "allow")


@pytest.mark.parametrize(
    ("name", "arguments", "wanted"),
    [
        ("DeleteUser", {"loginId": "ada"}, 1),
        ("DeleteUsers", {"userIds": ["a", "b", "c"]}, 3),
        ("DeleteUsers", {"userIds": '["a", "b", "c"]'}, 3),
        ("DeleteUsers", {"userIds": []}, 1),
        ("PatchUserBatch", {"users": [{"loginId": "a"}, {"loginId": "b"}]}, 2),
        ("DeletePermissions", {"names": ["a"], "ids": ["b", "c"]}, 3),
        ("UsersAuthHistory", {"userIds": ["a", "b"]}, 2),
        ("CreateUser", {"loginId": "a", "roleNames": ["r", "s"]}, 1),
        ("AddIPsToList", {"id": "L", "ips": ["192.0.2.1", "192.0.2.2"]}, 2),
    ],
)
def test_items_are_counted(
    catalog: Catalog, name: str, arguments: dict[str, Any], wanted: int
) -> None:
    assert items(catalog[name], check(catalog[name], arguments)) == wanted


def test_every_operation_on_many_counts_them(catalog: Catalog) -> None:
    """What the record calls bulk and takes a list counts it; the rest names one thing."""
    uncounted = set()
    for one in catalog.values():
        properties = one.input_schema["properties"]
        needed = {*one.input_schema.get("required", ()), *(n for g in one.one_of for n in g)}
        lists = [n for n, value in properties.items() if value.get("type") == "array"]
        if "bulk" in one.worst_hazards and not needed & set(lists):
            uncounted.add(one.name)
    assert uncounted == {
        "DeleteOutboundAppUserTokens",
        "DeleteSSOSettings",
        "DeleteTenant",
        "RecalculateSSOMappings",
        "RemoveSSOSuffixFromExternalId",
        "UpdateTenant",
    }
