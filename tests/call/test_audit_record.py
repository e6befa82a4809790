"""What the journal says when something goes wrong around a call that has run."""

from __future__ import annotations

from pathlib import Path

import pytest

from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Completed
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.restore import restore_steps
from descope_mcp.store.errors import StoreError
from descope_mcp.store.journal import entries as journal
from descope_mcp.store.journal import write_ahead
from descope_mcp.store.store import Store
from tests.recorder import recording

pytestmark = pytest.mark.anyio

CALL = Call("CreateUser", {"loginId": "ada"}, "somebody")


def broken(*_: object) -> None:
    raise RuntimeError("made for the test")


async def test_a_way_back_that_cannot_be_worked_out_hides_no_outcome(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restore_steps, "plan", broken)
    store = Store(tmp_path / "state", tmp_path / "key")
    async with recording() as recorder:
        services = recorder.services(catalog, store=store)
        assert isinstance(await invoke(CALL, services), Completed)
    (entry,) = journal.entries(store)
    assert entry.result == "done"
    assert "could not be worked out" in journal.detail(store, entry.call)[1]["missing"][0]
    store.close()


async def test_a_failure_after_the_answer_is_no_call_that_was_not_sent(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("descope_mcp.call.send.clean", broken)
    store = Store(tmp_path / "state", tmp_path / "key")
    async with recording() as recorder:
        services = recorder.services(catalog, store=store)
        with pytest.raises(RuntimeError):
            await invoke(CALL, services)
        assert len(recorder.requests) == 1
    (entry,) = journal.entries(store)
    assert (entry.result, entry.settled) == ("unknown", True)
    store.close()


async def test_an_outcome_that_cannot_be_written_is_told_with_the_answer(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(write_ahead, "settle", full)
    store = Store(tmp_path / "state", tmp_path / "key")
    async with recording() as recorder:
        services = recorder.services(catalog, store=store)
        outcome = await invoke(CALL, services)
    assert isinstance(outcome, Completed)
    assert "shows it as unknown" in outcome.notes[0]
    assert journal.entries(store)[0].result == "unknown"
    store.close()
