"""The calls of the journal, judged by another policy as they were judged when they ran."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import Any

from descope_mcp.call.plan.outcome import NAME as PLAN
from descope_mcp.call.shadow_policy import said
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.caller import Caller
from descope_mcp.guard.policy.decision import Decision, Policy, decide, items
from descope_mcp.guard.policy.risk import assess
from descope_mcp.guard.policy.rule import Cap
from descope_mcp.guard.preview.comparison.merge import merge
from descope_mcp.guard.preview.preview import Preview
from descope_mcp.guard.preview.recipe_values import Scope
from descope_mcp.guard.preview.target_names import known_names
from descope_mcp.store.journal import entries as journal
from descope_mcp.store.journal.entry import Entry
from descope_mcp.store.shadow_log import Difference
from descope_mcp.store.store import Store


@dataclass(slots=True)
class Replay:
    """How many calls were judged, how many could not be, and where the policy differs."""

    judged: int = 0
    forgotten: int = 0
    differences: list[Difference] = field(default_factory=list)


@dataclass(slots=True)
class _Counts:
    """What each cap would have counted, by the times of the calls."""

    taken: dict[str, deque[tuple[float, int]]] = field(default_factory=lambda: defaultdict(deque))

    def reached(self, cap: Cap, at: float, number: int) -> bool:
        """Whether the call would have passed the cap; it is counted if not."""
        mine = self.taken[cap.rule]
        while mine and mine[0][0] <= at - cap.seconds:
            mine.popleft()
        calls, total = len(mine) + 1, sum(n for _, n in mine) + number
        over = (cap.calls is not None and calls > cap.calls) or (
            cap.items is not None and total > cap.items
        )
        if not over:
            mine.append((at, number))
        return over


def replayed(
    store: Store, catalog: Catalog, policy: Policy, hosts: frozenset[str], **filters: Any
) -> Replay:
    """Judge every call in the journal by `policy`, oldest first, caps included.

    What a call said is kept encrypted and forgotten after a while; then it cannot be judged, and
    neither can one of an operation that is no more. Calls that were denied are not in the journal.

    Raises:
        StoreError: the journal cannot be read.
    """
    result, counts = Replay(), _Counts()
    for entry in reversed(journal.entries(store, **filters)):
        if entry.operation == PLAN:
            continue  # its calls have entries of their own
        details, _ = journal.detail(store, entry.call)
        operation = catalog.find(entry.operation)
        if operation is None or "arguments" not in details:
            result.forgotten += 1
            continue
        arguments, found = details["arguments"], details.get("before") or [None]
        changes = merge(operation, arguments, found[0]).changes
        risk = assess(operation, arguments, hosts, changes)
        names = known_names(operation, Preview(Scope(arguments), tuple(found)))
        # What claims the caller had then, the journal does not say.
        caller = Caller(entry.caller)
        would = decide(operation, arguments, caller, entry.project, risk, policy, names)
        number, cap = items(operation, arguments), would.cap
        reached = cap is not None and counts.reached(cap, entry.at, number)
        result.judged += 1
        answer = "deny, its cap is reached" if reached else _said(would)
        if answer != _recorded(entry):
            result.differences.append(_difference(entry, arguments, would, answer, policy))
    return result


def _recorded(entry: Entry) -> str:
    """What was decided then: the journal says what allowed the call."""
    return "allow" if entry.consent == "policy" else "confirm"


def _said(decision: Decision) -> str:
    """What is decided now; whether a name was typed then, the journal does not say."""
    return decision.action if decision.action == "confirm" else said(decision)


def _difference(
    entry: Entry, arguments: dict[str, Any], would: Decision, answer: str, policy: Policy
) -> Difference:
    return Difference(
        at=entry.at,
        call=entry.call,
        project=entry.project,
        caller=entry.caller,
        operation=entry.operation,
        effect=entry.effect,
        arguments=tuple(sorted(arguments)),
        decided=_recorded(entry),
        rule=entry.rule,
        would=answer,
        other_rule=would.rule,
        policy=policy.source,
    )
