"""A person allows calls ahead, allows less, or ends that: from a terminal and from a browser.

What a grant may be for, how far it may reach and what has to be typed are looked at here; who gives
or ends it is written into the journal in the transaction that lets it count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.operation import Operation
from descope_mcp.guard.consent import grant_limits
from descope_mcp.guard.decide import Decider, is_own, proven, told
from descope_mcp.guard.policy.glob import fits
from descope_mcp.store.consent import grants
from descope_mcp.store.consent.grants import Grant
from descope_mcp.store.consent.request import Request
from descope_mcp.store.store import Store

Why = Literal["operation", "patterns", "limits", "own", "typed", "wider", "gone"]


class NotGranted(Exception):
    """A grant that is not given; ``why`` is the rule."""

    def __init__(self, why: Why, message: str) -> None:
        super().__init__(message)
        self.why = why


@dataclass(frozen=True, slots=True)
class Wanted:
    """A grant that somebody wants to give; ``patterns`` are globs by the path of an argument."""

    operation: Operation
    patterns: Mapping[str, str]
    items: int
    seconds: float
    caller: str = ""

    @property
    def every(self) -> list[str]:
        """The arguments of which no value is left out."""
        return grant_limits.unlimited(self.patterns)

    @property
    def typed(self) -> str:
        """What has to be typed, "" where a yes is enough."""
        return self.operation.name if self.every else ""


class Given(NamedTuple):
    """A grant that counts; ``recovery`` is how many recovery codes are left, if one was used."""

    grant: Grant
    recovery: int | None


def wanted(
    catalog: Catalog,
    operation: str,
    patterns: Mapping[str, str],
    items: int,
    seconds: float,
    caller: str = "",
) -> Wanted:
    """A grant as it may be given.

    Raises:
        NotGranted: there is no such operation or argument, or it would reach too far.
    """
    found = catalog.find(operation)
    if found is None:
        near = ", ".join(catalog.nearest(operation)) or "`descope-mcp tools search`"
        raise NotGranted("operation", f"there is no operation {operation}; try {near}")
    if "blocked" in found.worst_hazards:
        raise NotGranted("operation", f"{found.name} is blocked; nothing allows it")
    if "project_wide" in found.hazards:
        said = f"{found.name} affects the whole project; no grant covers what has a name typed"
        raise NotGranted("operation", said)
    known = found.input_schema["properties"]
    for path in patterns:
        head = path.partition(".")[0].removesuffix("[]")
        if head not in known:
            has = ", ".join(known)
            raise NotGranted("patterns", f"{found.name} has no argument {head}; it has {has}")
    if missing := _missing(found, {path.partition(".")[0].removesuffix("[]") for path in patterns}):
        said = f"every call of {found.name} has {missing}; give a pattern for it"
        raise NotGranted("patterns", said)
    if items < 1 or not seconds > 0:
        raise NotGranted("limits", "a grant is for one item and one second at least")
    if problem := grant_limits.excess(items, seconds):
        raise NotGranted("limits", problem)
    return Wanted(found, patterns, items, seconds, caller)


def _missing(operation: Operation, given: set[str]) -> str:
    """An argument that every call has and a grant is silent on, so that it would fit none."""
    for name in operation.input_schema.get("required", ()):
        if name not in given:
            return str(name)
    groups = (group for group in operation.one_of if not given & set(group))
    return next((f"one of {', '.join(group)}" for group in groups), "")


def give(
    store: Store,
    project: str,
    asked: Wanted,
    decider: Decider,
    *,
    typed: str = "",
    code: str = "",
    request: Request | None = None,
) -> Given:
    """Give a grant.

    Args:
        store: where it is kept.
        project: that it is for.
        asked: what it is for.
        decider: who gives it. That they may is known to whoever calls.
        typed: what they typed, where it has to be.
        code: six digits or a recovery code, where a second factor is enrolled.
        request: that it is made from. Whoever an agent acts for, by their provider, gives none.

    Raises:
        NotGranted: it is not given.
        NotDecided: the code does not count.
        StoreError: it cannot be recorded, so it does not count.
    """
    if request and decider.subject and is_own(request, told(request), decider):
        raise NotGranted("own", "whoever an agent acts for allows it nothing ahead")
    if asked.typed and typed.strip().lower() != asked.typed.lower():
        raise NotGranted("typed", f"that is not {asked.typed}")
    recovery = proven(store, code)
    made = grants.create(
        store,
        project=project,
        operation=asked.operation.name,
        arguments=asked.patterns,
        items=asked.items,
        seconds=asked.seconds,
        caller=asked.caller,
        by=decider.name,
        way=decider.way,
    )
    return Given(made, recovery)


def narrow(
    store: Store,
    grant: Grant,
    decider: Decider,
    *,
    left: int,
    expires: float,
    patterns: Mapping[str, str],
) -> Grant:
    """Let a grant allow less: fewer items, a shorter time, one value in place of a pattern.

    Raises:
        NotGranted: it would allow more, or has ended.
        StoreError: it cannot be recorded; the grant is as it was.
    """
    if left < 1 or left > grant.left or expires > grant.expires:
        raise NotGranted("wider", "a grant is only narrowed; give another to allow more")
    if patterns.keys() != grant.arguments.keys():
        raise NotGranted("wider", "a grant keeps its arguments; give another for other ones")
    for path, before in grant.arguments.items():
        value = grant_limits.only_value(patterns[path])
        if patterns[path] != before and (value is None or not fits(value, before)):
            raise NotGranted("wider", f"{path}: name one value that the pattern takes in")
    less = grants.narrow(
        store,
        grant.id,
        left=left,
        expires=expires,
        arguments=patterns,
        by=decider.name,
        way=decider.way,
    )
    if less is None:
        raise NotGranted("gone", f"there is no grant {grant.id} that still counts")
    return less


def end(store: Store, number: int, decider: Decider) -> None:
    """End a grant.

    Raises:
        NotGranted: there is none, or it has ended.
        StoreError: it cannot be ended.
    """
    if not grants.revoke(store, number, by=decider.name, way=decider.way):
        raise NotGranted("gone", f"there is no grant {number} that still counts")
