"""Where two policies differ, counted: what an administrator reads before a policy counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from descope_mcp.store.shadow_log import Difference

#: So many calls of each kind are shown.
_EXAMPLES = 3


@dataclass(slots=True)
class Group:
    """Calls of one operation on which the same two rules differ in the same way."""

    operation: str
    decided: str
    rule: str
    would: str
    other_rule: str
    policy: str
    calls: int
    first: float
    last: float
    examples: list[Difference]


def grouped(differences: Iterable[Difference]) -> list[Group]:
    """The differences by rules and operation, the most frequent first, each with some examples."""
    groups: dict[tuple[str, ...], Group] = {}
    for one in differences:
        key = (one.operation, one.decided, one.rule, one.would, one.other_rule, one.policy)
        group = groups.setdefault(key, Group(*key, 0, one.at, one.at, []))
        group.calls += 1
        group.first, group.last = min(group.first, one.at), max(group.last, one.at)
        if len(group.examples) < _EXAMPLES:
            group.examples.append(one)
    return sorted(groups.values(), key=lambda group: (-group.calls, group.operation))
