"""How often an administrator is asked, on what administrators do all day."""

from __future__ import annotations

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.policy.decision import Policy
from tests.guard.policy.everyday import decided, tasks

#: Of a thousand everyday calls, at most so many are asked about.
MOST_ASKED = 231
#: And so many of them without need.
MOST_NEEDLESS = 38


def test_each_task_is_decided_as_the_table_says(catalog: Catalog) -> None:
    got = {task.task: decision.action for task, _, decision in decided(catalog, Policy())}
    assert got == {task.task: "confirm" if task.asks else "allow" for task in tasks()}


def test_people_are_not_asked_more_often(catalog: Catalog) -> None:
    met = [(task, decision.action) for task, _, decision in decided(catalog, Policy())]
    total = sum(task.often for task, _ in met)
    asked = sum(task.often for task, action in met if action == "confirm")
    needless = sum(task.often for task, action in met if action == "confirm" and task.needless)
    assert len(met) >= 60
    assert 1000 * asked / total <= MOST_ASKED
    assert 1000 * needless / total <= MOST_NEEDLESS
