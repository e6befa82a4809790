"""Stores with one key do not accuse each other, and each is missed where it was."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from descope_mcp.store import rotation
from descope_mcp.store.errors import NotAsLeft
from descope_mcp.store.integrity import accept_damage
from descope_mcp.store.journal import hash_chain
from descope_mcp.store.journal.entries import entries
from descope_mcp.store.journal.write_ahead import intend
from descope_mcp.store.machine_tokens import create, find
from descope_mcp.store.store import Store
from tests.postgres import cluster
from tests.stores import close_all, reopened

from .journal.test_journal import BOB, written

Stores = tuple[Store, Store]


@pytest.fixture(params=["in files", "on a server"])
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stores]:
    """Two stores with the same key, of the same account."""
    key = tmp_path / "config" / "key"
    if request.param == "in files":
        made = (Store(tmp_path / "one", key), Store(tmp_path / "two", key))
    else:
        urls = (cluster().database(), cluster().database())
        made = (
            Store(tmp_path / "state", key, url=urls[0]),
            Store(tmp_path / "state", key, url=urls[1]),
        )
    yield made
    for store in made:
        store.close()
    close_all()


@pytest.fixture
def in_directories(tmp_path: Path) -> Iterator[Stores]:
    """The same in SQLite, each used and closed."""
    key = tmp_path / "config" / "key"
    made = (written(Store(tmp_path / "one", key)), written(Store(tmp_path / "two", key)))
    for store in made:
        store.close()
    yield made
    close_all()


def changed(store: Store, number: int = 7) -> Store:
    """The store as another process finds it, with one more call in it."""
    again = reopened(store)
    intend(again, replace(BOB, call=f"{number}{BOB.call[1:]}"))
    return again


def stopped(store: Store, why: str) -> None:
    with pytest.raises(NotAsLeft, match=why):
        changed(store)


def test_each_is_as_it_was_left(both: Stores) -> None:
    one, two = both
    # A token is written into the signed rows alone, a call into the journal.
    token = create(one, "nightly", ["descope:read"], 60)[1]
    written(two)
    for store, number in ((one, 5), (two, 6), (one, 7), (two, 8)):
        assert hash_chain.problems(changed(store, number))[2] == []
    assert find(reopened(one), token) is not None
    assert find(reopened(two), token) is None
    assert len({reopened(one).witness_file, reopened(two).witness_file}) == 2


@pytest.mark.parametrize("gone", [0, 1])
def test_one_that_was_deleted_is_missed_where_it_was(in_directories: Stores, gone: int) -> None:
    store, other = in_directories[gone], in_directories[1 - gone]
    shutil.rmtree(store.directory)
    stopped(store, "journal's end is missing, up to entry 3")
    # Nor does a link to somewhere else make a new one of it.
    shutil.rmtree(store.directory)
    elsewhere = store.directory.with_name("elsewhere")
    elsewhere.mkdir(mode=0o700)
    store.directory.symlink_to(elsewhere)
    stopped(store, "journal's end is missing, up to entry 3")
    assert hash_chain.problems(changed(other))[2] == []


def test_one_in_the_place_of_the_other_is_noticed(tmp_path: Path) -> None:
    """Also where neither has a journal, and its ledger is the newer one."""
    key = tmp_path / "config" / "key"
    one, two = Store(tmp_path / "one", key), Store(tmp_path / "two", key)
    assert one.key == two.key
    for number in range(3):
        create(two, f"n{number}", ["descope:read"], 60)
    with two.begin() as connection:
        connection.exec_driver_sql("DELETE FROM journal")
    for store in (one, two):
        store.close()
    shutil.rmtree(one.directory)
    shutil.copytree(two.directory, one.directory)
    stopped(one, "another store lies in its place")
    close_all()


@pytest.mark.parametrize("which", [0, 1])
def test_one_that_was_moved_is_known_again(in_directories: Stores, which: int) -> None:
    store, other = in_directories[which], in_directories[1 - which]
    moved = Store(store.directory.rename(store.directory.with_name("moved")), store.key_file)
    assert hash_chain.problems(changed(moved))[2] == []
    # Where it was, another can begin; and an older copy of it is one anywhere.
    assert hash_chain.problems(written(reopened(store)))[2] == []
    assert hash_chain.problems(changed(other))[2] == []
    assert [len(entries(reopened(one))) for one in (moved, store, other)] == [3, 2, 3]


def test_an_older_copy_is_one_wherever_it_lies(in_directories: Stores, tmp_path: Path) -> None:
    old = shutil.copytree(in_directories[1].directory, tmp_path / "old")
    changed(in_directories[1])
    close_all()
    stopped(Store(old, in_directories[1].key_file), "journal's end is missing, up to entry 4")


def test_what_is_accepted_of_one_leaves_the_other_alone(in_directories: Stores) -> None:
    one, two = in_directories
    shutil.rmtree(two.directory)
    lost = reopened(two)
    accept_damage.accept(lost, "ann", hash_chain.problems(lost)[2])
    for store in (two, one):
        assert hash_chain.problems(changed(store))[2] == []


def test_a_key_of_others_is_not_replaced(both: Stores) -> None:
    one, two = map(written, both)
    with pytest.raises(rotation.KeyOfOthers, match=two.state):
        rotation.rotate(one, "ann")
    assert hash_chain.problems(changed(two))[2] == []
    reopened(two).witness_file.unlink()
    rotation.rotate(one, "ann")
    assert hash_chain.problems(changed(one))[2] == []
