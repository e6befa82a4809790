"""Every rule of every record, in a call to which it applies and in one to which it does not.

The calls and what must come of them are data, in ``rules/``; a rule without them fails here. The
rules that follow from what arguments mean are tried in `test_meanings`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from descope_mcp.catalog.build.openapi import Contract
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.operation_record.effect import EFFECTS
from descope_mcp.catalog.operation_record.rule import Rule
from descope_mcp.guard.policy.risk import Risk, assess, matching_rules
from descope_mcp.guard.preview.comparison.difference import Change
from tests.guard.policy.cases import HOSTS, RULES, Case, cases, judged
from tests.recorder import load_contract, sample

CASES = list(cases())

#: Rules, by their place in the record, that no call can escape.
ALWAYS = {
    ("UpdateUserImpersonationConsent", 0): "what it looks for is required",
    ("DeleteManagementKeys", 0): "what it looks for is required",
    ("UpdateUserDisplayName", 0): "the operation has no other arguments",
    ("RemoveIPsFromList", 0): "what it looks for is required",
    ("RemoveTextsFromList", 0): "what it looks for is required",
    ("ClearList", 0): "what it looks for is required",
    ("DeleteList", 0): "what it looks for is required",
}

#: Operations that relax on something else than a list of all that may be given or changed, with
#: what the hazard or effect that goes hangs on. A new one has to be argued for here.
POINTED = {
    "Anonymous": "rights come from roles, claims and the tenant alone",
    "CreateAuditEvent": "accuses somebody only with actorId or userId",
    "CreateDescopers": "mails with sendInvite alone",
    "CreateSCIMGroup": "lets in with members alone",
    "CreateTestUser": "mails with the three switches alone",
    "CreateUser": "mails with the three switches alone",
    "CreateUsers": "mails with the three switches alone",
    "GenerateTenantAdminLinkSSO": "mails with email alone",
    "GenerateTenantAdminLinkSSODeprecated": "mails with email alone",
    "PatchSCIMGroup": "adding takes nothing away",
    "SCIMPatchUser": "adding takes nothing away",
    "SaveSchema": "deletes namespaces with upgrade alone",
    "UpdateProjectTags": "gives rights by tags alone",
    "UpdateResourcePolicy": "gives rights by scopes and the two switches alone",
    "UpdateSCIMGroup": "gives rights by members, and by name and externalId, which add it again",
    "UpdateTenantDefaultRoles": "gives rights by roles alone",
    "UpdateUserDisplayName": "clears nothing if all parts are given",
    "UpdateUserSetRoles": "gives rights by roles alone",
    "UpdateUserSetSSOApps": "gives access by applications alone",
    "UpdateUserStatus": "cuts off with other values alone",
}


@pytest.fixture(scope="module")
def spec() -> Contract:
    return load_contract()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.operation)
def test_case(case: Case, catalog: Catalog, spec: Contract) -> None:
    risk = judged(case, catalog, spec)[2]
    assert (risk.effect, sorted(risk.hazards)) == (case.effect, case.hazards)
    assert bool(risk.refusal) is case.refused


def test_every_rule_has_a_call_that_it_applies_to_and_one_that_it_does_not(
    catalog: Catalog, spec: Contract
) -> None:
    applied: dict[str, list[list[Rule]]] = defaultdict(list)
    for case in CASES:
        applied[case.operation].append(judged(case, catalog, spec)[3])
    problems = []
    for name, operation in catalog.items():
        for place, rule in enumerate(operation.when):
            if rule.meaning:
                continue
            if not any(rule in rules for rules in applied[name]):
                problems.append(f"{name}: no call that rule {place} applies to: {rule.why}")
            always = all(rule in rules for rules in applied[name])
            if always is not ((name, place) in ALWAYS):
                problems.append(f"{name}: no call that rule {place} passes over: {rule.why}")
    assert not problems, "\n".join(problems)


def test_a_comparing_rule_has_calls_with_a_known_before_state(catalog: Catalog) -> None:
    known = {case.operation for case in CASES if case.now is not None}
    comparing = {n for n, o in catalog.items() if any(r.compares and not r.meaning for r in o.when)}
    assert comparing <= known


def test_cases_stand_in_the_file_of_their_toolset(catalog: Catalog) -> None:
    for path in RULES.glob("*.yaml"):
        names = [line[:-1] for line in path.read_text().splitlines() if line[:1].isalpha()]
        assert {catalog[name].toolset for name in names} == {path.stem}


def relaxes(operation: Operation, rule: Rule) -> bool:
    milder = rule.effect and EFFECTS.index(rule.effect) < EFFECTS.index(operation.effect)
    return bool(rule.drop or milder)


def as_strict(risk: Risk, operation: Operation) -> bool:
    return EFFECTS.index(risk.effect) >= EFFECTS.index(operation.effect) and set(
        risk.hazards
    ) >= set(operation.hazards)


def test_relaxing_goes_by_allow_list(catalog: Catalog) -> None:
    others = {
        name
        for name, operation in catalog.items()
        for rule in operation.when
        if relaxes(operation, rule) and not (rule.only or rule.only_changed)
    }
    assert others == set(POINTED)


def unknown_to(rules: list[Rule], operation: Operation) -> Iterator[str]:
    """The arguments that no relaxing rule allows, and one that the contract does not have yet."""
    allowed = {
        path.partition(".")[0].removesuffix("[]")
        for rule in rules
        for path in (*rule.only, *rule.only_changed)
    }
    yield from (n for n in operation.input_schema["properties"] if n not in allowed)
    yield "notYetThere"


def with_more(arguments: Mapping[str, Any], name: str, operation: Operation) -> dict[str, Any]:
    wanted = operation.input_schema["properties"].get(name, {"type": "string"})
    return {**arguments, name: sample(wanted)}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.operation)
def test_what_no_rule_knows_stays_at_the_worst(
    case: Case, catalog: Catalog, spec: Contract
) -> None:
    operation = catalog[case.operation]
    arguments, changes, risk, rules = judged(case, catalog, spec)
    relaxing = [rule for rule in rules if relaxes(operation, rule)]
    by_list = [rule for rule in relaxing if rule.only or rule.only_changed]
    if as_strict(risk, operation) or not by_list or by_list != relaxing:
        return
    for name in unknown_to(by_list, operation):
        call, more = arguments, changes
        if any(rule.only for rule in by_list):
            call = with_more(arguments, name, operation)
        if changes is not None:
            more = (*changes, Change(name, "x1", "x2"))
        assert as_strict(assess(operation, call, HOSTS, more), operation), name


def test_without_rules_the_record_stands(catalog: Catalog) -> None:
    for operation in catalog.values():
        if not operation.when:
            assert not matching_rules(operation, {}, HOSTS)
            risk = assess(operation, {}, HOSTS)
            assert (risk.effect, risk.hazards) == (operation.effect, operation.hazards)
