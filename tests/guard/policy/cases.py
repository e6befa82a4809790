"""Calls whose risk is written down, in ``rules/<toolset>.yaml``, and what they are judged by.

A case has ``arguments``, the ``effect`` and ``hazards`` that the call must get, ``refused`` if it
makes no sense, and, where the before-state is known, ``now``: how that differs from a sample in
which every text is ``x1``, every list holds one element, every number is 1 and every switch is
off. Without ``now`` nothing is known of the before-state.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from descope_mcp.catalog.arguments.validation import check
from descope_mcp.catalog.build.openapi import Contract
from descope_mcp.catalog.build.yaml_source import read_yaml
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.json_path import values_at
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.operation_record.rule import Rule
from descope_mcp.guard.policy.risk import Risk, assess, matching_rules
from descope_mcp.guard.preview.comparison.difference import Change
from descope_mcp.guard.preview.comparison.merge import merge
from tests.recorder import sample_answer

RULES = Path(__file__).parent / "rules"
HOSTS = frozenset({"app.example.com"})


@dataclass(frozen=True)
class Case:
    operation: str
    arguments: dict[str, Any]
    effect: str
    hazards: list[str] = field(default_factory=list)
    refused: bool = False
    now: dict[str, Any] | None = None


def cases() -> Iterator[Case]:
    for path in sorted(RULES.glob("*.yaml")):
        for name, listed in read_yaml(path).items():
            yield from (Case(name, **case) for case in listed)


def judged(
    case: Case, catalog: Catalog, spec: Contract
) -> tuple[dict[str, Any], tuple[Change, ...] | None, Risk, list[Rule]]:
    """The arguments as they would be sent, what they change, their risk, the rules that apply."""
    operation = catalog[case.operation]
    arguments = check(operation, case.arguments)
    before = None if case.now is None else before_state(operation, catalog, spec, case.now)
    merged = merge(operation, arguments, before)
    call = (operation, merged.arguments, HOSTS, merged.changes)
    return merged.arguments, merged.changes, assess(*call), matching_rules(*call)


def before_state(operation: Operation, catalog: Catalog, spec: Contract, now: Any) -> Any:
    """What the preview would find: the sample answer of its read, changed by `now`."""
    step = operation.preview[0]
    (found,) = values_at(sample_answer(spec, catalog[step.operation]), step.find)[:1]
    found = found[0] if isinstance(found, list) else found
    return _changed(found, now)


def _changed(value: Any, changes: Any) -> Any:
    if not (isinstance(value, dict) and isinstance(changes, dict)):
        return deepcopy(changes)
    new = {key: _changed(value.get(key), change) for key, change in changes.items()}
    return {**value, **new}
