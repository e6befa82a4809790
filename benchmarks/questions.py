"""How often an administrator is asked, and how long the questions are, under the policies."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio

from descope_mcp.catalog.catalog import Catalog, load
from descope_mcp.catalog.operation_record.effect import EFFECTS
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.guard.policy.file import read, ready_made
from descope_mcp.guard.question.renderers.terminal import screen
from descope_mcp.store.store import Store
from tests.call.everyday_questions import asked
from tests.call.varied_questions import fifteen
from tests.guard.policy.everyday import decided


def main() -> None:
    """Print the tables; with `--show`, fifteen questions as a terminal shows them instead."""
    catalog = load()
    if sys.argv[1:] == ["--show"]:
        with TemporaryDirectory() as directory:
            store = Store(Path(directory, "state"), Path(directory, "key", "key"))
            said = anyio.run(fifteen, catalog, store)
        print("\f\n".join(f"{screen(one)}\n" for one in said), end="")
        return
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
    _lengths(catalog)


def _lengths(catalog: Catalog) -> None:
    """How long questions are, and how much a person reads before the consequence."""
    with TemporaryDirectory() as directory:
        store = Store(Path(directory, "state"), Path(directory, "key", "key"))
        told = anyio.run(asked, catalog, store)
    print(f"\n{'questions at 80 columns':44} {'lines':>6} {'before the consequence':>23}")
    for title, said in told.items():
        text = screen(said).split("\n")
        first = next(n for n, line in enumerate(text) if line.startswith(said.consequence[:20]))
        print(f"{title:44} {len(text):6} {first:23}")


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
