"""Answers too large to show at once, kept for a while so that they can be read in parts.

In memory, as sealed JSON, each for the caller that got it. What is gone, as in another process, is
read from Descope again.
"""

from __future__ import annotations

import hashlib
import secrets
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pydantic_core

from descope_mcp.catalog.operation import Operation

#: How long an answer is kept, how many are, and how many bytes they take in all.
LIFETIME = 15 * 60
MOST = 40
MOST_BYTES = 64 * 1024 * 1024


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


class Shelf:
    """The kept answers of all callers; the oldest make room. May be used from any thread."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, str], tuple[float, int, Kept]] = {}

    def put(self, caller: str, answer: Kept) -> str:
        """Keep an answer; the name that the caller finds it by."""
        name = secrets.token_hex(6)
        with self._lock:
            self._kept[caller, name] = (self._now() + LIFETIME, answer.size(), answer)
            self._make_room()
        return name

    def find(self, caller: str, name: str) -> Kept | None:
        """What the caller has under this name, None if it is gone or was never theirs."""
        with self._lock:
            self._make_room()
            entry = self._kept.get((caller, name))
        return entry[2] if entry else None

    def names(self, caller: str) -> list[str]:
        """The names of what the caller has."""
        with self._lock:
            self._make_room()
            return [name for owner, name in self._kept if owner == caller]

    def _make_room(self) -> None:
        used = sum(size for _, size, _ in self._kept.values())
        for key, (until, size, _) in list(self._kept.items()):
            if until > self._now() and len(self._kept) <= MOST and used <= MOST_BYTES:
                return
            del self._kept[key]
            used -= size
