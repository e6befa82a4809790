"""What is said beforehand of when a person is asked agrees with what is decided on calls."""

from __future__ import annotations

import pytest

from descope_mcp.catalog.build.openapi import Contract
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.caller import STDIO
from descope_mcp.guard.policy.decision import Policy, decide
from descope_mcp.guard.policy.foreseeable_questions import foreseeable
from descope_mcp.guard.policy.rule import PolicyRule
from tests.guard.policy.cases import cases, judged
from tests.recorder import load_contract


@pytest.fixture(scope="module")
def spec() -> Contract:
    return load_contract()


def test_no_call_is_decided_otherwise_than_was_said(catalog: Catalog, spec: Contract) -> None:
    policy = Policy()
    met = set()
    for case in cases():
        operation = catalog[case.operation]
        arguments, _, risk, _ = judged(case, catalog, spec)
        action = decide(operation, arguments, STDIO, "P1", risk, policy).action
        said = foreseeable(operation, policy, "P1")
        met.add((action, said.split(" person")[-1][:7]))
        if action == "confirm":
            assert said.startswith("asks a person"), case
        elif action == "allow":
            assert said != "asks a person", case
    assert {action for action, _ in met} >= {"confirm", "allow"}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("LoadUser", ""),
        ("DeleteUser", "asks a person"),
        ("UpdateRole", "asks a person unless only description changed"),
        ("CreateAuditEvent", "asks a person with actorId, userId"),
        ("UpdateUserPicture", "asks a person without picture"),
        ("SaveResourcesDetails", "asks a person with 20 or more resourcesDetails"),
        ("UpdateRoles", "asks a person unless only description changed and fewer than 20"),
        ("NoPublishRotate", "denied: What this operation does is not known well enough."),
    ],
)
def test_the_arguments_are_named(catalog: Catalog, name: str, said: str) -> None:
    assert foreseeable(catalog[name], Policy()) == said


def test_what_a_policy_file_looks_at_is_not_told(catalog: Catalog) -> None:
    rule = PolicyRule("policy.toml:3", "confirm", "secret reason", arguments={"name": ("x*",)})
    said = foreseeable(catalog["CreateTenant"], Policy(rules=(rule,)))
    assert said == "may ask a person, by the policy file"


def test_a_read_only_server_denies(catalog: Catalog) -> None:
    said = foreseeable(catalog["CreateTenant"], Policy(read_only=True))
    assert said == "denied: The server was started read-only."
