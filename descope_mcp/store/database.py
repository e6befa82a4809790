"""The database of the store, of whatever kind, as it is used: migrated, and changed in turns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any, Protocol, TypeVar

import sqlalchemy
from sqlalchemy import Connection, Engine, Executable, RootTransaction, Row, Select
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from descope_mcp.store.databases.standing import STANDING, UNLOCKED, standing
from descope_mcp.store.errors import KeyChanged, StoreError

#: The newest migration; a store of another version is migrated before it is used. A migration that
#: older programs can live with takes the number before it and a part behind a dot, 0002.1: they go
#: on with such a store and refuse one of another number. That is a new table, or a column with a
#: default where rows are not signed, since a signature covers all columns that a program knows.
HEAD = "0003"
_Found = TypeVar("_Found")


class Place(Protocol):
    """Where a database is, and what is particular to its kind (`store.databases`)."""

    @property
    def name(self) -> str:
        """Where it is, for messages."""

    @property
    def is_there(self) -> bool:
        """Whether it was used before; nothing is made by asking."""

    def engine(self) -> Engine:
        """What connects to it. Its transactions begin with the lock of the whole store."""

    def version(self) -> str | None:
        """The version of its tables, None if it has none; nothing is made, changed or migrated."""

    def told(self, error: Exception) -> str:
        """What an error of it says to a person."""

    def scrub(self, engine: Engine) -> None:
        """See to it that what was deleted can be read nowhere."""

    def announce(self, connection: Connection) -> None:
        """Tell those who wait for a change, when the transaction ends."""

    def finish(self, connection: Connection, statements: Iterable[Executable]) -> None:
        """Execute what is left of a transaction; nobody looks at what the statements find."""

    def changes(self, engine: Engine) -> AbstractContextManager[Callable[[float], bool]]:
        """What waits for a change (`Store.changes`)."""


class Database:
    """A database that is ready: migrated, shared with other processes."""

    def __init__(self, place: Place) -> None:
        """Open the database, made and migrated if need be.

        Raises:
            StoreError: it cannot be opened, or is of a newer version of this program.
        """
        self.place = place
        self._engine = place.engine()
        try:
            with self._transaction() as connection:
                version = _version(connection)
            if version != HEAD and not newer(version, HEAD):
                self._migrate()
        except BaseException:
            self.close()
            raise

    @contextmanager
    def begin(self, key: str = "") -> Iterator[Connection]:
        """A transaction that holds the write lock; it ends with the context, or is undone.

        Args:
            key: the id of the key that is going to be used.

        Raises:
            KeyChanged: another process has replaced the key.
            StoreError: the database cannot be read or written, or another program has migrated it
                since it was opened.
        """
        with self._transaction(look=True) as connection:
            now = standing(connection)
            if now.version != HEAD and not newer(now.version, HEAD):
                raise StoreError(_NEWER.format(self.place.name))
            if key and now.key not in (None, key):
                raise KeyChanged
            yield connection

    @contextmanager
    def _transaction(self, *, look: bool = False) -> Iterator[Connection]:
        try:
            transaction = self._surely(partial(self._locked, look))
            with transaction.connection, transaction:
                yield transaction.connection
        except SQLAlchemyError as error:
            raise StoreError(f"the store cannot be used: {self.place.told(error)}") from None

    def glance(self, statement: Select[Any]) -> Sequence[Row[Any]]:
        """What a statement finds, as things stand at one moment; nobody is waited for.

        Raises:
            StoreError: the database cannot be read.
        """

        def found() -> Sequence[Row[Any]]:
            with self._engine.connect().execution_options(**{UNLOCKED: True}) as connection:
                return connection.execute(statement).all()

        try:
            return self._surely(found)
        except SQLAlchemyError as error:
            raise StoreError(f"the store cannot be used: {self.place.told(error)}") from None

    def _surely(self, begin: Callable[[], _Found]) -> _Found:
        """Do what changes nothing yet.

        A connection that was kept may have died since, with its server or on the way: then it is
        done on a new one, once.
        """
        try:
            return begin()
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
        self._engine.dispose()
        return begin()

    def _locked(self, look: bool) -> RootTransaction:
        connection = self._engine.connect().execution_options(**{STANDING: look})
        try:
            return connection.begin()
        except BaseException:
            connection.close()
            raise

    def scrub(self) -> None:
        """See to it that what was deleted can be read nowhere, as far as the database lets us.

        Raises:
            StoreError: the database cannot be written.
        """
        self.place.scrub(self._engine)

    def announce(self, connection: Connection) -> None:
        """Tell those who wait for a change, when the transaction ends."""
        self.place.announce(connection)

    def finish(self, connection: Connection, statements: Iterable[Executable]) -> None:
        """Execute what is left of a transaction; nobody looks at what the statements find.

        The connection cannot be used afterwards.
        """
        self.place.finish(connection, statements)

    def changes(self) -> AbstractContextManager[Callable[[float], bool]]:
        """What waits for a change (`Store.changes`)."""
        return self.place.changes(self._engine)

    def close(self) -> None:
        """Let go of it."""
        self._engine.dispose()

    def _migrate(self) -> None:
        from descope_mcp.store.migrations import migrate

        with self._transaction() as connection:
            try:
                migrate(connection, HEAD)
            except LookupError:
                raise StoreError(_NEWER.format(self.place.name)) from None


_NEWER = (
    "the store {} was made by a newer descope-mcp; use that version (restart what still runs the "
    "old one), or another store"
)


def fault(place: Place) -> str:
    """Why a database could not be used, "" if it could or is not there.

    Nothing is made, changed or migrated.
    """
    try:
        version = place.version()
    except StoreError as error:
        return str(error)
    known = version is None or version == HEAD or newer(version, HEAD) or version < HEAD
    return "" if known else _NEWER.format(place.name)


def newer(version: Any, head: str) -> bool:
    """Whether a store of `version` is ahead of `head` by additions alone."""
    number, _, addition = str(version).partition(".")
    own, _, added = head.partition(".")
    return number == own and addition.isdecimal() and int(addition) > int(added or 0)


def _version(connection: Connection) -> Any:
    """The version of the tables, None in an empty database."""
    if not sqlalchemy.inspect(connection).has_table("alembic_version"):
        return None
    return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
