"""Allow, ask or deny."""

from __future__ import annotations

from typing import Any

import pytest

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.record import EFFECTS
from descope_mcp.guard.policy import Decision, Limits, decide, worst
from descope_mcp.guard.risk import Risk
from tests.guard.build import operation

FREE = Limits()
READ_ONLY = Limits(read_only=True)
PRODUCTION = Limits(production=True)


def _decide(effect: Any, *hazards: Any, limits: Limits = FREE, **facts: Any) -> Decision:
    return decide(operation(**facts), Risk(effect, hazards), limits)


@pytest.mark.parametrize(
    ("effect", "hazards", "limits", "plane", "action", "rule"),
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
    effect: Any, hazards: Any, limits: Limits, plane: str, action: str, rule: str
) -> None:
    decision = _decide(effect, *hazards, limits=limits, plane=plane)
    assert (decision.action, decision.rule) == (action, rule)
    assert decision.typed is (rule == "project-wide")
    assert decision.reason


def test_a_call_without_sense_is_denied_before_anybody_is_asked() -> None:
    decision = decide(operation(), Risk("destructive", (), refusal="name one"), FREE)
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
            assert decide(one, Risk(effect, ()), READ_ONLY).action == "deny"


def test_production_denies_every_call_on_the_whole_project(catalog: Catalog) -> None:
    wide = [one for one in catalog.values() if "project_wide" in one.worst_hazards]
    assert len(wide) > 10
    for one in wide:
        risk = Risk(one.worst_effect, one.worst_hazards)
        assert decide(one, risk, PRODUCTION).action == "deny"
