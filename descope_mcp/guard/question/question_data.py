"""A question as data: what a person is told before saying yes, before it is text.

All texts are ready to be shown: foreign names and values in them are quoted, on one line, whole.
Renderers only arrange them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from pydantic import TypeAdapter


class Fact(NamedTuple):
    """A value with what it is."""

    label: str
    value: str


class Member(NamedTuple):
    """One of those whom a call hits, and what marks it (administrator, disabled), in order."""

    name: str
    id: str = ""
    marks: tuple[str, ...] = ()

    def __str__(self) -> str:
        marked = f"({', '.join(self.marks)})" if self.marks else ""
        return " ".join(filter(None, (self.name, self.id, marked)))


@dataclass(frozen=True, slots=True)
class Group:
    """Those of one kind whom a call hits, the marked ones first; ``more`` were only counted."""

    title: str
    members: tuple[Member, ...]
    more: int = 0


@dataclass(frozen=True, slots=True)
class Difference:
    """What becomes different, said once for all of whom it is true.

    ``of`` are they, empty where there is one target only. ``lines`` are the passages of a
    long text, or what changes in a document.
    """

    field: str
    becomes: str
    of: tuple[Member, ...] = ()
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rights:
    """What somebody may do after the call and not before, or the other way round."""

    who: str
    gained: tuple[str, ...]
    lost: tuple[str, ...] = ()


class Step(NamedTuple):
    """One step of an undo or a plan, or several alike: what it does, whom it hits, with what.

    ``numbers`` are those of a plan's calls that it stands for, "" for those that come next.
    """

    consequence: str
    hits: tuple[Group, ...] = ()
    facts: tuple[Fact, ...] = ()
    times: int = 1
    numbers: str = ""
    warnings: tuple[str, ...] = ()
    changes: tuple[Difference, ...] = ()
    documents: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class Project:
    """Where a call would run; ``name`` is "" and ``production`` None where it is not known."""

    id: str
    name: str = ""
    production: bool | None = None


@dataclass(frozen=True, slots=True)
class Disclosure:
    """All that a person is told about one call, one undo, or one plan.

    ``consequence`` is one sentence without its full stop. ``undo`` says how much of it can be
    taken back, ``danger`` in a word how dangerous it is, ``because`` why. ``documents`` are the
    differences of whole documents, part by part; ``caller`` is who asks and ``rule`` by which rule
    a person is asked. ``typed`` is what has to be typed. So many different people have to approve
    as ``approvals`` says; with ``four_eyes`` not the one for whom the agent acts, whose addresses
    are ``people``. ``agent`` is the application through which they ask. ``patterns`` are those of a
    grant for this call and no other, empty where there can be none.
    """

    operation: str
    title: str
    consequence: str
    project: Project
    caller: str
    rule: str
    undo: Literal["whole", "part", "no"] = "no"
    danger: str = ""
    because: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    rights: tuple[Rights, ...] = ()
    leads_to: tuple[str, ...] = ()
    hits: tuple[Group, ...] = ()
    changes: tuple[Difference, ...] = ()
    documents: tuple[Difference, ...] = ()
    given: tuple[Fact, ...] = ()
    now: tuple[Fact, ...] = ()
    counts: tuple[Fact, ...] = ()
    steps: tuple[Step, ...] = ()
    lost: str = ""
    softer: str = ""
    typed: str = ""
    agent: str = ""
    people: tuple[str, ...] = ()
    approvals: int = 1
    four_eyes: bool = False
    patterns: tuple[Fact, ...] = ()

    @property
    def is_for_others(self) -> bool:
        """Whether one answer of whoever sits at the client is not enough."""
        return self.approvals > 1 or self.four_eyes


def to_data(disclosure: Disclosure) -> dict[str, Any]:
    """The disclosure as JSON data."""
    return asdict(disclosure)


def to_json(disclosure: Disclosure) -> str:
    """The disclosure as a text to keep."""
    return _adapter().dump_json(disclosure).decode()


def from_json(text: str) -> Disclosure | None:
    """What `to_json` kept; None if the text is none of these."""
    from pydantic import ValidationError

    try:
        return _adapter().validate_json(text)
    except ValidationError:
        return None


@lru_cache(maxsize=1)
def _adapter() -> TypeAdapter[Disclosure]:
    from pydantic import TypeAdapter

    return TypeAdapter(Disclosure)
