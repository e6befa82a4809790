"""Bringing a database and a key together: they belong to each other, or are not used.

The ledger of the database names its key. A database without one is new, or of the first version:
then what is there is signed once, unless the witness remembers a ledger that is gone.

A database on a server is new only if nothing is in it, and a replica without a witness is one that
has not used it before: it takes the store as it finds it, if the key has signed that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import Connection, select

from descope_mcp.store import key as keys
from descope_mcp.store.database import Database, Place
from descope_mcp.store.databases.standing import standing
from descope_mcp.store.errors import NotAsLeft, WrongKey
from descope_mcp.store.integrity import ledger, signed_rows, witness
from descope_mcp.store.integrity.witness import Witness
from descope_mcp.store.journal import hash_chain
from descope_mcp.store.key import Key
from descope_mcp.store.key_source import KeySource
from descope_mcp.store.private_files import private_directory
from descope_mcp.store.tables import journal, metadata


@dataclass(frozen=True)
class Parts:
    """What a store consists of; ``directory`` has what this machine keeps beside a server's.

    ``state`` tells it from other stores with the same key. ``source`` gives the key; without one it
    lies in ``key_file``. ``on_server`` says that the database does not lie in the directory.
    """

    place: Place
    state: str
    directory: Path
    key_file: Path
    source: KeySource | None
    on_server: bool


@dataclass(frozen=True)
class Opened:
    """A store in use."""

    database: Database
    key: Key
    witness_file: Path


def opened(parts: Parts) -> Opened:
    """The database and its key, both made if there is none.

    Raises:
        WrongKey: it is the key of another database, or the key is gone.
        StoreError: the key or the database cannot be used.
    """
    if parts.on_server:
        private_directory(parts.directory)
    database = Database(parts.place)
    try:
        if not (parts.on_server and parts.source):
            private_directory(parts.key_file.parent)
        with database.begin() as connection:
            key = _key(connection, parts)
        with database.begin() as connection:
            first = _first_witness(parts, key)
            remembered = witness.of_state(first, parts.state, ledger.store_id(connection))
            _remember(connection, key, remembered, parts)
    except BaseException:
        database.close()
        raise
    return Opened(database, key, remembered)


def _first_witness(parts: Parts, key: Key) -> Path:
    if parts.on_server:
        return witness.apart(parts.directory, key.id)
    return witness.place(parts.key_file)


def _key(connection: Connection, parts: Parts) -> Key:
    """The key of a database; what nobody has signed yet is signed."""
    named = ledger.key_id(connection)
    if named is None:
        return _first_on_server(connection, parts) if parts.on_server else _first(connection, parts)
    if parts.source is None:
        _finish_rotation(parts.key_file, named)
        if not parts.key_file.exists():
            missing = _MISSING_REPLICA if parts.on_server else _MISSING
            raise WrongKey(missing.format(parts.key_file, parts.place.name))
    key = parts.source.read() if parts.source else keys.read(parts.key_file)
    if key.id != named:
        raise _wrong(parts)
    return key


def _first(connection: Connection, parts: Parts) -> Key:
    """The key of a database without a ledger, which it gets if it never had one."""
    of_key, nothing = witness.place(parts.key_file), Witness(state=parts.state)
    if parts.source is None and not parts.key_file.exists():
        # Before the key, so that a key without a witness is one whose witness was removed.
        witness.begin(of_key, nothing)
    key = parts.source.read() if parts.source else keys.made(parts.key_file)
    begun = connection.execute(select(journal.c.seq).limit(1)).first() is not None
    if begun and not hash_chain.begun_with(key, connection):
        raise _wrong(parts)
    if not begun and not key.witnessed:
        # Nothing of this state is remembered yet; what lies there is of another key.
        of_key = witness.own_place(parts.key_file)
        witness.begin(of_key, nothing)
    remembered_in = witness.of_state(of_key, parts.state, "")
    if not begun and remembered_in != of_key:
        witness.begin(remembered_in, nothing)
    try:
        remembered = witness.read(remembered_in)
    except NotAsLeft:
        remembered = None
    if remembered and remembered.ledger == witness.BEGINNING:
        signed_rows.adopt(connection, key)
    return key


def _first_on_server(connection: Connection, parts: Parts) -> Key:
    """The key of a database without a ledger, which it gets if nothing at all is in it."""
    key = parts.source.read() if parts.source else keys.made(parts.key_file)
    tables = metadata.sorted_tables
    if not any(connection.execute(select(table).limit(1)).first() for table in tables):
        signed_rows.adopt(connection, key)
    return key


def _remember(connection: Connection, key: Key, path: Path, parts: Parts) -> None:
    """Remember the ledger before anything depends on it, and where the store is by now."""
    now = standing(connection)
    ledger_now = now if now.key is not None else None
    store, factor = ledger.store_id(connection), signed_rows.factor_row(connection)
    begun = Witness(ledger=ledger.head(connection), factor=factor, store=store)
    begun = replace(begun, state=parts.state)
    try:
        seen = witness.read(path)
        if seen is None and parts.on_server:
            ledger.proven(ledger_now, key, Witness())
            end = hash_chain.genuine_end(connection, key)
            witness.begin(path, replace(begun, journal=end))
        elif seen and seen.ledger == witness.BEGINNING:
            witness.write(path, replace(begun, journal=seen.journal))
        elif seen and seen.state != parts.state:
            ledger.proven(ledger_now, key, seen)
            witness.write(path, replace(seen, state=parts.state))
    except NotAsLeft:
        return


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


def _wrong(parts: Parts) -> WrongKey:
    name = parts.source.name if parts.source else f"the key file {parts.key_file}"
    if parts.on_server:
        return WrongKey(_ANOTHER_REPLICA.format(name, parts.place.name))
    return WrongKey(_ANOTHER.format(name))


_MISSING = (
    "the key file {} is missing, with which this state was written; restore it from a copy, or "
    "start over with another DESCOPE_MCP_STATE"
)
_MISSING_REPLICA = (
    "the key file {} is missing; every replica needs the one with which {} was begun, so put a "
    "copy of it there"
)
_ANOTHER = (
    "{} does not belong to this state, which was written with another key; restore that one "
    "(DESCOPE_MCP_KEY_FILE), or name another DESCOPE_MCP_STATE"
)
_ANOTHER_REPLICA = (
    "{} is not the key of {}; every replica needs the one with which that was begun, or the one "
    "that it was rotated to"
)
