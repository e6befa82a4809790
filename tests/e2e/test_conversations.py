"""What tasks cost an agent: conversations that were recorded still reach their goal, as cheaply."""

from __future__ import annotations

import pytest

from benchmarks.agents.conversation import budgets, conversations
from benchmarks.agents.replay import replay, stage
from descope_mcp.catalog.catalog import Catalog

pytestmark = pytest.mark.anyio

#: Words may change a little without a new record.
_ROOM = 1.05


async def test_every_task_is_done_within_its_budget(catalog: Catalog) -> None:
    recorded, over = budgets(), []
    talks = list(conversations())
    assert {talk.task for _, talk in talks} == set(recorded), "python -m benchmarks.agents --renew"
    async with stage(catalog) as at:
        for _, talk in talks:
            cost, most = await replay(talk, at), recorded[talk.task]
            if cost.calls > most.calls or cost.characters > _ROOM * most.characters:
                over.append(f"{talk.task}: {cost} of {most}")
    assert not over, "\n".join(over)


def test_there_are_tasks_of_every_kind_of_use() -> None:
    uses = [use for use, _ in conversations()]
    assert len(uses) >= 20
    assert set(uses) == {"chat", "ide", "support"}
