"""The files of the store: private, migrated, shared, and never lost without a word."""

import base64
import os
import stat
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import delete

from descope_mcp.store import rotation, target_leases
from descope_mcp.store.consent import approvals, used_confirmations
from descope_mcp.store.errors import StoreError
from descope_mcp.store.journal import hash_chain
from descope_mcp.store.journal.entries import entries
from descope_mcp.store.journal.write_ahead import intend, settle
from descope_mcp.store.store import Store
from descope_mcp.store.tables import journal, ledger, metadata
from descope_mcp.store.target_leases import Section
from tests.stores import places, reopened

from .journal.test_journal import ADA, BOB, written
from .newer import NEXT

#: What SQLite keeps of an open database.
FILES = ("state.db", "state.db-wal", "state.db-shm")


def modes(directory: Path) -> dict[str, int]:
    paths = [directory, *directory.iterdir()]
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in paths}


def test_nobody_else_can_read_it(in_files: Store) -> None:
    in_files.key.sign("x")
    with in_files.database.begin():
        assert set(modes(in_files.directory).values()) == {0o700, 0o600}
    assert modes(in_files.directory)["state"] == 0o700
    assert modes(in_files.key_file.parent) == {
        "config": 0o700,
        "key": 0o600,
        "journal-witness": 0o600,
    }


def test_a_directory_that_was_there_is_used_as_it_is(in_files: Store) -> None:
    for directory in (in_files.directory, in_files.key_file.parent):
        directory.mkdir(mode=0o755)
    in_files.key.sign("x")
    with in_files.database.begin():
        assert modes(in_files.directory) == {"state": 0o755} | dict.fromkeys(FILES, 0o600)
    assert modes(in_files.key_file.parent) == {
        "config": 0o755,
        "key": 0o600,
        "journal-witness": 0o600,
    }


@pytest.mark.parametrize("mode", [0o1777, 0o2775, 0o777])
def test_a_directory_in_which_others_can_write_is_refused_and_left(
    in_files: Store, mode: int
) -> None:
    for directory in (in_files.directory, in_files.key_file.parent):
        directory.mkdir()
        directory.chmod(mode)
        with pytest.raises(StoreError, match=rf"mode {mode:o}.*chmod go-w {directory}"):
            _ = in_files.key
        assert modes(directory) == {directory.name: mode}
        directory.chmod(0o700)


def test_a_file_that_others_can_read_is_refused_and_left(in_files: Store) -> None:
    in_files.key.sign("x")
    in_files.key_file.chmod(0o644)
    with pytest.raises(StoreError, match=rf"mode 644.*chmod go-rwx {in_files.key_file}"):
        _ = Store(in_files.directory, in_files.key_file).key
    assert modes(in_files.key_file.parent)["key"] == 0o644


@pytest.mark.parametrize(
    "name", ["w?x=1", "p%20q", "a#b", "file:c", "ä ö", "new\nline", "%(here)s"]
)
def test_the_path_is_taken_as_it_is_written(tmp_path: Path, name: str) -> None:
    store = Store(tmp_path / name / "state", tmp_path / name / "key")
    store.key.sign("x")
    with store.database.begin():
        assert {path.name for path in tmp_path.iterdir()} == {name}
        assert set(modes(tmp_path / name / "state")) == {"state", *FILES}
    store.close()


def test_a_path_that_depends_on_where_it_started_is_refused(tmp_path: Path) -> None:
    """What is left of a path in a home directory, where the account has none."""
    store = Store(Path("~/state"), Path("~/key"))
    for opened in (lambda: store.database, lambda: store.key):
        with pytest.raises(StoreError, match=r"no home directory.*DESCOPE_MCP_STATE"):
            opened()
    assert not Path("~").exists()


def test_the_migrations_make_the_tables_that_the_code_uses(own: Store) -> None:
    with own.database.begin() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_a_store_of_a_newer_program_is_left_alone(own: Store) -> None:
    with own.database.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match="newer descope-mcp"):
        _ = reopened(own).database


def test_an_old_and_a_newer_program_go_on_side_by_side(own: Store) -> None:
    def newer(call: str) -> None:
        command = [sys.executable, "-m", "tests.store.newer", *places(own), call]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert ended.returncode == 0, ended.stderr

    def old(call: str) -> None:
        intent = replace(ADA, call=call)
        section = Section(call, ("target",), 60.0)
        intend(own, intent, section, target_leases.latest(own))
        settle(own, intent, "done", section=section)

    old("old-1")
    newer("new-1")
    # The old one still runs, and another of its version starts.
    old("old-2")
    again = reopened(own)
    assert used_confirmations.consume(again, "n", 2e10)
    assert not used_confirmations.consume(own, "n", 2e10)
    newer("new-2")
    asked = next(one for one in approvals.requests(own) if one.binding == "new-2")
    assert approvals.answer(again, asked.number, approved=True)
    assert approvals.consume(own, "new-2") == asked.number
    made = ["new-2", "old-2", "new-1", "old-1"]
    assert [(entry.call, entry.result) for entry in entries(own)] == [(c, "done") for c in made]
    assert [hash_chain.problems(one)[2] for one in (own, again)] == [[], []]
    with again.database.begin() as connection:
        found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    assert found == NEXT
    again.close()


