"""Whole tasks with plans cost what they are meant to, and no more."""

from __future__ import annotations

import pytest

from benchmarks.plans import TASKS, Task, performed

pytestmark = pytest.mark.anyio


@pytest.mark.campaign
@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.title)
async def test_a_task_stays_within_its_bounds(task: Task) -> None:
    agent = await performed(task)
    assert agent.calls <= task.calls
    assert agent.characters <= task.characters
    assert len(agent.person.asked) <= task.questions
