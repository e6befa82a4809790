"""What a person is told about a plan: the whole in numbers, then what each of its calls does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal

from descope_mcp.catalog.operation_record.effect import EFFECTS, Effect
from descope_mcp.guard.policy.quorum import strictest
from descope_mcp.guard.question.compose.plan_calls import PlanCall, ToldCall, alone, together
from descope_mcp.guard.question.consequence import joined
from descope_mcp.guard.question.question_data import (
    Disclosure,
    Fact,
    Project,
    Rights,
    Step,
)
from descope_mcp.guard.question.quoting import MOST_SHOWN, TooMuchToShow, quoted

#: So many kinds of calls are named in the first sentence.
_MOST_KINDS = 4
_KINDS: dict[Effect, str] = {
    "read": "only read",
    "write": "add or change",
    "destructive": "delete, overwrite or cut off",
}
#: How dangerous a call can be said to be, the worst last.
_GRADES = ("", "Take care", "Dangerous", "Very dangerous")


def plan_disclosure(
    calls: Sequence[PlanCall],
    project: Project,
    caller: str,
    *,
    title: str = "",
    warnings: Sequence[str] = (),
    typed: str = "",
) -> Disclosure:
    """What a person is told about a plan.

    Args:
        calls: in the order in which they run.
        project: that they run in.
        caller: who asks.
        title: of the plan, in the caller's words.
        warnings: about the plan as a whole.
        typed: what has to be typed, "" where a yes is enough.

    Raises:
        NotShown: the plan is too large to be shown, or a part of it cannot be.
    """
    told = [alone(call, project, caller) for call in calls]
    steps = together(told)
    size = sum(map(_size, steps))
    if size > MOST_SHOWN:
        raise TooMuchToShow("The plan", len(calls) * MOST_SHOWN // size)
    rules = dict.fromkeys(c.decision.rule for c in calls if c.decision.action == "confirm")
    lost = dict.fromkeys(
        f"{one.call.operation.title}: {one.said.lost}" for one in told if one.said.lost
    )
    quorum = strictest(c.decision.quorum for c in calls if c.decision.action == "confirm")
    return Disclosure(
        "plan",
        "Run the plan",
        _sentence(calls),
        project,
        caller,
        ", ".join(rules),
        undo=_undoable(told),
        danger=_danger(told),
        because=tuple(dict.fromkeys(reason for one in told for reason in one.said.because)),
        warnings=tuple(warnings),
        rights=_rights(told),
        leads_to=tuple(dict.fromkeys(host for one in told for host in one.said.leads_to)),
        given=(Fact("its title, in the words of who asks", quoted(title)),) if title else (),
        steps=steps,
        lost=" ".join(lost),
        typed=typed,
        approvals=quorum.approvals,
        four_eyes=quorum.four_eyes,
    )


def _sentence(calls: Sequence[PlanCall]) -> str:
    """The plan in numbers."""
    kinds = Counter(call.operation.title for call in calls)
    named = [f"{n:,} x {title[:1].lower()}{title[1:]}" for title, n in kinds.most_common()]
    if len(named) > _MOST_KINDS:
        rest = sum(n for _, n in kinds.most_common()[_MOST_KINDS:])
        named = [*named[:_MOST_KINDS], f"{rest:,} x something else"]
    effects = Counter(call.effect for call in calls)
    many = [f"{effects[effect]:,} {_KINDS[effect]}" for effect in EFFECTS[::-1] if effects[effect]]
    total = "1 call" if len(calls) == 1 else f"{len(calls):,} calls"
    return f"Run a plan of {total} ({', '.join(many)}): {joined(named)}"


def _rights(told: Sequence[ToldCall]) -> tuple[Rights, ...]:
    """Who may do what then, each shift once, with all of whom it is true."""
    by_shift: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for one in told:
        for right in one.said.rights:
            by_shift.setdefault((right.gained, right.lost), []).append(right.who)
    return tuple(
        Rights(", ".join(dict.fromkeys(who)), gained, lost)
        for (gained, lost), who in by_shift.items()
    )


def _danger(told: Sequence[ToldCall]) -> str:
    """The worst of what is said of any call."""
    return max((one.said.danger for one in told), key=_GRADES.index)


def _undoable(told: Sequence[ToldCall]) -> Literal["whole", "part", "no"]:
    """How much of a plan can be taken back."""
    ways = {one.said.undo for one in told if one.call.effect != "read"}
    return "part" if len(ways) > 1 else next(iter(ways), "whole")


def _size(step: Step) -> int:
    """About how many characters a person reads of a step."""
    facts = sum(len(fact.label) + len(fact.value) for fact in step.facts)
    names = sum(
        len(member.name) + len(member.id) + 2 for group in step.hits for member in group.members
    )
    changes = (*step.changes, *step.documents)
    differences = sum(len(d.field) + len(d.becomes) + sum(map(len, d.lines)) for d in changes)
    return len(step.consequence) + facts + names + differences + sum(map(len, step.warnings))
