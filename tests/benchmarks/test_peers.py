"""The comparison: its page says what was measured, and measuring measures."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.peers import conduct, environments, page, results, rows, run, servers
from benchmarks.peers.client import LEGACY, Stdio
from benchmarks.peers.contract import SPECS
from benchmarks.peers.relay import relaying


def test_the_page_and_its_plots_show_the_kept_figures() -> None:
    kept = results.read()
    known = {row.name for row in rows.ROWS}
    assert all(set(column.figures) <= known for column in kept.columns)
    shown = page.PAGE.read_text()
    assert page.written(shown, kept) == shown
    assert {name: (page.IMAGES / name).read_text() for name in page.plots(kept)} == page.plots(kept)


def test_a_row_in_which_another_one_is_ahead_needs_a_reason() -> None:
    kept = results.read()
    better = [
        replace(column, figures={**column.figures, "unasked": [50 if column.own else 0, 78]})
        for column in kept.columns
    ]
    with pytest.raises(ValueError, match="say why"):
        page.written(page.PAGE.read_text(), replace(kept, columns=better))


def test_the_number_of_queries_is_that_of_the_search_that_is_shown() -> None:
    kept = results.read()
    speed = [replace(column, figures={"start": 1.0}) for column in kept.columns]
    newer = results.together(replace(kept, queries=5, columns=speed), kept)
    assert newer.queries == kept.queries
    assert [column.figures["start"] for column in newer.columns] == [1.0] * len(speed)
    searched = replace(kept, queries=5)
    assert results.together(searched, kept).queries == 5


def test_a_peer_and_this_project_are_told_apart() -> None:
    """In short, with the smallest of the peers."""
    try:
        environments.ivotoby(make=False)
    except environments.Missing as error:
        pytest.skip(str(error))
    with run.ground(SPECS / "openapi.json") as common, relaying(common.address) as relay:
        hub, _ = servers.own_servers()
        _, dynamic = servers.ivotoby_servers(make=False)
        caught = {}
        for server in (hub, dynamic):
            session = Stdio(server.stdio, common.settings(relay.address), LEGACY)
            examples = conduct.exemplary(common.catalog)[:3]
            trial = conduct.Trial(server, session, relay)
            caught[server.title] = conduct.undeclared(trial, examples)
            session.close()
    assert caught == {hub.title: (3, 3), dynamic.title: (0, 3)}
