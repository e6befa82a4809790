"""Bringing a database and a key together: they belong to each other, or are not used.

The ledger of the database names its key. A database without one is new, or of the first version:
then what is there is signed once, unless the witness remembers a ledger that is gone.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, select

from descope_mcp.store import key as keys
from descope_mcp.store import signed_rows, witness
from descope_mcp.store.database import Database
from descope_mcp.store.errors import NotAsLeft, WrongKey
from descope_mcp.store.journal.hash_chain import begun_with
from descope_mcp.store.key import Key
from descope_mcp.store.private_files import private_directory
from descope_mcp.store.tables import journal, ledger
from descope_mcp.store.witness import Witness


def opened(directory: Path, key_file: Path) -> tuple[Database, Key]:
    """The database in `directory` and its key, both made if there is none.

    Raises:
        WrongKey: the file holds the key of another database, or the key is gone.
        StoreError: the key or the database cannot be used.
    """
    database = Database(directory)
    try:
        private_directory(key_file.parent)
        with database.begin() as connection:
            key = _key(connection, key_file)
        with database.begin() as connection:
            _witness_ledger(connection, key_file)
    except BaseException:
        database.close()
        raise
    return database, key


def written_with(connection: Connection, key: Key) -> bool:
    """Whether this is the key of the database, as far as the database says."""
    named = connection.execute(select(ledger.c.key)).scalar()
    return named in (None, key.id)


def _key(connection: Connection, key_file: Path) -> Key:
    """The key of a database; what nobody has signed yet is signed."""
    named = connection.execute(select(ledger.c.key)).scalar()
    if named is None:
        return _first(connection, key_file)
    _finish_rotation(key_file, named)
    if not key_file.exists():
        raise WrongKey(
            f"the key file {key_file} is missing, with which this state was written; restore it "
            "from a copy, or begin anew with another DESCOPE_MCP_STATE"
        )
    key = keys.read(key_file)
    if key.id != named:
        raise _wrong(key_file)
    return key


def _first(connection: Connection, key_file: Path) -> Key:
    """The key of a database without a ledger, which it gets if it never had one."""
    if not key_file.exists():
        # Before the key, so that a key without a witness is one whose witness was removed.
        witness.begin(key_file)
    key = keys.made(key_file)
    begun = connection.execute(select(journal.c.seq).limit(1)).first() is not None
    if begun and not begun_with(key, connection):
        raise _wrong(key_file)
    if not begun and not key.witnessed:
        witness.begin(key_file)
    try:
        remembered = witness.read(key_file)
    except NotAsLeft:
        remembered = None
    if remembered and remembered.ledger == witness.BEGINNING:
        signed_rows.adopt(connection, key)
    return key


def _witness_ledger(connection: Connection, key_file: Path) -> None:
    """Remember the ledger before anything depends on it."""
    try:
        seen = witness.read(key_file)
    except NotAsLeft:
        return
    if seen and seen.ledger == witness.BEGINNING:
        factor = signed_rows.factor_row(connection)
        witness.write(key_file, Witness(seen.journal, signed_rows.head(connection), factor))


def _finish_rotation(key_file: Path, named: str) -> None:
    """Put the key that the database was written with in its place, and drop the other."""
    new = keys.successor(key_file)
    if not new.exists():
        # The key moves last.
        witness.place(new).unlink(missing_ok=True)
    elif keys.read(new).id == named:
        if witness.place(new).exists():
            witness.place(new).replace(witness.place(key_file))
        new.replace(key_file)
    elif key_file.exists() and keys.read(key_file).id == named:
        witness.place(new).unlink(missing_ok=True)
        new.unlink()


def _wrong(key_file: Path) -> WrongKey:
    return WrongKey(
        f"the key file {key_file} does not belong to this state, which was written with another "
        "key; restore that one (DESCOPE_MCP_KEY_FILE), or name another DESCOPE_MCP_STATE"
    )
