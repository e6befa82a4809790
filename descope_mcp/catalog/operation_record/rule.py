"""The rules by which the arguments of a call change its risk."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from descope_mcp.catalog.frozen_model import Frozen
from descope_mcp.catalog.operation_record.effect import Effect, Hazard


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
