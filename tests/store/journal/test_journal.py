"""The journal tells what became of every call, and that nobody touched it."""

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import delete, select, text, update

from descope_mcp.store.consent import caps
from descope_mcp.store.errors import NotAsLeft, StoreError
from descope_mcp.store.journal import hash_chain
from descope_mcp.store.journal.entries import detail, entries
from descope_mcp.store.journal.entry import Intent, UndoneBefore
from descope_mcp.store.journal.write_ahead import intend, settle
from descope_mcp.store.store import Store
from descope_mcp.store.tables import details, metadata
from descope_mcp.store.tables import journal as table

ADA = Intent(
    call="11111111-0000-0000-0000-000000000000",
    project="P1",
    caller="stdio",
    operation="DeleteUser",
    effect="destructive",
    rule="destructive",
    consent="person",
    target='"ada@acme.example"',
    details={"arguments": {"loginId": "ada@acme.example"}, "before": [{"name": "Ada"}]},
)
BOB = replace(
    ADA,
    call="22222222-0000-0000-0000-000000000000",
    operation="UpdateUser",
    target='"bob"',
    details={},
)
UNDO = {"steps": [{"operation": "CreateUser", "arguments": {"loginId": "ada@acme.example"}}]}


def written(own: Store) -> Store:
    intend(own, ADA)
    settle(own, ADA, "done", undo=UNDO)
    intend(own, BOB)
    return own


def test_a_call_without_an_outcome_is_unknown(own: Store) -> None:
    bob, ada = entries(written(own))
    assert (ada.result, ada.settled) == ("done", True)
    assert (bob.result, bob.settled, bob.reason) == ("unknown", False, "no outcome was recorded")
    assert detail(own, ADA.call) == (ADA.details, UNDO)
    assert hash_chain.problems(own)[::2] == (3, [])


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"operation": "DeleteUser"}, [ADA.call]),
        ({"target": "ada@"}, [ADA.call]),
        ({"target": "%"}, []),
        ({"call": "2222"}, [BOB.call]),
        ({"caller": "stdio", "project": "P1"}, [BOB.call, ADA.call]),
        ({"project": "P2"}, []),
        ({"since": 4e9}, []),
        ({"until": 1e9}, []),
        ({"limit": 1}, [BOB.call]),
    ],
)
def test_entries_are_found(own: Store, filters: dict[str, str], found: list[str]) -> None:
    assert [entry.call for entry in entries(written(own), **filters)] == found


TAMPERING = {
    "an outcome": update(table)
    .where(table.c.seq == 2)
    .values(body='{"reason":"","result":"failed","undo":""}'),
    "who": update(table).where(table.c.seq == 1).values(caller="somebody"),
    "when": update(table).where(table.c.seq == 1).values(at=1.0),
    "about whom": update(table).where(table.c.seq == 1).values(target='"eve"'),
    "the details": update(details).where(details.c.call == ADA.call).values(body="x"),
    "the undo plan": update(details).where(details.c.call == ADA.call).values(undo="x"),
    "details of another": text(
        "UPDATE details SET body = (SELECT body FROM details WHERE call LIKE '2%')"
    ),
    "the first": delete(table).where(table.c.seq == 1),
    "one between": delete(table).where(table.c.seq == 2),
    "the last": delete(table).where(table.c.seq == 3),
    "all": delete(table),
}


@pytest.mark.parametrize("what", TAMPERING)
def test_whatever_is_changed_or_removed_shows(own: Store, what: str) -> None:
    with written(own).begin() as connection:
        connection.execute(TAMPERING[what])
    assert hash_chain.problems(own)[2]


def test_a_journal_that_was_put_back_shows(own: Store, tmp_path: Path) -> None:
    """An older copy of the whole database verifies in itself; the witness tells."""
    written(own)
    with own.begin() as connection:
        connection.execute(delete(table).where(table.c.seq > 2))
    assert "end is missing" in hash_chain.problems(own)[2][0]


def test_details_are_forgotten_and_the_chain_stays_whole(own: Store) -> None:
    written(own)
    own.retention = 0.0
    intend(own, replace(ADA, call="33333333-0000-0000-0000-000000000000"))
    assert detail(own, ADA.call) == ({}, None)
    assert [entry.target for entry in entries(own)] == [ADA.target, "", ""]
    assert hash_chain.problems(own)[::2] == (4, [])


def test_no_personal_data_lies_open_in_the_files(in_files: Store) -> None:
    written(in_files)
    in_files.close()
    raw = b"".join(path.read_bytes() for path in in_files.directory.iterdir())
    assert b"DeleteUser" in raw
    assert b"loginId" not in raw


