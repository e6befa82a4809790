"""Many clients at once: nobody is turned away, and nothing piles up."""

from __future__ import annotations

import asyncio

import pytest

from benchmarks.http import SERVE, crowd, environment, memory, serving


@pytest.mark.parametrize(
    ("clients", "seconds"),
    [(50, 2.0), pytest.param(500, 20.0, marks=pytest.mark.campaign)],
)
def test_a_crowd_is_served_and_leaves_nothing_behind(clients: int, seconds: float) -> None:
    with environment() as given, serving(SERVE, given) as (address, process):
        used = []
        for _ in range(3):
            made, failed, _ = asyncio.run(crowd(address, clients, seconds))
            assert failed == 0
            assert made >= clients
            used.append(memory(process))
        # The first round loads what calls need, and opens the connections.
        assert used[2] < used[1] * 1.1
