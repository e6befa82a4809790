"""Answers too large to show at once, kept for a while so that they can be read in parts.

In memory, as sealed JSON, each for the caller that got it. What is gone, as in another process, is
read from Descope again where its next part says how.
"""

from __future__ import annotations

import hashlib
import secrets
import sys
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pydantic_core

from descope_mcp.catalog.operation import Operation
from descope_mcp.guard.scopes import lacking

#: How long an answer is kept, how many of a caller are, and how many bytes all take together.
LIFETIME = 15 * 60
MOST = 40
MOST_BYTES = 64 * 1024 * 1024
#: Where one went that is not there, for its caller.
GONE = (
    f"This answer is not kept (any more): answers stay for {LIFETIME // 60} minutes in the memory "
    "of the process that made them, each for its caller and what their token is for, until newer "
    "ones need the room. Another process or replica does not have it."
)


@dataclass(frozen=True, slots=True)
class Listed:
    """The list of an answer, without its elements.

    ``field`` is its name ("" if the answer is the list), ``frame`` what else the answer holds.
    ``first`` is the place of its first element in the service's list, ``total`` the length of
    that (both None if nobody knows), and ``onward`` the call that reads on after the last.
    """

    field: str
    frame: Mapping[str, Any]
    first: int | None
    total: int | None
    onward: Mapping[str, Any] | None


@dataclass(frozen=True)
class Kept:
    """A kept answer: a list and its elements, each as JSON; or, of any other, the whole text.

    ``origin`` are the arguments of ``descope_read`` that read it again, None where that is not to
    be done: of a change, of a call with a secret.
    """

    operation: Operation
    listed: Listed | None = None
    rows: tuple[str, ...] = ()
    text: str = ""
    origin: Mapping[str, Any] | None = None

    @cached_property
    def digest(self) -> str:
        """Tells this answer from what is read another time."""
        total = hashlib.blake2b(self.text.encode(), digest_size=6)
        for row in self.rows:
            total.update(row.encode())
        return total.hexdigest()

    def onward(self, after: int) -> dict[str, Any]:
        """The arguments by which it is read on, in another process too."""
        if self.origin is None:
            return {"from": after}
        return {"from": after, "of": dict(self.origin), "digest": self.digest}

    def data(self) -> Any:
        """The whole answer."""
        if self.listed is None:
            return pydantic_core.from_json(self.text)
        rows = [pydantic_core.from_json(row) for row in self.rows]
        return {**self.listed.frame, self.listed.field: rows} if self.listed.field else rows

    def size(self) -> int:
        """The bytes that it takes, roughly."""
        return sys.getsizeof(self.text) + sum(map(sys.getsizeof, self.rows))


@dataclass
class _Caller:
    """What one caller has: names, the oldest first, and their size together."""

    names: dict[str, None] = field(default_factory=dict)
    size: int = 0


class Shelf:
    """The kept answers of all callers. May be used from any thread.

    The oldest of a caller make room for its own next ones, and where all together take too much,
    the oldest of the caller who has most: nobody loses an answer by what somebody else reads.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        #: All of them, the oldest first.
        self._kept: dict[tuple[str, str], tuple[float, int, Kept]] = {}
        self._callers: dict[str, _Caller] = {}

    def put(self, caller: str, answer: Kept) -> str:
        """Keep an answer; the name that the caller finds it by."""
        name, size = secrets.token_hex(6), answer.size()
        with self._lock:
            self._drop_old()
            own = self._callers.setdefault(caller, _Caller())
            self._kept[caller, name] = (self._now() + LIFETIME, size, answer)
            own.names[name] = None
            own.size += size
            if len(own.names) > MOST:
                self._drop(caller)
            while sum(one.size for one in self._callers.values()) > MOST_BYTES:
                self._drop(max(self._callers, key=lambda one: self._callers[one].size))
        return name

    def find(self, caller: str, name: str, scopes: Collection[str] | None = None) -> Kept | None:
        """What the caller has under this name, None if it is gone or was never theirs.

        `scopes` are those of the token that they ask with, None where none limit it: what was read
        with one token is not read on with another that is not for it.
        """
        with self._lock:
            self._drop_old()
            entry = self._kept.get((caller, name))
        if entry is None or lacking(scopes, "read", entry[2].operation.toolset):
            return None
        return entry[2]

    def names(self, caller: str) -> list[str]:
        """The names of what the caller has."""
        with self._lock:
            self._drop_old()
            own = self._callers.get(caller)
            return list(own.names) if own else []

    def _drop_old(self) -> None:
        for (caller, _), (until, _, _) in list(self._kept.items()):
            if until > self._now():
                return
            self._drop(caller)

    def _drop(self, caller: str) -> None:
        """Let go of the oldest that a caller has."""
        own = self._callers[caller]
        name = next(iter(own.names))
        del own.names[name]
        own.size -= self._kept.pop((caller, name))[1]
        if not own.names:
            del self._callers[caller]
