"""What goes into a plan and what can come out of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from descope_mcp.call.outcome import Completed, Failed, Outcome, Progress, Refused, silent
from descope_mcp.guard.consent.confirmation import Approval

if TYPE_CHECKING:
    from descope_mcp.guard.question.question_data import Disclosure

#: What the journal has as the operation of a plan.
NAME = "plan"
#: How a step ended: it ran, failed, did not run, or nobody knows.
Became = Literal["done", "failed", "not run", "unknown"]


def nothing_kept(name: str) -> Any:
    """Of a caller without kept answers."""
    return None


class Place(NamedTuple):
    """What a call of a plan that is gone on with is in it (`call.plan.expansion.Planned`)."""

    number: int
    undoes: str = ""
    back: tuple[int, int] | None = None
    alone: bool = False


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """A plan as it came in: `steps` unchecked, `title` in the caller's words.

    With ``check`` nothing but reads runs. ``on_failure`` says whether steps that do not build on
    one that failed go on. ``resume`` is the id of a plan to go on with, in place of steps; then
    ``places`` are those that its steps have in it. ``undoes`` is the plan that this one takes
    back. ``kept`` finds an earlier answer of this caller by its name.
    """

    steps: object
    caller: str
    title: str = ""
    check: bool = False
    on_failure: Literal["stop", "continue"] = "stop"
    resume: str = ""
    places: Mapping[str, Place] = field(default_factory=dict)
    undoes: str = ""
    kept: Callable[[str], Any] = nothing_kept
    approval: Approval | None = None
    progress: Progress = silent


@dataclass(frozen=True, slots=True)
class Ran:
    """What became of one call of a plan, which affects so many ``items``.

    ``step`` is the id of its step, ``target`` a name, quoted, ``given`` its arguments.
    """

    number: int
    step: str
    operation: str
    became: Became
    target: str = ""
    items: int = 1
    outcome: Completed | Failed | Refused | None = field(default=None, repr=False)
    given: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def why(self) -> str:
        """Why it did not run to its end, "" if it did."""
        return self.outcome.message if isinstance(self.outcome, (Failed, Refused)) else ""


@dataclass(frozen=True, slots=True)
class PlanEnded:
    """A plan that began. ``consent`` says what allowed it, ``id`` names it in the journal."""

    id: str
    title: str
    calls: tuple[Ran, ...]
    consent: str

    def count(self, became: Became) -> int:
        """How many calls ended so."""
        return sum(one.became == became for one in self.calls)


@dataclass(frozen=True, slots=True)
class PlanChecked:
    """What a plan would do, of which only reads were sent. ``said`` is what a person would read.

    ``asks`` is how many calls a person has to agree to, ``granted`` how many are allowed ahead.
    """

    title: str
    calls: tuple[Ran, ...]
    asks: int
    granted: int
    said: Disclosure


PlanOutcome = Outcome | PlanEnded | PlanChecked
