"""PostgreSQL: one store for several replicas, on one machine or many.

Every transaction begins with one lock of the whole store (an advisory one, gone with the
transaction), as it does in SQLite: what it reads is what it changes, and the chain of the journal,
which is one, grows by one entry at a time. Row locks would not do: most rules are about rows that
are not there. Serializable transactions would, at the price of being repeated; all of them append
to the same chain, so that nothing would run side by side.

The lock is asked for before the first statement takes its snapshot, with the limits of the
transaction, in one message. All of it holds for the transaction alone, so that a pooler that hands
connections around between transactions does no harm; for the same reason nothing is prepared.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, Executable, create_engine, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from descope_mcp.store.databases.postgres_url import PostgresUrl
from descope_mcp.store.databases.standing import SELECT, STANDING, UNLOCKED
from descope_mcp.store.errors import StoreError

if TYPE_CHECKING:
    import psycopg

#: "descope" in a number that no other program is likely to lock.
_LOCK = int.from_bytes(b"descope", "big")
#: Where it is told that somebody has written something others wait for.
_CHANNEL = "descope_mcp"
#: Seconds: for a connection; for the lock; for a statement; and how long a transaction may do
#: nothing, which ends those of machines that are gone.
_CONNECT, _PATIENCE, _STATEMENT, _IDLE = 5, 10, 15, 30
#: What a transaction begins with. The level matters: one that keeps its first snapshot would read
#: what was there before it got the lock.
_BEGIN = f"""BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
SET LOCAL lock_timeout = '{_PATIENCE}s';
SET LOCAL statement_timeout = '{_STATEMENT}s';
SET LOCAL idle_in_transaction_session_timeout = '{_IDLE}s';
SET LOCAL synchronous_commit = on;
SELECT pg_advisory_xact_lock({_LOCK})"""
#: So many connections a process has at most: all but one wait for the lock.
_CONNECTIONS = 4


@dataclass(frozen=True)
class Postgres:
    """A database on a PostgreSQL server; its tables are made at first use."""

    url: PostgresUrl

    @property
    def name(self) -> str:
        """Where it is, for messages: without user and password."""
        return self.url.name

    def engine(self) -> Engine:
        """What connects to it.

        Raises:
            StoreError: there is no driver.
        """
        try:
            import psycopg  # noqa: F401 - only whether it is there
        except ImportError as error:
            raise StoreError(_NO_DRIVER.format(error)) from None
        engine = create_engine(
            "postgresql+psycopg://",
            creator=self._connected,
            pool_size=_CONNECTIONS,
            max_overflow=0,
            pool_timeout=_PATIENCE,
            use_native_hstore=False,
        )
        event.listen(engine, "begin", _lock)
        return engine

    def told(self, error: Exception) -> str:
        """What an error of the database says to a person, without anything of the address.

        What the server says of a statement is passed on; of a connection that fails only its kind,
        since the driver repeats there what it was given.
        """
        if isinstance(error, PoolTimeout):
            return f"PostgreSQL is too busy: no connection was free within {_PATIENCE} s"
        original: Any = getattr(error, "orig", None) or error
        said = getattr(getattr(original, "diag", None), "message_primary", None)
        if getattr(original, "sqlstate", None) == _LOCK_TIMEOUT:
            return f"PostgreSQL is too busy: the store was locked for more than {_PATIENCE} s"
        if said:
            return f"PostgreSQL says: {said}"
        text = str(original).lower()
        kind = next(
            (told for part, told in _FAILURES.items() if part in text), "it does not answer"
        )
        return f"PostgreSQL cannot be used, {kind}"

    def version(self) -> str | None:
        """The version of its tables, None if it has none; nothing is made, changed or migrated.

        Raises:
            StoreError: it could not be used.
        """
        engine = self.engine()
        try:
            with engine.connect().execution_options(**{UNLOCKED: True}) as connection:
                there = connection.exec_driver_sql("SELECT to_regclass('alembic_version')").scalar()
                if there is None:
                    return None
                statement = "SELECT version_num FROM alembic_version"
                return str(connection.exec_driver_sql(statement).scalar())
        except SQLAlchemyError as error:
            raise StoreError(f"the store {self.name} cannot be used: {self.told(error)}") from None
        finally:
            engine.dispose()

    @property
    def is_there(self) -> bool:
        """Whether there are tables in it.

        Raises:
            StoreError: it could not be used.
        """
        return self.version() is not None

    def scrub(self, engine: Engine) -> None:
        """Leave it to the server to write over what was deleted (see docs/state.md)."""

    def announce(self, connection: Connection) -> None:
        """Tell those who wait for a change, when the transaction ends."""
        connection.exec_driver_sql(f"NOTIFY {_CHANNEL}")

    def finish(self, connection: Connection, statements: Iterable[Executable]) -> None:
        """Execute what is left of a transaction, and end it.

        All is sent before an answer is waited for (libpq's pipeline), since every wait costs more
        than what it waits for. After a statement that fails none of the others counts.
        """
        raw: Any = connection.connection.driver_connection
        with _told_to(connection, raw), raw.pipeline():
            for statement in statements:
                connection.execute(statement)
            raw.execute("COMMIT")

    @contextmanager
    def changes(self, engine: Engine) -> Iterator[Callable[[float], bool]]:
        """What waits for somebody's next announcement (`Store.changes`).

        It has a connection of its own, as long as it waits.

        Raises:
            StoreError: it cannot listen.
        """
        import psycopg

        try:
            with self._connected() as listening:
                listening.execute(f"LISTEN {_CHANNEL}")

                def wait(seconds: float) -> bool:
                    try:
                        heard = list(listening.notifies(timeout=seconds, stop_after=1))
                    except psycopg.Error as error:
                        raise StoreError(f"the store cannot be used: {self.told(error)}") from None
                    return bool(heard)

                yield wait
        except psycopg.Error as error:
            raise StoreError(f"the store cannot be used: {self.told(error)}") from None

    def _connected(self) -> psycopg.Connection:
        from descope_mcp.store.databases.bounded_connection import BoundedConnection

        given = dict(_UNLESS_GIVEN)
        if not self.url.is_local and "PGSSLMODE" not in os.environ:
            given["sslmode"] = "require"
        for name in self.url.parameters:
            given.pop(name, None)
        made = BoundedConnection.connect(
            self.url.text, autocommit=True, prepare_threshold=None, **given
        )
        # Told at the start of every connection; what a pooler does not pass on is not known.
        encoding = made.info.parameter_status("server_encoding")
        if encoding not in (None, "UTF8"):
            made.close()
            raise StoreError(_ENCODING.format(self.name, encoding, self.url.database))
        return made


def _lock(connection: Connection) -> None:
    """Begin a transaction with the lock of the store.

    Past SQLAlchemy, whose statements have parameters and come one by one.
    """
    if connection.get_execution_options().get(UNLOCKED):
        return
    raw: Any = connection.connection.driver_connection
    look = connection.get_execution_options().get(STANDING)
    with _told_to(connection, raw):
        cursor = raw.execute(f"{_BEGIN}; {SELECT}" if look else _BEGIN)
        if look:
            while cursor.nextset():
                pass
            connection.info[STANDING] = cursor.fetchone()


@contextmanager
def _told_to(connection: Connection, raw: Any) -> Iterator[None]:
    """Raise what the driver raises as SQLAlchemy would, and tell it of a connection that is lost.

    Raises:
        DBAPIError: the driver has failed.
    """
    import psycopg

    try:
        yield
    except psycopg.Error as error:
        lost = bool(raw.closed)
        if lost:
            connection.invalidate()
        raise DBAPIError(None, None, error, connection_invalidated=lost) from None


#: What a connection is made with where the address says nothing else: a server that is gone is
#: noticed, and of several the one that can be written is taken.
_UNLESS_GIVEN: dict[str, Any] = {
    "connect_timeout": _CONNECT,
    "application_name": "descope-mcp",
    "target_session_attrs": "read-write",
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
#: PostgreSQL's code for a lock that was waited for too long.
_LOCK_TIMEOUT = "55P03"
#: Parts of what the driver says of a connection that fails, and what a person is told.
_FAILURES = {
    "password": "it refuses the user or the password",
    "authentication failed": "it refuses the user or the password",
    "pg_hba.conf": "it does not let this user in from here, or not without TLS",
    "starting up": "it is just starting",
    "shutting down": "it is just shutting down",
    "remaining connection slots": "it takes no more connections",
    "too many": "it takes no more connections",
    "does not exist": "it has no such database or user",
    "does not support ssl": "it does not offer TLS (sslmode=disable in the address goes without)",
    "certificate": "its certificate does not fit",
    "connection refused": "nothing listens at its address",
    "no such file": "there is no such socket",
    "resolve host": "its host is not known",
    "translate host name": "its host is not known",
    "read-write": "it takes no changes (a standby)",
    "read-only": "it takes no changes (a standby)",
}
_ENCODING = (
    "the store {} cannot be used: its encoding is {}, which cannot hold every name; make a "
    "database with `createdb -E UTF8 -T template0 {}`"
)
_NO_DRIVER = (
    "the driver of PostgreSQL is missing ({}); install it with: pip install 'descope-mcp[postgres]'"
)
