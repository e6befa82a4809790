"""The everyday tasks of ``everyday.yaml``, and what is decided on each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from descope_mcp.catalog.arguments.validation import check
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.caller import STDIO
from descope_mcp.guard.policy.decision import SO_ALREADY, Decision, Policy, decide
from descope_mcp.guard.policy.risk import Risk, assess
from descope_mcp.guard.preview.comparison.merge import merge
from descope_mcp.guard.preview.comparison.settled import is_settled
from descope_mcp.guard.preview.preview import Preview
from descope_mcp.guard.preview.recipe_values import Scope


class Task(NamedTuple):
    """One kind of call: ``often`` of a thousand calls are such, ``asks`` is what is expected.

    ``before`` is what its preview would find, where that matters.
    """

    task: str
    operation: str
    arguments: dict[str, Any]
    often: int
    asks: bool
    needless: str = ""
    before: dict[str, Any] | None = None


def tasks() -> list[Task]:
    """All tasks in the order of the file."""
    path = Path(__file__).with_name("everyday.yaml")
    return [Task(**entry) for entry in yaml.safe_load(path.read_text(encoding="utf-8"))]


def decided(catalog: Catalog, policy: Policy) -> Iterator[tuple[Task, Risk, Decision]]:
    """What `policy` decides on every task."""
    for task in tasks():
        operation = catalog[task.operation]
        merged = merge(operation, check(operation, task.arguments), task.before)
        arguments = check(operation, merged.arguments)
        risk = assess(operation, arguments, frozenset(), merged.changes)
        decision = decide(operation, arguments, STDIO, "P1", risk, policy)
        seen = Preview(Scope(task.arguments, task.before), (task.before,))
        if decision.action == "confirm" and is_settled(
            operation, task.arguments, seen, merged.changes
        ):
            decision = SO_ALREADY
        yield task, risk, decision
