"""The risk of one call: what its arguments make of the record."""

from __future__ import annotations

from typing import Any

import pytest

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.operation_record.rule import CONDITIONS
from descope_mcp.guard.policy.risk import assess
from tests.guard.build import operation, rule

NOBODY: frozenset[str] = frozenset()
TRUSTED = frozenset({"app.example.com"})

# Condition, arguments that meet it, arguments that do not.
MET_OR_NOT: list[tuple[str, Any, list[Any], list[Any]]] = [
    ("given", ["a", "b"], [{"a": ""}, {"b": []}, {"b": False}], [{}, {"c": 1}, {"a": None}]),
    ("filled", ["a", "b"], [{"a": "x"}, {"b": [0]}, {"a": False}], [{"a": ""}, {"b": []}, {}]),
    ("empty", ["a", "b"], [{}, {"a": "", "b": []}, {"a": None}], [{"a": "x"}, {"a": "", "b": 1}]),
    ("all_filled", ["a", "b"], [{"a": 1, "b": "x"}], [{"a": 1}, {"a": 1, "b": ""}, {}]),
    (
        "is_true",
        ["a", "b"],
        [{"a": True}, {"b": True}],
        [{"a": False}, {"a": 1}, {"a": "true"}, {}],
    ),
    ("not_true", ["a", "b"], [{}, {"a": False}, {"a": None}], [{"a": True}, {"b": True}]),
    ("equals", {"a": ["x", "y"]}, [{"a": "x"}, {"a": "y"}], [{"a": "X"}, {"a": ""}, {}]),
    (
        "equals",
        {"l[].a": ["x"]},
        [{"l": [{"a": "z"}, {"a": "x"}]}],
        [{"l": []}, {"l": [{}]}, {"l": [{"a": "z"}]}],
    ),
    (
        "all_equal",
        {"l[].a": ["x", "y"]},
        [{"l": [{"a": "x"}, {"a": "y"}]}],
        [
            {},
            {"l": []},
            {"l": [{"a": "x"}, {}]},
            {"l": [{"a": "x"}, {"a": None}]},
            {"l": [{"a": 1}]},
        ],
    ),
    ("only", ["a", "b"], [{"a": 1}, {}, {"a": 1, "b": 2}], [{"c": 1}, {"a": 1, "c": None}]),
    (
        "only",
        ["l[].a"],
        [{"l": [{"a": 1}, {}]}],
        [{"l": [{"a": 1}, {"b": 1}]}, {"l": [1]}, {"a": 1}],
    ),
    (
        "clears",
        ["a"],
        [{"a": ""}, {"a": {"b": None}}, {"a": [{"c": []}, 1]}, {"a": {}}, {"a": " "}],
        [{}, {"a": {"b": 0, "c": False}}, {"b": ""}],
    ),
    (
        "lacks",
        ["l[].a", "l[].b"],
        [{"l": [{"a": 1}, {"c": 1}]}, {"l": [{"a": "", "b": [""]}]}],
        [{"l": [{"a": 1}, {"b": 1}]}, {"l": []}, {}],
    ),
    ("only", ["o.a"], [{"o": {"a": 1}}], [{"o": {"b": 1}}, {"o": "a"}]),
    (
        "unlike",
        {"id": ["to"]},
        [{"id": "a@x.test", "to": "b@x.test"}, {"id": "+1555000", "to": "+1555001"}],
        [
            {"id": "a@x.test", "to": " A@x.test"},
            {"id": "a@x.test", "to": "+15550001"},
            {"id": "a", "to": "b@x.test"},
            {"id": "a@x.test", "to": ""},
            {"to": "b@x.test"},
        ],
    ),
    (
        "elsewhere",
        {"l[].id": ["l[].to", "l[].o.to"]},
        [
            {"l": [{}, {"id": "a@x.test", "to": "+15550001"}]},
            {"l": [{"id": "a@x.test", "o": {"to": "whoever"}}]},
        ],
        [{"l": [{"id": "a@x.test", "to": "a@x.test"}, {"id": "b@x.test"}]}, {"l": []}],
    ),
]


