"""Whole tasks with plans cost what they are meant to, and no more."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.plans import TASKS, Task, performed
from tests.e2e.agent import store_of_its_own

pytestmark = pytest.mark.anyio


@pytest.mark.campaign
@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.title)
async def test_a_task_stays_within_its_bounds(task: Task, tmp_path: Path) -> None:
    with store_of_its_own(tmp_path):
        agent = await performed(task)
    assert agent.calls <= task.calls
    assert agent.characters <= task.characters
    assert len(agent.person.asked) <= task.questions
