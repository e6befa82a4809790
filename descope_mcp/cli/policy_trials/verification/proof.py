"""A promise of the guard, and what came of trying to break it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from descope_mcp.call.outcome import Completed, Failed, NeedsConfirmation, Refused
from descope_mcp.call.plan.outcome import PlanOutcome


@dataclass(slots=True)
class Proof:
    """One promise: what was tried, the call that shows it best, and what broke it.

    ``calls`` counts what was tried, ``shown`` is one of these calls with its outcome. ``faults``
    are the calls that broke the promise, each with the rule or the part at fault; ``exceptions``
    those that a rule of the policy file allows within bounds that it names.
    """

    promise: str
    calls: int = 0
    shown: str = ""
    faults: list[str] = field(default_factory=list)
    exceptions: list[str] = field(default_factory=list)

    @property
    def held(self) -> bool:
        """Whether it was tried, and nothing broke it."""
        return self.calls > 0 and not self.faults

    def tried(self, call: str, outcome: str, *, telling: bool = True) -> None:
        """Count a call that kept the promise; the first one that is telling is shown."""
        self.calls += 1
        if telling:
            self.shown = self.shown or f"{call}: {outcome}"

    def broken(self, call: str, outcome: str, fault: str) -> None:
        """Note a call that broke it, and what is at fault."""
        self.calls += 1
        self.faults.append(f"{call}: {outcome} ({fault})")

    def expect(self, kept: bool, call: str, outcome: str, fault: str) -> None:
        """Count a call that kept the promise, or broke it."""
        if kept:
            self.tried(call, outcome)
        else:
            self.broken(call, outcome, fault)


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of a call without a word: in a few words, and what is at fault, "" if nothing.

    ``telling`` says whether it shows the promise well.
    """

    said: str
    fault: str = ""
    telling: bool = True


def spelled(operation: str, arguments: Mapping[str, Any]) -> str:
    """A call on one line."""
    given = json.dumps(arguments, ensure_ascii=True)
    return f"{operation} {given if len(given) <= _LONGEST else f'{given[:_LONGEST]}...'}"


def became(outcome: PlanOutcome) -> str:
    """An outcome in a few words."""
    match outcome:
        case Completed():
            return "ran"
        case NeedsConfirmation(question=question):
            return "asks for the name" if question.typed else "asks"
        case Refused(rule=rule):
            return f"refused by {rule}"
        case Failed(kind=kind):
            return f"not run: {kind}"
    return "a plan"


_LONGEST = 160