@pytest.mark.parametrize(("name", "value", "met", "unmet"), MET_OR_NOT)
def test_condition(name: str, value: Any, met: list[Any], unmet: list[Any]) -> None:
    subject = operation(effect="write", when=[rule(**{name: value}, effect="destructive")])
    assert [assess(subject, a, NOBODY).effect for a in met] == ["destructive"] * len(met)
    assert [assess(subject, a, NOBODY).effect for a in unmet] == ["write"] * len(unmet)


def test_every_condition_is_in_the_table() -> None:
    assert {row[0] for row in MET_OR_NOT} | {"foreign_host", "foreign_link"} == set(CONDITIONS)


@pytest.mark.parametrize(
    ("url", "foreign"),
    [
        ("https://app.example.com", False),
        ("https://app.example.com/callback?x=1#y", False),
        ("https://APP.example.com:8443/callback", False),
        ("", False),
        ("https://evil.example", True),
        ("https://app.example.com.evil.example", True),
        ("https://app.example.com@evil.example", True),
        ("https://evil.example\\@app.example.com/", True),
        ("https://evil.example/\\@app.example.com/", True),
        ("https:\\\\evil.example\\@app.example.com", True),
        ("https://evil.example#@app.example.com", True),
        ("https://user:pass@app.example.com/", True),
        ("https://app.example.com /", True),
        ("https://ap\tp.example.com", True),
        ("https://app。example.com", True),
        ("javascript://app.example.com/%0aalert(1)", True),
        ("//evil.example/x", True),
        ("//app.example.com", True),
        ("/relative", True),
        ("myapp://callback", True),
        ("https://[::1", True),
        ("http://:80", True),
        (["https://evil.example"], True),
        (["https://app.example.com", "https://evil.example"], True),
        (["https://app.example.com"], False),
        ("app.example.com", False),
        ("evil.example", True),
    ],
)
def test_foreign_host(url: Any, foreign: bool) -> None:
    subject = operation(effect="write", when=[rule(foreign_host=["url"], add=["account_takeover"])])
    assert ("account_takeover" in assess(subject, {"url": url}, TRUSTED).hazards) is foreign


@pytest.mark.parametrize(
    ("text", "foreign"),
    [
        ("Ada Okafor", False),
        ("ada@evil.example", False),
        ("See https://app.example.com/x, please.", False),
        ("See https://evil.example/x, please.", True),
        ({"deep": ["Visit (evil.example)."]}, True),
        ("https:evil.example", True),
        ("javascript:alert(1)", True),
        ("version 1.2", False),
        (7, False),
    ],
)
def test_foreign_link(text: Any, foreign: bool) -> None:
    subject = operation(effect="write", when=[rule(foreign_link=["o"], add=["account_takeover"])])
    risk = assess(subject, {"o": {"text": text}}, TRUSTED)
    assert ("account_takeover" in risk.hazards) is foreign


def test_conditions_of_one_rule_must_all_hold() -> None:
    subject = operation(
        effect="write", when=[rule(given=["a"], is_true=["b"], effect="destructive")]
    )
    effects = [
        assess(subject, a, NOBODY).effect for a in ({"a": 1}, {"b": True}, {"a": 1, "b": True})
    ]
    assert effects == ["write", "write", "destructive"]


def test_the_strictest_effect_wins_and_replaces_the_record() -> None:
    subject = operation(
        when=[rule(given=["a"], effect="read"), rule(given=["b"], effect="write")],
    )
    assert assess(subject, {}, NOBODY).effect == "destructive"
    assert assess(subject, {"a": 1}, NOBODY).effect == "read"
    assert assess(subject, {"a": 1, "b": 1}, NOBODY).effect == "write"


def test_an_added_hazard_outlives_a_dropped_one() -> None:
    subject = operation(
        hazards=["account_takeover", "bulk"],
        when=[
            rule(given=["soft"], drop=["account_takeover"]),
            rule(given=["hard"], add=["account_takeover"]),
        ],
    )
    assert assess(subject, {"soft": 1}, NOBODY).hazards == ("bulk",)
    assert assess(subject, {"soft": 1, "hard": 1}, NOBODY).hazards == ("bulk", "account_takeover")


