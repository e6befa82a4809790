"""What the journal is told of a call, and what it tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

#: How a call ended: it ran, Descope refused it, it was not sent, or nobody knows.
Result = Literal["done", "failed", "not_sent", "unknown"]


@dataclass(frozen=True, slots=True)
class Intent:
    """A call that is about to be sent.

    ``consent`` is what allowed it: a rule of the policy, a person, an approval or a grant.
    ``details`` are its arguments and the before-state, without secrets; ``target`` names what it
    is about for a person. ``undoes`` is the call that it takes back, ``back`` which of the calls
    that do so it is, counted from 1, and how many these are; ``alone`` says that no other call may
    have done the same before. Of a call that belongs to a plan, ``plan`` is the
    plan's id and ``number`` its place there.
    """

    call: str
    project: str
    caller: str
    operation: str
    effect: str
    rule: str
    consent: str
    target: str = field(default="", repr=False)
    details: Mapping[str, Any] = field(default_factory=dict, repr=False)
    undoes: str = ""
    back: tuple[int, int] | None = None
    alone: bool = False
    plan: str = ""
    number: int = 0


class UndoneBefore(Exception):
    """Another call takes back the same call, or has done so; ``by`` is its id."""

    ends_as_planned = True

    def __init__(self, by: str) -> None:
        super().__init__(by)
        self.by = by


class RanBefore(Exception):
    """A call of a plan was sent already, or may have been; ``by`` is its id."""

    ends_as_planned = True

    def __init__(self, by: str) -> None:
        super().__init__(by)
        self.by = by


@dataclass(frozen=True, slots=True)
class Entry:
    """A call in the journal. ``result`` is "unknown" too where no outcome was recorded.

    Of an act, ``result`` is its kind and ``consent`` the way in which it was done. ``held`` says of
    a call without an outcome whether it still holds its targets; None where it held none.
    ``undone_by`` is the first of the calls that took it back, or may have, once all have run;
    before that, ``undone_steps`` are those of them that have.
    """

    seq: int
    call: str
    at: float
    project: str
    caller: str
    operation: str
    target: str
    effect: str
    rule: str
    consent: str
    undoes: str
    result: str
    settled: bool
    reason: str
    undone_by: str = ""
    undone_steps: tuple[int, ...] = ()
    plan: str = ""
    number: int = 0
    held: bool | None = None
