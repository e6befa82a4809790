"""Several machines, one store: what each remembers and hears of the others, who holds what."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyotp
import pytest
from sqlalchemy import delete, insert, select, update

from descope_mcp.store import rotation, target_leases
from descope_mcp.store.consent import approvals, grants, second_factor, used_confirmations
from descope_mcp.store.errors import KeyChanged, NotAsLeft, WrongKey
from descope_mcp.store.journal import hash_chain, unsettled
from descope_mcp.store.journal.entries import entries
from descope_mcp.store.journal.write_ahead import intend, settle
from descope_mcp.store.store import Store
from descope_mcp.store.tables import approvals as approvals_table
from descope_mcp.store.tables import journal, ledger, sections
from descope_mcp.store.target_leases import Held, Section
from tests.stores import reopened, replica

from .journal.test_journal import ADA, BOB


@pytest.fixture
def other(on_server: Store, tmp_path: Path) -> Store:
    """The same store on another machine."""
    return replica(on_server, tmp_path / "other")


def ask(store: Store, binding: str = "b") -> int:
    request = approvals.file(
        store,
        project="P",
        caller="c",
        operation="DeleteUser",
        binding=binding,
        question="?",
        typed="",
    )
    assert request
    return request.number


def test_what_is_said_on_one_counts_once_on_all(on_server: Store, other: Store) -> None:
    number = ask(on_server)
    assert approvals.answer(other, number, approved=True)
    assert [approvals.consume(store, "b") for store in (other, on_server)] == [number, 0]
    assert used_confirmations.consume(on_server, "n", 2e10)
    assert not used_confirmations.consume(other, "n", 2e10)
    grants.create(other, project="P", operation="O", arguments={}, items=1, seconds=60.0)
    wanted = {"project": "P", "operation": "O", "items": 1, "fits": lambda _: True}
    assert [bool(grants.consume(store, **wanted)) for store in (on_server, other)] == [True, False]


def test_there_is_one_chain_and_every_machine_proves_it(on_server: Store, other: Store) -> None:
    intend(on_server, ADA)
    intend(other, BOB)
    settle(on_server, ADA, "done")
    settle(other, BOB, "done")
    for store in (on_server, other):
        assert hash_chain.problems(store)[::2] == (4, [])
        assert [entry.result for entry in entries(store)] == ["done", "done"]


def test_each_machine_notices_what_it_has_seen_itself(on_server: Store, other: Store) -> None:
    intend(on_server, ADA)
    settle(on_server, ADA, "done")
    with other.begin() as connection:
        connection.execute(delete(journal).where(journal.c.seq == 2))
    with pytest.raises(NotAsLeft, match="up to entry 2"):
        intend(on_server, BOB)


def test_an_older_ledger_is_noticed_by_whoever_has_read_a_newer_one(
    on_server: Store, other: Store
) -> None:
    """It need not have written anything itself."""
    with on_server.begin() as connection:
        before = connection.execute(select(ledger)).one()._mapping
    number = ask(on_server)
    assert approvals.request(other, number)
    with on_server.begin() as connection:
        connection.execute(delete(approvals_table))
        connection.execute(delete(ledger))
        connection.execute(insert(ledger).values(**before))
    for store in (on_server, other):
        with pytest.raises(NotAsLeft, match="older copy"):
            approvals.requests(store)


def test_the_second_factor_is_remembered_where_it_was_not_enrolled(
    on_server: Store, other: Store
) -> None:
    _ = other.key
    secret = second_factor.new_secret()
    assert second_factor.confirm(on_server, secret, pyotp.TOTP(secret).now())
    assert not second_factor.remembered(other)
    assert second_factor.enrolled(other)
    assert second_factor.remembered(other)


def test_a_new_machine_takes_the_store_as_it_finds_it(
    on_server: Store, other: Store, tmp_path: Path
) -> None:
    intend(on_server, ADA)
    late = replica(on_server, tmp_path / "late")
    assert hash_chain.problems(late)[::2] == (1, [])
    with on_server.begin() as connection:
        connection.execute(delete(journal))
    assert hash_chain.problems(late)[2]


FORGED: dict[str, Callable[[Store], None]] = {
    "without a ledger": lambda store: change(store, delete(ledger)),
    "with another ledger": lambda store: change(store, update(ledger).values(generation=99)),
    "with another end": lambda store: change(store, update(journal).values(caller="nobody")),
}


def change(store: Store, statement: object) -> None:
    with store.begin() as connection:
        connection.execute(statement)


@pytest.mark.parametrize("how", FORGED)
def test_a_new_machine_signs_nothing_that_is_not_genuine(
    on_server: Store, tmp_path: Path, how: str
) -> None:
    number = ask(on_server)
    intend(on_server, ADA)
    FORGED[how](on_server)
    change(on_server, update(approvals_table).values(status="approved"))
    late = replica(reopened(on_server), tmp_path / "late")
    assert hash_chain.problems(late)[2]
    with pytest.raises(NotAsLeft):
        intend(late, BOB)
    with pytest.raises(NotAsLeft):
        approvals.consume(late, "b")
    assert number


def test_a_rotated_key_is_asked_for_and_taken(on_server: Store, other: Store) -> None:
    intend(other, ADA)
    rotation.rotate(on_server, "root")
    for error in (KeyChanged, WrongKey):
        with pytest.raises(error):
            intend(other, BOB)
    other.key_file.write_bytes(on_server.key_file.read_bytes())
    intend(other, BOB)
    for store in (on_server, other):
        assert hash_chain.problems(store)[::2] == (3, [])


@pytest.mark.parametrize("kind", ["in_files", "on_server"])
def test_who_waits_hears_of_an_answer(kind: str, request: pytest.FixtureRequest) -> None:
    store: Store = request.getfixturevalue(kind)
    number, listening = ask(store), threading.Event()
    heard: list[tuple[bool, str]] = []

    def wait() -> None:
        waiting = reopened(store)
        with waiting.changes() as changed:
            listening.set()
            again = changed(20.0)
            found = approvals.request(waiting, number)
            heard.append((again, found.status if found else ""))

    thread = threading.Thread(target=wait)
    thread.start()
    assert listening.wait(20)
    assert approvals.answer(store, number, approved=True)
    thread.join(30)
    assert heard == [(True, "approved")]
    with store.changes() as changed:
        assert not changed(0.0)


def test_what_another_machine_holds_ends_by_itself(on_server: Store, other: Store) -> None:
    """Its process cannot be looked for; a number of this machine's says nothing about it."""
    held = Section(ADA.call, ("n",), 600.0)
    intend(on_server, ADA, held)
    change(on_server, update(sections).values(process="elsewhere/1"))
    assert not target_leases.acquire(other, Section(BOB.call, ("n",), 60.0))
    with pytest.raises(Held):
        intend(other, BOB, Section(BOB.call, ("n",), 60.0), since=9)
    (entry,) = entries(other)
    assert entry.reason == "it is still on its way"
    assert unsettled.left(other) == []
    change(on_server, update(sections).values(until=time.time() - 1))
    (entry,) = entries(other)
    assert (entry.result, entry.reason) == ("unknown", "no outcome was recorded")
    assert [left.call for left in unsettled.left(other)] == [ADA.call]
    assert target_leases.acquire(other, Section(BOB.call, ("n",), 60.0))


def test_a_plan_is_at_work_as_long_as_something_is_heard_of_it(
    own: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = replace(ADA, call="9" * 36, operation="plan")
    intend(own, plan)
    now = time.time()
    for later, at_work in ((290.0, True), (310.0, False)):
        monkeypatch.setattr(time, "time", lambda later=later: now + later)
        assert (unsettled.left(own) == []) is at_work
    monkeypatch.setattr(time, "time", lambda: now + 310.0)
    intend(own, replace(BOB, plan=plan.call, number=1))
    assert unsettled.left(own) == []