@pytest.mark.parametrize(
    "comparison",
    ["changed", "only_changed", "gains", "gains_none", "loses", "turned_on", "turned_off",
     "not_weaker"],
)  # fmt: skip
def test_a_comparison_raises_and_never_relaxes(comparison: str) -> None:
    relaxing = rule(**{comparison: ["a"]}, effect="read", drop=["bulk"], say="said")
    raising = rule(**{comparison: ["a"]}, effect="destructive", add=["account_takeover"])
    strict = operation(hazards=["bulk"], when=[relaxing])
    mild = operation(effect="write", when=[raising])
    assert assess(strict, {"a": 1}, NOBODY).effect == "destructive"
    assert assess(strict, {"a": 1}, NOBODY).hazards == ("bulk",)
    assert assess(strict, {"a": 1}, NOBODY).say == ()
    assert assess(mild, {}, NOBODY).effect == "destructive"
    assert assess(mild, {}, NOBODY).hazards == ("account_takeover",)


def test_a_comparison_still_needs_its_other_conditions() -> None:
    subject = operation(
        effect="write", when=[rule(equals={"a": ["x"]}, changed=["a"], effect="destructive")]
    )
    assert assess(subject, {"a": "y"}, NOBODY).effect == "write"
    assert assess(subject, {"a": "x"}, NOBODY).effect == "destructive"


def test_a_relaxing_rule_does_not_outweigh_a_comparison_that_may_hold() -> None:
    subject = operation(
        when=[
            rule(given=["a"], effect="write"),
            rule(changed=["a"], effect="destructive"),
        ]
    )
    assert assess(subject, {"a": 1}, NOBODY).effect == "destructive"


def test_a_call_without_sense_is_refused_with_the_reason() -> None:
    subject = operation(when=[rule(all_filled=["a", "b"], refuse=True, why="name one of them")])
    assert assess(subject, {"a": 1}, NOBODY).refusal == ""
    assert assess(subject, {"a": 1, "b": 1}, NOBODY).refusal == "name one of them"


