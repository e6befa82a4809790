"""What a change did, as data: enough to report it truthfully, without a further read.

Whoever shows a call (MCP, the command line, undo, a plan) takes it from here, so that all say the
same. Every text in it may hold words of strangers; no value is a secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from descope_mcp.guard.preview.impact import Tally
    from descope_mcp.guard.preview.rights.permission_change import Shift


class Consent(NamedTuple):
    """Who allowed a call.

    ``by``: the person who was asked, a grant that one gave ahead, or nobody, since no rule asks.
    ``way`` is how a person said yes: ``question`` to the one that was put to them then and there,
    ``approval N`` outside of it, ``grant N`` ahead. ``rule`` is the rule that asks, or does not.
    """

    by: Literal["person", "grant", "nobody"]
    way: str
    rule: str


@dataclass(frozen=True, slots=True)
class Changed:
    """One value that became different, said once for all of whom it is true.

    ``before`` is UNKNOWN where it could not be read. Of a list, ``gained`` and ``lost`` are what
    came and went. ``of`` are those that it is true of, empty where there is one target only.
    """

    field: str
    before: Any
    after: Any
    gained: tuple[Any, ...] = ()
    lost: tuple[Any, ...] = ()
    of: tuple[str, ...] = ()


class Made(NamedTuple):
    """Something that was not there before the call, with the id that it got."""

    id: str
    name: str = ""


class Spoiled(NamedTuple):
    """One of several that a call did not do, and why, as the service says it."""

    name: str
    why: str


class Hit(NamedTuple):
    """Those of one kind whom a call hit: some of their names, and how many they are."""

    title: str
    names: tuple[str, ...]
    number: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a call did.

    ``did`` says it in the words of the record. ``seen`` tells where the changes come from: the
    ``answer`` shows them, a ``read`` right after did, or they are what was ``sent`` and nobody
    looked. ``as_before`` are fields that such a read shows as they were. ``gone`` is what the read
    finds no more, or what Descope has said to be deleted. ``sent`` are the arguments, where
    nothing else says what the call did. ``items`` counts what it was about, ``spoiled`` are those
    of them that failed.
    """

    did: str
    consent: Consent
    seen: Literal["answer", "read", "sent"] = "sent"
    changed: tuple[Changed, ...] = ()
    as_before: tuple[str, ...] = ()
    made: tuple[Made, ...] = ()
    gone: tuple[str, ...] = ()
    hits: tuple[Hit, ...] = ()
    counts: tuple[Tally, ...] = ()
    rights: tuple[Shift, ...] = ()
    items: int = 1
    spoiled: tuple[Spoiled, ...] = ()
    sent: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def shows_something(self) -> bool:
        """Whether an answer or a read shows what the call did."""
        return bool(self.made or self.gone or (self.changed and self.seen != "sent"))


def consent_data(consent: Consent) -> dict[str, str]:
    """A consent as JSON data."""
    return {key: value for key, value in consent._asdict().items() if value}


def in_words(consent: Consent) -> str:
    """A consent as a part of a sentence."""
    if consent.by == "nobody":
        return f"nobody had to be asked (rule {consent.rule})"
    if consent.by == "grant":
        return f"a person allowed it ahead ({consent.way})"
    way = "the question was put to them" if consent.way == "question" else consent.way
    return f"a person agreed ({way})"
