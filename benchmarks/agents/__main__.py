"""Print what each task costs an agent; with ``--renew`` that is what it may cost from now on."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterable

import anyio

from benchmarks.agents.conversation import Budget, budgets, conversations, record
from benchmarks.agents.replay import Unexpected, replay, stage
from descope_mcp.catalog.catalog import load

#: The aims for the median.
_AIM = Budget(calls=6, characters=4_000, tokens=1_000)


async def _measured() -> dict[str, tuple[str, Budget]]:
    """What each task costs; those that did not go as recorded are told and left out."""
    costs = {}
    async with stage(load()) as at:
        for use, talk in conversations():
            try:
                costs[talk.task] = (use, await replay(talk, at))
            except Unexpected as problem:
                print(problem, file=sys.stderr)
    return costs


def main() -> None:
    """Print the table."""
    costs = anyio.run(_measured)
    recorded = budgets()
    print(f"{'task':72} {'calls':>6} {'chars':>7} {'tokens':>7} {'budget':>7}")
    for use in sorted({use for use, _ in costs.values()}):
        print(f"-- {use}")
        for task, (of, cost) in costs.items():
            if of == use:
                most = recorded[task].characters if task in recorded else "-"
                line = f"{cost.calls:6} {cost.characters:7} {cost.tokens:7} {most:>7}"
                print(f"{task[:72]:72} {line}")
    every = [*zip(*_numbers(costs), strict=True)]
    print(f"{'median':72} {_row(map(statistics.median, every))}")
    print(f"{'most':72} {_row(map(max, every))}")
    print(f"{'aim for the median':72} {_row(_AIM.model_dump().values())}")
    if "--renew" in sys.argv[1:]:
        record({task: cost for task, (_, cost) in costs.items()})


def _numbers(costs: dict[str, tuple[str, Budget]]) -> Iterable[tuple[int, ...]]:
    return (tuple(cost.model_dump().values()) for _, cost in costs.values())


def _row(values: Iterable[float]) -> str:
    return " ".join(f"{value:{width}g}" for value, width in zip(values, (6, 7, 7), strict=True))


if __name__ == "__main__":
    main()
