"""The record of one operation, and the file of a toolset that it stands in."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from descope_mcp.catalog.frozen_model import Frozen
from descope_mcp.catalog.operation_record.effect import Effect, Hazard, worse
from descope_mcp.catalog.operation_record.recipe import Count, Read, Restore, Settled, Source
from descope_mcp.catalog.operation_record.rule import Rule

#: What becomes of what is there already under the name or id that a creation is given: the call is
#: refused, another one is made beside it, it stays as it is, it is replaced; or nobody knows.
Existing = Literal["refused", "another", "kept", "replaced", "unknown"]


class Defines(Frozen):
    """The roles that an operation creates or changes: where a call says what of them.

    ``each`` is the list of them, "" where the call itself is one; the others are names in it.
    """

    each: str = ""
    name: str
    tenant: str
    permissions: str


class Omission(Frozen):
    """What a read does not find although one might think so, and when that is said.

    It is said of an empty answer, with ``always`` of every one, where any argument of ``given``
    says something (if there are such) and none of ``unless`` does.
    """

    given: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    always: bool = False
    say: str


class Overwrites(Frozen):
    """The update that does to what exists what a creation does that overwrites it.

    The update has below ``under`` what the creation has below ``at``; "" is the call itself.
    """

    operation: str
    under: str = ""
    at: str = ""


class Overwriting(Frozen):
    """What an update says of a change, on the arguments of a creation that overwrites."""

    hazards: tuple[Hazard, ...] = ()
    when: tuple[Rule, ...] = ()


class Safer(Frozen):
    """A softer operation to offer instead."""

    operation: str
    why: str


class Batch(Frozen):
    """The operation that does for several at once what this one does for one.

    ``into`` is its list, of at most ``most`` elements: the values of the argument ``each`` of the
    single calls, which have everything else in common, or without ``each`` all their arguments.
    """

    operation: str
    into: str
    each: str = ""
    most: int = Field(gt=1)


class Example(Frozen):
    """A worked call: what a person asks for, the arguments that do it, `fields` of the answer."""

    say: str
    arguments: dict[str, Any]
    fields: str = ""


class Record(Frozen):
    """What is curated about one operation. ``endpoint`` ties it to the contract.

    ``draft`` is a record that ``descope-mcp contract update`` has written: the operation is
    blocked, and the compiler asks for nothing more, until a person takes the word out.

    ``notes`` are a few words on arguments that every list of tools shows; what describe shows
    besides is in ``tool_specs/arguments``.

    ``examples`` are calls as people ask for them; describe shows them, the search learns from what
    they say, and the compiler refuses one that would be refused.

    ``content`` names arguments that are whole documents (an exported flow): a person is told how
    large they are instead of being shown every value.

    ``before`` says where the before-state (what the first preview step finds) holds an argument,
    by the argument's path; of several sources the first that is there counts. What is not listed
    has the same name there: in the before-state itself, or in the object that the path above it
    refers to (``app: $before`` says so of everything below ``app``, ``"": [$before,
    $before.samlSettings]`` of every argument). Below ``roles[]`` each element is compared with an
    object of its own: ``$args`` is that element and ``$before`` its object. What the preview finds
    the target by is no part of the comparison. Of an operation that replaces, every argument must
    be found this way; of one that patches those that are given are; of any other only those that
    are listed. What is listed in ``whole`` is never completed inside, as a tree of conditions.

    ``says`` is what a person reads first: what the call does, to whom, with how much, without the
    full stop (`consequence_template`). Every operation that can be asked about has one (`can_ask`);
    a rule in ``when`` may say it better for its calls, and the first that does counts.

    ``batch`` is the operation into which plans put many calls of this one.

    ``existing`` says of an operation that creates what becomes of what is there already under the
    name or id that it is given. Where that may be overwritten, the first preview step looks for
    it, the call is compared with it like an update, and undo brings it back. ``overwrites`` names
    the update that does the same: overwriting is no less dangerous than that.

    ``settled`` says when a call has nothing to do, by the before-state alone: ``compared`` where
    nothing becomes different by an update, or a condition (`Settled`). Nothing is sent then, and
    nobody is asked. It is not said where setting a value makes more of it than it was (it was
    inherited), and only where the preview reads the object itself: searches lag behind.

    ``restore`` are the calls that undo the operation, in their order. An operation with
    ``update`` needs none where writing the before-state back with itself undoes it. ``lost`` says
    what does not come back; an operation that changes something and has neither says so there.
    """

    endpoint: str
    draft: bool = False
    title: str
    says: str = ""
    description: str
    aliases: tuple[str, ...] = ()
    effect: Effect
    examples: tuple[Example, ...] = ()
    hazards: tuple[Hazard, ...] = ()
    when: tuple[Rule, ...] = ()
    idempotent: bool = False
    required: tuple[str, ...] = ()
    one_of: tuple[tuple[str, ...], ...] = ()
    update: Literal["replace", "patch", ""] = ""
    existing: Existing | Literal[""] = ""
    overwrites: Overwrites | None = None
    before: dict[str, Source | tuple[Source, ...]] = Field(default_factory=dict)
    whole: tuple[str, ...] = ()
    settled: Settled | Literal["compared", ""] = ""
    target: str = ""
    preview: tuple[Read, ...] = ()
    impact: tuple[Count, ...] = ()
    restore: tuple[Restore, ...] = ()
    lost: str = ""
    secrets: tuple[str, ...] = ()
    scan: bool = False
    once: bool = False
    secret_arguments: tuple[str, ...] = ()
    content: tuple[str, ...] = ()
    safer: Safer | None = None
    batch: Batch | None = None
    defines: Defines | None = None
    leaves_out: tuple[Omission, ...] = ()
    notes: dict[str, str] = Field(default_factory=dict)

    @property
    def may_overwrite(self) -> bool:
        """Whether it is there to create, and may change what exists instead."""
        return self.effect == "write" and self.existing in ("replaced", "unknown")

    @property
    def effects(self) -> frozenset[Effect]:
        """Every effect that some arguments give the operation."""
        takes_place = self.may_overwrite or self.defines
        overwrites: tuple[Effect, ...] = ("destructive",) if takes_place else ()
        return frozenset([self.effect, *overwrites, *(r.effect for r in self.when if r.effect)])

    @property
    def worst_effect(self) -> Effect:
        """The worst effect that any arguments can give the operation."""
        return worse(*self.effects)

    @property
    def worst_hazards(self) -> tuple[Hazard, ...]:
        """Every hazard that any arguments can give the operation, in a fixed order."""
        hides: tuple[Hazard, ...] = ("account_takeover",) if self.defines else ()
        return tuple(dict.fromkeys([*self.hazards, *(h for r in self.when for h in r.add), *hides]))

    @property
    def can_ask(self) -> bool:
        """Whether the operation is one that people are asked about, by whatever policy."""
        return self.worst_effect == "destructive" or bool(set(self.worst_hazards) - _HARMLESS)


#: Hazards about which, on their own, nobody is asked.
_HARMLESS = {"sends_message"}


class Probe(Frozen):
    """A read that costs little and shows whether a key may read the toolset's objects."""

    operation: str
    arguments: dict[str, Any] = Field(default_factory=dict)


class Toolset(Frozen):
    """One file of ``tool_specs/operations``."""

    toolset: str
    title: str
    about: str
    probe: Probe | None = None
    operations: dict[str, Record]
