"""Promises about what is kept: secrets, and the record of what was done."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from descope_mcp.call.outcome import Completed
from descope_mcp.cli.policy_trials.verification.proof import Proof, became, spelled
from descope_mcp.cli.policy_trials.verification.stage import DATABASE, Stage
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.sandbox.keys.tables import ACCESS_KEY_SECRETS
from descope_mcp.store.errors import StoreError
from descope_mcp.store.journal import entries as journal
from descope_mcp.store.journal import hash_chain
from descope_mcp.store.store import Store


async def secret_is_sealed(stage: Stage) -> Proof:
    """That a new key's secret reaches neither the caller nor the disk in the clear."""
    proof = Proof("a secret is sealed: in the answer, in the journal and on the disk")
    arguments = {"name": "probe", "roleNames": ["Viewer"]}
    outcome = await stage.confirmed("CreateAccessKey", arguments, stage.under(Policy()))
    keys = stage.state.all(ACCESS_KEY_SECRETS)
    if not isinstance(outcome, Completed) or not keys:
        proof.broken(spelled("CreateAccessKey", arguments), became(outcome), "the sandbox")
        return proof
    secret = str(keys[-1]["cleartext"])
    store = stage.services.store
    told = f"{outcome.data} {[str(entry) for entry in journal.entries(store)]}"
    # Whoever closes a file of an open database by hand drops the locks that SQLite has on it.
    store.close()
    disk = b"".join(path.read_bytes() for path in _files(store.directory))
    where = [
        part
        for part, found in (("the answer", secret in told), ("the disk", secret.encode() in disk))
        if found
    ]
    shown = f"answered as {outcome.data.get('cleartext')}"
    fault = f"in the clear in {' and '.join(where)}"
    proof.expect(not where, spelled("CreateAccessKey", arguments), shown, fault)
    return proof


async def changes_are_recorded(stage: Stage) -> Proof:
    """That a change has its entry in the journal, with what allowed it."""
    proof = Proof("every change has an entry in the journal that says what allowed it")
    arguments = {"name": "Recorded"}
    outcome = await stage.confirmed("CreateRole", arguments, stage.under(Policy()))
    call = outcome.call_id if isinstance(outcome, Completed) else ""
    found = journal.entries(stage.services.store, call=call) if call else []
    kept = len(found) == 1 and found[0].result == "done" and bool(found[0].consent)
    shown = f"{found[0].result}, by {found[0].consent}" if found else "no entry"
    proof.expect(kept, spelled("CreateRole", arguments), shown, "call.audit_record")
    return proof


async def tampering_shows(stage: Stage) -> Proof:
    """That the journal notices a row that was removed, changed or cut off at the end."""
    proof = Proof("the journal notices a row that was removed or changed")
    await changes_are_recorded(stage)
    store = stage.services.store
    count, _, wrong = hash_chain.problems(store)
    proof.expect(not wrong and count > 1, "journal verify", f"{count} rows, whole", "the journal")
    for what, statement in (
        ("one in the middle was removed", "DELETE FROM journal WHERE seq = 1"),
        (
            "the newest was removed",
            "DELETE FROM journal WHERE seq = (SELECT max(seq) FROM journal)",
        ),
        ("one was changed", "UPDATE journal SET caller = 'nobody' WHERE seq = 2"),
    ):
        found = _altered(store, statement)
        shown = f"{what}: {found[0] if found else 'not noticed'}"
        proof.expect(bool(found), "journal verify", shown, "store.journal.hash_chain")
    return proof


def own_journal(store: Store) -> Proof:
    """That the journal of the settings is whole, and would notice the loss of its newest entry.

    Both are tried on a copy; the store itself is only read.
    """
    proof = Proof("your own journal (a copy of it) is whole, and notices the loss of its end")
    try:
        if not _is_there(store):
            proof.tried("journal verify", "there is none yet")
            return proof
        with (
            TemporaryDirectory(prefix="descope-mcp-verify-") as name,
            closing(_copied(store, Path(name))) as copy,
        ):
            _look_through(copy, proof)
    except (StoreError, sqlite3.Error, OSError) as error:
        proof.broken("journal verify", str(error), "the store of the settings")
    return proof


def _look_through(copy: Store, proof: Proof) -> None:
    count, _, wrong = hash_chain.problems(copy)
    shown = f"{count} rows, {wrong[0] if wrong else 'whole'}"
    proof.expect(not wrong, "journal verify", shown, "the store of the settings")
    if count and not wrong:
        found = _altered(copy, "DELETE FROM journal WHERE seq = (SELECT max(seq) FROM journal)")
        shown = f"the newest was removed: {found[0] if found else 'not noticed'}"
        proof.expect(bool(found), "journal verify", shown, "store.journal.hash_chain")


def _files(directory: Path) -> list[Path]:
    return [path for path in directory.iterdir() if path.is_file()]


def _is_there(store: Store) -> bool:
    if store.is_shared or store.key_source:
        return not store.is_new
    return (store.directory / DATABASE).exists() and store.key_file.exists()


def _copied(store: Store, place: Path) -> Store:
    """A store with the same rows and the same key, in a directory that only its owner reads."""
    state, config = place / "state", place / "config"
    for made in (state, config):
        made.mkdir(mode=0o700)
    if store.is_shared or store.key_source:
        return _read_over(store, Store(state, config / "key"))
    directory, key_file = store.directory, store.key_file
    (state / DATABASE).touch(0o600)
    source = f"file:{directory / DATABASE}?mode=ro"
    with (
        closing(sqlite3.connect(source, uri=True)) as own,
        closing(sqlite3.connect(state / DATABASE)) as copy,
    ):
        own.backup(copy)
    for beside in key_file.parent.iterdir():
        # The key may lie in the directory of the database, which is copied already.
        copied = beside.name.startswith(DATABASE)
        if not copied and beside.is_file() and beside.stat().st_size <= _LARGEST:
            kept = config / beside.name
            kept.touch(0o600)
            kept.write_bytes(beside.read_bytes())
    return Store(state, config / key_file.name)


def _read_over(store: Store, copy: Store) -> Store:
    """The copy, with what a store on a server holds, or one whose key is given."""
    from sqlalchemy import select

    from descope_mcp.store.database import Database
    from descope_mcp.store.databases.sqlite import Sqlite
    from descope_mcp.store.integrity import witness
    from descope_mcp.store.key import written
    from descope_mcp.store.private_files import replace
    from descope_mcp.store.tables import metadata

    with store.begin() as connection:
        # Within the transaction, so that the two belong together.
        replace(witness.own_place(copy.key_file), store.witness_file.read_bytes())
        found = {table: connection.execute(select(table)).all() for table in metadata.sorted_tables}
    replace(copy.key_file, written(store.key.material))
    with closing(Database(Sqlite(copy.directory))) as database, database.begin() as connection:
        for table, rows in found.items():
            if rows:
                connection.execute(table.insert(), [dict(row._mapping) for row in rows])
    return copy


#: What lies beside a key and belongs to it is small.
_LARGEST = 65536


def _altered(store: Store, statement: str) -> list[str]:
    """What the journal says is wrong once a statement has been run on it; it is taken back."""
    with closing(sqlite3.connect(store.directory / DATABASE)) as connection:
        rows = connection.execute("SELECT * FROM journal").fetchall()
        connection.execute(statement)
        connection.commit()
        found = hash_chain.problems(store)[2]
        connection.execute("DELETE FROM journal")
        values = ", ".join("?" * len(rows[0]))
        connection.executemany(f"INSERT INTO journal VALUES ({values})", rows)  # noqa: S608
        connection.commit()
    return found