def test_no_personal_data_lies_open_on_a_server(on_server: Store) -> None:
    with written(on_server).begin() as connection:
        rows = [connection.execute(select(each)).all() for each in metadata.sorted_tables]
    assert "DeleteUser" in str(rows)
    assert "loginId" not in str(rows)


def test_what_an_undo_takes_back_is_marked(own: Store) -> None:
    written(own)
    undoing = replace(BOB, call="44444444-0000-0000-0000-000000000000", undoes=ADA.call)
    intend(own, undoing)
    found = {entry.call: entry for entry in entries(own)}
    assert found[ADA.call].undone_by == undoing.call
    assert found[undoing.call].undoes == ADA.call


def test_of_two_that_take_the_same_call_back_one_runs(own: Store) -> None:
    written(own)
    first, second = (
        replace(BOB, call=f"{n}{BOB.call[1:]}", undoes=ADA.call, alone=True) for n in "45"
    )
    intend(own, first)
    with pytest.raises(UndoneBefore, match=first.call):
        intend(own, second)
    settle(own, first, "failed")
    intend(own, second)
    assert {e.call: e.undone_by for e in entries(own)}[ADA.call] == second.call
    intend(own, replace(first, call=f"6{BOB.call[1:]}", alone=False))


def test_nothing_new_is_sent_after_an_end_that_is_missing(own: Store) -> None:
    """What is under way is still written down, and covers nothing up."""
    with written(own).begin() as connection:
        connection.execute(delete(table).where(table.c.seq > 1))
    with pytest.raises(NotAsLeft, match="descope-mcp journal accept"):
        intend(own, replace(BOB, call=f"7{BOB.call[1:]}"))
    settle(own, ADA, "done")
    assert [entry.result for entry in entries(own)] == ["done"]
    assert "up to entry 3" in hash_chain.problems(own)[2][0]


@pytest.mark.parametrize("content", [None, "", "7", "x y", '{"journal": 7}'])
def test_a_lost_witness_stops_and_none_is_made_up(own: Store, content: str | None) -> None:
    witness = written(own).witness_file
    witness.unlink() if content is None else witness.write_text(content)
    settle(own, BOB, "done")
    assert hash_chain.problems(own)[2]
    with pytest.raises(NotAsLeft):
        intend(own, replace(BOB, call=f"7{BOB.call[1:]}"))


@pytest.mark.parametrize("seq", [0, 1, 2])
def test_a_witness_that_lags_behind_is_no_alarm(own: Store, seq: int) -> None:
    """A process may die between an entry and its witness, also at the very first one."""
    witness = written(own).witness_file
    with own.begin() as connection:
        known = {0: "", **dict(connection.execute(select(table.c.seq, table.c.hash)).all())}
    witness.write_text(f"{seq} {known[seq]}\n")
    assert hash_chain.problems(own)[2] == []
    settle(own, BOB, "done")
    assert json.loads(witness.read_text())["journal"][0] == 4
    assert hash_chain.problems(own)[2] == []


def test_a_call_whose_intent_cannot_be_witnessed_was_not_sent(
    own: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise StoreError("the disk is full")

    written(own)
    monkeypatch.setattr("descope_mcp.store.journal.write_ahead.advance", full)
    with pytest.raises(StoreError, match="full"):
        intend(own, replace(BOB, call=f"4{BOB.call[1:]}"))
    assert entries(own)[0].result == "not_sent"
    settle(own, BOB, "done")
    assert entries(own)[1].result == "done"


def test_a_journal_that_cannot_be_written_refuses(own: Store) -> None:
    written(own)
    with own.begin() as connection:
        connection.exec_driver_sql("DROP TABLE journal")
    with pytest.raises(StoreError, match=r"no such table|does not exist"):
        intend(own, replace(BOB, call=f"5{BOB.call[1:]}"))


def test_a_clock_that_jumps_back_spoils_neither_the_chain_nor_a_cap(
    own: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    cap = {"project": "P1", "rule": "r", "items": 1, "seconds": 3600, "most_items": None}
    monkeypatch.setattr(time, "time", lambda: 2_000_000_000.0)
    intend(own, ADA)
    assert caps.take(own, **cap, most_calls=1)
    monkeypatch.setattr(time, "time", lambda: 1_900_000_000.0)
    intend(own, BOB)
    assert [entry.operation for entry in entries(own)] == [BOB.operation, ADA.operation]
    assert hash_chain.problems(own)[::2] == (2, [])
    # What counted before the jump still counts.
    assert not caps.take(own, **cap, most_calls=1)
    assert caps.wait(own, **cap, most_calls=1) > 3600
