"""How often an administrator is asked: everyday tasks under the default and other policies."""

from __future__ import annotations

from collections import Counter

from descope_mcp.catalog.catalog import Catalog, load
from descope_mcp.catalog.operation_record import EFFECTS
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.guard.policy.file import read, ready_made
from tests.guard.policy.everyday import decided


def main() -> None:
    """Print the tables."""
    catalog = load()
    print(f"{'of 1000 everyday calls':28} {'runs':>6} {'asks':>6} {'denied':>7}")
    for effect in EFFECTS:
        _row(effect, _counted(catalog, Policy(), effect))
    _row("default policy", _counted(catalog, Policy()))
    for name in ready_made():
        rules, _ = read(name, catalog)
        _row(name, _counted(catalog, Policy(rules=rules)))
    print("\nasked about without need:")
    total = sum(task.often for task, _, _ in decided(catalog, Policy()))
    for task, _, decision in decided(catalog, Policy()):
        if task.needless and decision.action == "confirm":
            print(f"{1000 * task.often / total:6.1f}  {task.task} ({task.needless})")


def _counted(catalog: Catalog, policy: Policy, effect: str = "") -> Counter[str]:
    """How often each action is taken, weighted, for calls of `effect` or all."""
    actions: Counter[str] = Counter()
    for task, risk, decision in decided(catalog, policy):
        if effect in ("", risk.effect):
            actions[decision.action] += task.often
        actions["all"] += task.often
    return actions


def _row(name: str, actions: Counter[str]) -> None:
    shares = [1000 * actions[action] / actions["all"] for action in ("allow", "confirm", "deny")]
    print(f"{name:28} {shares[0]:6.0f} {shares[1]:6.0f} {shares[2]:7.0f}")


if __name__ == "__main__":
    main()