TAKEOVER, BULK, SENDS = "account_takeover", "bulk", "sends_message"
REAL: list[tuple[str, dict[str, Any], str, set[str]]] = [
    ("PatchUser", {"loginId": "u", "name": "N"}, "write", set()),
    ("PatchUser", {"loginId": "u", "name": ""}, "destructive", set()),
    ("PatchUser", {"loginId": "u", "roleNames": ["a"]}, "destructive", {TAKEOVER}),
    ("PatchUser", {"loginId": "u", "roleNames": []}, "destructive", {TAKEOVER}),
    ("PatchUser", {"loginId": "u", "roleNames": None}, "write", {TAKEOVER}),
    ("PatchUser", {"loginId": "u", "status": "disabled"}, "destructive", {TAKEOVER}),
    ("PatchUser", {"loginId": "u", "status": "DISABLED"}, "write", {TAKEOVER}),
    ("PatchUser", {"loginId": "u", "name": "N", "email": "a@b.example"}, "destructive", {TAKEOVER}),
    ("UpdateUserStatus", {"loginId": "u", "status": "enabled"}, "write", {TAKEOVER}),
    ("UpdateUserStatus", {"loginId": "u", "status": "invited"}, "write", {TAKEOVER}),
    ("AddIPsToList", {"id": "L", "ips": ["0.0.0.0/0"]}, "write", {TAKEOVER}),
    ("CreateTenant", {"name": "T"}, "write", set()),
    ("CreateTenant", {"name": "T", "selfProvisioningDomains": ["a.example"]}, "write", {TAKEOVER}),
    ("CreateUser", {"loginId": "u", "email": "a@b.example"}, "write", set()),
    ("CreateUser", {"loginId": "u", "verifiedEmail": True}, "write", {TAKEOVER}),
    ("CreateUser", {"loginId": "u", "password": "p"}, "write", {TAKEOVER}),
    ("CreateUsers", {"users": [{"loginId": "u", "seed": "s"}]}, "write", {"bulk", TAKEOVER}),
    ("PatchUser", {"loginId": "u", "customAttributes": {"a": 1}}, "write", set()),
    ("PatchUser", {"loginId": "u", "customAttributes": {"a": None}}, "destructive", set()),
    ("PatchUser", {"loginId": "u", "customAttributes": {"a": {"b": [""]}}}, "destructive", set()),
    ("UpdateUserStatus", {"loginId": "u", "status": "disabled"}, "destructive", set()),
    ("UpdateUserStatus", {"loginId": "u", "status": "asleep"}, "destructive", set()),
    ("CreateUser", {"loginId": "u"}, "write", set()),
    ("CreateUser", {"loginId": "u", "invite": True}, "write", {SENDS}),
    ("CreateUser", {"loginId": "u", "roleNames": ["admin"]}, "write", {TAKEOVER}),
    ("CreateUser", {"loginId": "u", "roleNames": []}, "write", set()),
    ("CreateUsers", {"users": [{"loginId": "u"}]}, "write", {BULK}),
    (
        "CreateUsers",
        {"users": [{"loginId": "u"}, {"loginId": "v", "roleNames": ["admin"]}]},
        "write",
        {BULK, TAKEOVER},
    ),
    ("PatchUserBatch", {"users": [{"loginId": "u", "name": "N"}]}, "write", {BULK}),
    (
        "PatchUserBatch",
        {"users": [{"loginId": "u", "name": "N"}, {"loginId": "v", "status": "disabled"}]},
        "destructive",
        {BULK, TAKEOVER},
    ),
    ("DeleteTenant", {"id": "t"}, "destructive", {BULK}),
    ("DeleteTenant", {"id": "t", "cascade": False}, "destructive", {BULK}),
    ("DeleteTenant", {"id": "t", "cascade": True}, "destructive", {BULK, "project_wide"}),
    ("SendPasswordReset", {"loginId": "u"}, "write", {SENDS}),
    (
        "SendPasswordReset",
        {"loginId": "u", "redirectUrl": "https://app.example.com/reset"},
        "write",
        {SENDS},
    ),
    (
        "SendPasswordReset",
        {"loginId": "u", "redirectUrl": "https://evil.example"},
        "write",
        {SENDS, TAKEOVER},
    ),
    (
        "SCIMPatchUser",
        {"userId": "u", "operations": [{"op": "replace", "path": "displayName"}]},
        "write",
        set(),
    ),
    (
        "SCIMPatchUser",
        {
            "userId": "u",
            "operations": [{"op": "replace", "path": "displayName"}, {"op": "replace"}],
        },
        "destructive",
        {TAKEOVER},
    ),
    (
        "SCIMPatchUser",
        {"userId": "u", "operations": [{"op": "add", "path": "emails"}]},
        "write",
        {TAKEOVER},
    ),
    (
        "SCIMPatchUser",
        {"userId": "u", "operations": [{"op": "add", "path": "active", "valueBoolean": False}]},
        "destructive",
        {TAKEOVER},
    ),
    ("UpdateUser", {"loginId": "u", "name": "N"}, "destructive", {TAKEOVER}),
    ("UpdateTenant", {"id": "t", "name": "N"}, "destructive", {TAKEOVER, BULK}),
    ("CreateAuditEvent", {"action": "a", "type": "info"}, "write", set()),
    (
        "CreateAuditEvent",
        {"action": "a", "type": "info", "userId": "u"},
        "write",
        {"forges_record"},
    ),
]


@pytest.mark.parametrize(("name", "arguments", "effect", "hazards"), REAL)
def test_real_call(
    catalog: Catalog, name: str, arguments: dict[str, Any], effect: str, hazards: set[str]
) -> None:
    risk = assess(catalog[name], arguments, TRUSTED)
    assert (risk.effect, set(risk.hazards)) == (effect, hazards)


def test_two_names_for_one_target_are_refused(catalog: Catalog) -> None:
    both = {"loginId": "harmless", "userId": "victim"}
    assert assess(catalog["DeleteUser"], both, NOBODY).refusal