def test_an_upgrade_while_a_server_runs_stops_what_it_changes(own: Store) -> None:
    assert used_confirmations.consume(own, "before", 2e10)
    upgraded = reopened(own)
    with upgraded.database.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    told = r"was made by a newer descope-mcp.*restart what still runs the old one"
    with pytest.raises(StoreError, match=told):
        used_confirmations.consume(own, "after", 2e10)


@pytest.mark.parametrize("broken", ["not a database at all" * 50, ""])
def test_a_file_that_is_no_database_is_told_from_an_empty_one(in_files: Store, broken: str) -> None:
    in_files.directory.mkdir()
    (in_files.directory / "state.db").write_text(broken)
    (in_files.directory / "state.db").chmod(0o600)
    if broken:
        with pytest.raises(StoreError, match="not a database"):
            _ = in_files.database
    else:
        assert used_confirmations.consume(in_files, "n", 2e10)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make what belongs to another")
def test_what_belongs_to_another_account_is_refused(in_files: Store) -> None:
    in_files.directory.mkdir()
    os.chown(in_files.directory, 12345, 12345)
    with pytest.raises(StoreError, match="belongs to another account"):
        _ = in_files.database


def test_a_key_that_is_none_is_refused_and_not_replaced(own: Store) -> None:
    own.key_file.parent.mkdir()
    own.key_file.write_text("short\n")
    own.key_file.chmod(0o600)
    with pytest.raises(StoreError, match=r"no key|cannot be used"):
        _ = own.key
    assert own.key_file.read_text() == "short\n"


def test_threads_that_come_at_once_share_one_database_and_key(own: Store) -> None:
    start, found = threading.Barrier(20), list[tuple[int, bytes]]()

    def use() -> None:
        start.wait()
        found.append((id(own.database), own.key.material))

    threads = [threading.Thread(target=use) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 20
    assert len(set(found)) == 1


def test_a_key_that_was_half_made_is_made_anew(
    in_files: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a container the next process has the number of the one that died."""

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "link", dies)
        patch.setattr(Path, "unlink", dies)
        with pytest.raises(KeyboardInterrupt):
            _ = in_files.key
    assert len(in_files.key.material) == 32


_USE = """
import sys
from descope_mcp.store import target_leases
from descope_mcp.store.consent import approvals, used_confirmations
from tests.stores import at
store = at(*sys.argv[1:])
store.key
print(sum(used_confirmations.consume(store, str(n), 2e10) for n in range(40)))
"""


def test_processes_that_start_at_once_share_it(own: Store) -> None:
    """Each of forty words counts in exactly one of four processes, and there is one key."""
    command = [sys.executable, "-c", _USE, *places(own)]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    said = [process.communicate(timeout=60)[0] for process in started]
    assert [process.returncode for process in started] == [0] * 4
    assert sum(map(int, said)) == 40


def test_what_ends_a_transaction_counts_as_a_whole_or_not_at_all(own: Store) -> None:
    intend(own, ADA)
    before = entries(own)
    add = ledger.insert().values(id=2, generation=1, content="", key="", signature="")
    end = delete(journal)
    with pytest.raises(StoreError), own.begin() as connection:
        own.database.finish(connection, (end, add, add))
    assert entries(own) == before
    with own.begin() as connection:
        own.database.finish(connection, (end,))
    assert entries(own) == []


@pytest.mark.parametrize("names", [("a.key", "b.key"), ("key", "b.key"), ("b.key", "key")])
def test_keys_beside_each_other_have_a_witness_each(tmp_path: Path, names: tuple[str, str]) -> None:
    stores = [Store(tmp_path / f"of-{name}", tmp_path / "config" / name) for name in names]
    written(stores[0])
    # One that somebody made by hand has none yet, and does not take the other's.
    stores[1].key_file.write_bytes(base64.b64encode(bytes(32)))
    stores[1].key_file.chmod(0o600)
    for store in (stores[1], stores[0]):
        intend(store, replace(BOB, call=f"7{BOB.call[1:]}"))
    rotation.rotate(stores[1], "ann")
    assert [hash_chain.problems(store)[2] for store in stores] == [[], []]
    for store in stores:
        store.close()


def test_a_witness_without_the_key_s_name_is_read_on(tmp_path: Path) -> None:
    store = written(Store(tmp_path / "state", tmp_path / "config" / "a.key"))
    old = store.witness_file.rename(store.key_file.with_name("journal-witness"))
    store = reopened(store)
    settle(store, BOB, "done")
    assert (store.witness_file, hash_chain.problems(store)[2]) == (old, [])
    rotation.rotate(store, "ann")
    assert hash_chain.problems(store)[2] == []
    old.unlink()
    assert hash_chain.problems(store)[2]
    store.close()
