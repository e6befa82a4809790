"""A connection to PostgreSQL that waits for no answer for ever.

The server ends what takes too long by itself (see `store.databases.postgres`); this is for one
that does not answer at all, while its machine still does.
"""

from __future__ import annotations

import time
from typing import TypeVar

import psycopg
from psycopg.abc import PQGen

#: Seconds: above every limit that the server keeps by itself.
_LONGEST = 20.0

_Found = TypeVar("_Found")


class BoundedConnection(psycopg.Connection):
    """As the driver's, but an answer that does not come ends it."""

    def wait(
        self, gen: PQGen[_Found], interval: float = 0.1, timeout: float | None = None
    ) -> _Found:
        """Wait for what the server answers.

        Raises:
            OperationalError: it has not answered in time; the connection is closed.
        """
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        began = time.monotonic()
        try:
            return super().wait(gen, interval, _LONGEST)
        except psycopg.OperationalError:
            if time.monotonic() - began >= _LONGEST:
                self.pgconn.finish()
            raise
