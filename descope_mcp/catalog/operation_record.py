"""The curated record of an operation: what people write in ``tool_specs/operations``.

A record says what the contract cannot: what an operation is for, what it destroys, which
arguments change that, what to read before asking a person, and what cannot be brought back.

Paths are dotted argument names; ``users[].roleNames`` reaches into every element of a list.
``loginIds[0]`` is the first element of a list, ``loginIds[1:]`` are the others.

A recipe's values may be references. Anything else is a literal.

- ``$args.loginId``: an argument of the call;
- ``$before.name``: what the first step of the preview found, ``$before[].id`` where that is a list;
- ``$found.SearchRoles[].name``: what another step found, by the name of its read;
- ``$project``: the configured project id;
- ``$answer.id``: the answer of the call, in a restore only;
- ``$item.name``, ``$element.name``: the elements that a restore is at (see ``Restore``);
- ``$args.roleNames - $before.roleNames``: the values of one list that are not in another, with
  ``&`` those that are.

In an object of a recipe, ``$like: $before`` stands for all fields of that object (of the request's
schema only what it takes; a null leaves one out), and ``$each: $before.groups`` makes a list: the
rest of the object once for every ``$element`` of the other list.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Effect = Literal["read", "write", "destructive"]
Hazard = Literal[
    "bulk",
    "project_wide",
    "account_takeover",
    "mints_secret",
    "reveals_secret",
    "sends_message",
    "forges_record",
    "blocked",
]

#: What becomes of what is there already under the name or id that a creation is given: the call is
#: refused, another one is made beside it, it stays as it is, it is replaced; or nobody knows.
Existing = Literal["refused", "another", "kept", "replaced", "unknown"]

#: From harmless to worst; the position is the severity.
EFFECTS: tuple[Effect, ...] = ("read", "write", "destructive")


def worse(*effects: Effect) -> Effect:
    """The worst of some effects."""
    return max(effects, key=EFFECTS.index)


class Frozen(BaseModel):
    """A model that refuses unknown keys and cannot be changed."""

    # Built with the first use: a server that only lists tools has none.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Rule(Frozen):
    """How the arguments of one call change its risk.

    All conditions of a rule must hold. ``effect`` and ``drop`` may relax, ``effect`` and ``add``
    may raise; where rules disagree the strictest wins (see ``guard.risk``). A comparison with
    the before-state counts against the caller as long as that state is unknown.
    """

    # Conditions on the arguments as sent. A null counts as not given, except for `only`.
    given: tuple[str, ...] = ()  # any of these is present
    filled: tuple[str, ...] = ()  # any of these is present and not empty
    empty: tuple[str, ...] = ()  # every one of these is absent or empty
    lacks: tuple[str, ...] = ()  # some element of the list that these are in has none of them
    all_filled: tuple[str, ...] = ()  # every one of these is present and not empty
    is_true: tuple[str, ...] = ()  # any of these is true
    not_true: tuple[str, ...] = ()  # none of these is true
    equals: dict[str, list[Any]] = Field(default_factory=dict)  # any element is one of the values
    all_equal: dict[str, list[Any]] = Field(default_factory=dict)  # elements exist, each is one of
    only: tuple[str, ...] = ()  # nothing but these is present
    clears: tuple[str, ...] = ()  # any of these is there and holds an empty value, however deep
    foreign_host: tuple[str, ...] = ()  # any of these names a host that is not trusted
    foreign_link: tuple[str, ...] = ()  # in any of these a text holds an address at such a host
    # An address at one of the paths is not the one that the key's argument is: of the same kind
    # (mail or phone), or of whatever kind. Where the key's argument is no address, neither holds.
    unlike: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    elsewhere: dict[str, tuple[str, ...]] = Field(default_factory=dict)

    # Conditions on the difference to the before-state.
    changed: tuple[str, ...] = ()  # any of these differs
    only_changed: tuple[str, ...] = ()  # nothing but these differs
    gains: tuple[str, ...] = ()  # any of these lists gets a new entry
    gains_none: tuple[str, ...] = ()  # none of these lists gets a new entry
    loses: tuple[str, ...] = ()  # any of these lists loses an entry
    turned_on: tuple[str, ...] = ()  # any of these goes from false to true
    turned_off: tuple[str, ...] = ()  # any of these goes from true to false
    not_weaker: tuple[str, ...] = ()  # every one of these is as strict as before

    # What follows.
    effect: Effect | None = None
    add: tuple[Hazard, ...] = ()
    drop: tuple[Hazard, ...] = ()
    say: str = ""  # a sentence for the person who is asked
    says: str = ""  # the words of the consequence in place of the record's
    refuse: bool = False  # the call makes no sense and is not sent; `why` is the message
    why: str
    meaning: str = ""  # the meaning of arguments that the rule follows from, where it does

    @property
    def paths(self) -> tuple[str, ...]:
        """Every argument that a condition looks at."""
        return tuple(path for name in (*CONDITIONS, *COMPARISONS) for path in self.paths_of(name))

    def paths_of(self, condition: str) -> tuple[str, ...]:
        """The arguments that one condition looks at."""
        value = getattr(self, condition)
        below = value.values() if condition in BETWEEN else ()
        return (*value, *(path for paths in below for path in paths))

    @property
    def conditions(self) -> frozenset[str]:
        """The names of the conditions that are set."""
        return frozenset(name for name in (*CONDITIONS, *COMPARISONS) if getattr(self, name))

    @property
    def compares(self) -> bool:
        """Whether the rule needs the before-state."""
        return any(getattr(self, name) for name in COMPARISONS)


#: Conditions on the arguments alone, and conditions on the difference to the before-state.
CONDITIONS = (
    "given",
    "filled",
    "empty",
    "lacks",
    "all_filled",
    "is_true",
    "not_true",
    "equals",
    "all_equal",
    "only",
    "clears",
    "foreign_host",
    "foreign_link",
    "unlike",
    "elsewhere",
)
#: Of these, the conditions between two arguments.
BETWEEN = ("unlike", "elsewhere")
COMPARISONS = (
    "changed",
    "only_changed",
    "gains",
    "gains_none",
    "loses",
    "turned_on",
    "turned_off",
    "not_weaker",
)


class Read(Frozen):
    """One step of a preview: a read and where its answer holds the target.

    ``narrow`` are further arguments, each left out where it leads nowhere; without any of
    ``arguments`` the read would be of something else and is not made. ``find`` is the dotted path
    to the object or list in the answer ("" is the whole answer); ``match`` keeps the elements of
    a list whose fields equal the given values; a field named in ``bare`` must be empty where its
    value is not given (a role without a tenant). Of those in ``either`` one that agrees is enough
    (roles by id or by name), and where the first of them does, ``bare`` does not count: an id
    says it all. ``otherwise`` are other arguments that may mean the same target (a user id in
    place of a login id); all are read, and if two find different things, the call is refused. An
    ``optional`` step may find nothing (a tenant without SSO); any other step that fails refuses
    the call.

    With ``each``, a reference to a list, the step is made for every ``$element`` of it, and what
    these find is put together, the same once. An element that says nothing refuses the call.
    """

    operation: str
    each: str = ""
    arguments: dict[str, Any] = Field(default_factory=dict)
    narrow: dict[str, Any] = Field(default_factory=dict)
    find: str = ""
    match: dict[str, Any] = Field(default_factory=dict)
    bare: tuple[str, ...] = ()
    either: tuple[str, ...] = ()
    otherwise: tuple[dict[str, Any], ...] = ()
    optional: bool = False


class Count(Frozen):
    """One step of an impact: a read and what to count in its answer.

    ``count`` is the dotted path to a number, or to a list whose (matching) elements are counted;
    ``narrow``, ``match`` and ``either`` are as those of `Read`. ``key`` is what the count is called
    in ``says``.
    """

    operation: str
    arguments: dict[str, Any] = Field(default_factory=dict)
    narrow: dict[str, Any] = Field(default_factory=dict)
    count: str
    match: dict[str, Any] = Field(default_factory=dict)
    either: tuple[str, ...] = ()
    label: str
    key: str = ""


class Lookup(Frozen):
    """Which elements of a list in the before-state an argument replaces.

    ``among`` refers to the list. ``match`` keeps the elements whose fields equal the given values;
    a field named in ``bare`` must be empty where its value is not given; an element that equals
    ``other_than`` is left out. ``take`` is what of each element the argument has, with references
    to ``$item``. ``single`` means the one element itself and not a list.

    A lookup whose ``match`` says nothing, since the call does not give the values, does not count.
    """

    among: str
    match: dict[str, str] = Field(default_factory=dict)
    bare: tuple[str, ...] = ()
    other_than: str = ""
    take: str | dict[str, str] = "$item"
    single: bool = False


#: Where the before-state holds an argument: a reference, a lookup, or one of `WORDS`.
Source = str | Lookup
#: What there is to say of an argument that the before-state does not simply hold.
#: kept: no read returns it; left out, the service keeps it. lost: no read returns it; left out, it
#: is cleared. option: it belongs to the call and not to the object. lock: the version that the
#: before-state has, whatever the caller says.
WORDS = ("kept", "lost", "option", "lock")


class Settled(Frozen):
    """What is so already where a call has nothing to do.

    Every one of ``values``, a reference, is ``within`` what the before-state holds (of several
    sources the first that is there), is ``outside`` of it, or ``equals`` a literal.
    """

    values: str
    within: Source | tuple[Source, ...] = ()
    outside: Source | tuple[Source, ...] = ()
    equals: str = ""


class Restore(Frozen):
    """A call that undoes the operation, wholly or in part.

    A reference in ``arguments`` that leads nowhere leaves the whole call out, unless the argument
    is named in ``optional``: a deletion must never reach further than what was made.

    ``each`` refers to a list, or to one object: the call is made for every element, ``$item``. With
    ``of`` it is made for every element of a second list, ``$element``. Only elements (of the
    second, where there are two) that agree with ``match`` count; if ``joined``, one call is made
    of all of them, their lists joined. A call belongs to the undo only if every reference in
    ``given`` leads somewhere, none in ``bare`` does, and the arguments of the operation that
    ``is_true`` and ``not_true`` name are true and are not.

    A call runs after all calls of the recipes before it. With ``after`` only after those of the
    operations named there (``[]``: of none), and beside the others; calls that change the same
    object never run at once.
    """

    operation: str
    arguments: dict[str, Any] = Field(default_factory=dict)
    optional: tuple[str, ...] = ()
    each: str = ""
    of: str = ""
    match: dict[str, Any] = Field(default_factory=dict)
    joined: bool = False
    given: tuple[str, ...] = ()
    bare: tuple[str, ...] = ()
    is_true: tuple[str, ...] = ()
    not_true: tuple[str, ...] = ()
    after: tuple[str, ...] | None = None


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
    """A worked call: what a person asks for, and the arguments that do it."""

    say: str
    arguments: dict[str, Any]


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
