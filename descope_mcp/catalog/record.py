"""The curated record of an operation: what people write in ``tool_specs/operations``.

A record says what the contract cannot: what an operation is for, what it destroys, which
arguments change that, what to read before asking a person, and what cannot be brought back.

Paths are dotted argument names; ``users[].roleNames`` reaches into every element of a list.
A recipe's values may be references: ``$args.loginId`` (an argument of the call),
``$before.name`` (the object that the first preview step found) or ``$project`` (the
configured project id). Anything else is a literal.
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

#: From harmless to worst; the position is the severity.
EFFECTS: tuple[Effect, ...] = ("read", "write", "destructive")


def worse(*effects: Effect) -> Effect:
    """The worst of some effects."""
    return max(effects, key=EFFECTS.index)


class Frozen(BaseModel):
    """A model that refuses unknown keys and cannot be changed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


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
    all_filled: tuple[str, ...] = ()  # every one of these is present and not empty
    is_true: tuple[str, ...] = ()  # any of these is true
    not_true: tuple[str, ...] = ()  # none of these is true
    equals: dict[str, list[Any]] = Field(default_factory=dict)  # any element is one of the values
    all_equal: dict[str, list[Any]] = Field(default_factory=dict)  # elements exist, each is one of
    only: tuple[str, ...] = ()  # nothing but these is present
    clears: tuple[str, ...] = ()  # any of these is there and holds an empty value, however deep
    foreign_host: tuple[str, ...] = ()  # any of these names a host that is not trusted

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
    refuse: bool = False  # the call makes no sense and is not sent; `why` is the message
    why: str

    @property
    def compares(self) -> bool:
        """Whether the rule needs the before-state."""
        return any(getattr(self, name) for name in COMPARISONS)


#: Conditions on the arguments alone, and conditions on the difference to the before-state.
CONDITIONS = (
    "given",
    "filled",
    "empty",
    "all_filled",
    "is_true",
    "not_true",
    "equals",
    "all_equal",
    "only",
    "clears",
    "foreign_host",
)
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

    ``find`` is the dotted path to the object or list in the answer ("" is the whole answer);
    ``match`` keeps the elements of a list whose fields equal the given values; a field named in
    ``bare`` must be empty where its value is not given (a role without a tenant). Where that
    finds nothing, ``otherwise`` are other arguments to try (a user id in place of a login id). An
    ``optional`` step may find nothing (a tenant without SSO); any other step that fails refuses
    the call.
    """

    operation: str
    arguments: dict[str, Any] = Field(default_factory=dict)
    find: str = ""
    match: dict[str, Any] = Field(default_factory=dict)
    bare: tuple[str, ...] = ()
    otherwise: dict[str, Any] = Field(default_factory=dict)
    optional: bool = False


class Count(Frozen):
    """One step of an impact: a read and what to count in its answer.

    ``count`` is the dotted path to a number, or to a list whose (matching) elements are counted.
    """

    operation: str
    arguments: dict[str, Any] = Field(default_factory=dict)
    count: str
    match: dict[str, Any] = Field(default_factory=dict)
    label: str


class Safer(Frozen):
    """A softer operation to offer instead."""

    operation: str
    why: str


class Record(Frozen):
    """What is curated about one operation. ``endpoint`` ties it to the contract.

    ``content`` names arguments that are whole documents (an exported flow): a person is told how
    large they are instead of being shown every value.
    """

    endpoint: str
    title: str
    description: str
    aliases: tuple[str, ...] = ()
    effect: Effect
    hazards: tuple[Hazard, ...] = ()
    when: tuple[Rule, ...] = ()
    idempotent: bool = False
    required: tuple[str, ...] = ()
    one_of: tuple[tuple[str, ...], ...] = ()
    update: Literal["replace", "patch", ""] = ""
    target: str = ""
    preview: tuple[Read, ...] = ()
    impact: tuple[Count, ...] = ()
    restore: tuple[str, ...] = ()
    lost: str = ""
    secrets: tuple[str, ...] = ()
    scan: bool = False
    once: bool = False
    secret_arguments: tuple[str, ...] = ()
    content: tuple[str, ...] = ()
    safer: Safer | None = None
    notes: dict[str, str] = Field(default_factory=dict)

    @property
    def worst_effect(self) -> Effect:
        """The worst effect that any arguments can give the operation."""
        return worse(self.effect, *(r.effect for r in self.when if r.effect))

    @property
    def worst_hazards(self) -> tuple[Hazard, ...]:
        """Every hazard that any arguments can give the operation, in a fixed order."""
        return tuple(dict.fromkeys([*self.hazards, *(h for r in self.when for h in r.add)]))


class Toolset(Frozen):
    """One file of ``tool_specs/operations``."""

    toolset: str
    title: str
    about: str
    operations: dict[str, Record]
