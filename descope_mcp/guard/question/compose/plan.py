"""What a person is told about a plan: the whole in numbers, then what each of its calls does.

Calls that follow each other and do the same to others are told once, with all whom they hit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any, Literal

from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.operation_record.effect import EFFECTS, Effect
from descope_mcp.guard.policy.decision import Decision
from descope_mcp.guard.policy.quorum import strictest
from descope_mcp.guard.policy.risk import Risk
from descope_mcp.guard.preview.comparison.difference import Change, is_unset
from descope_mcp.guard.preview.impact import Tally
from descope_mcp.guard.preview.preview import Preview, target_name
from descope_mcp.guard.preview.target_identity import identity
from descope_mcp.guard.question.compose.call import disclose
from descope_mcp.guard.question.consequence import joined
from descope_mcp.guard.question.marks import marks, sentences, weight
from descope_mcp.guard.question.question_data import (
    Disclosure,
    Fact,
    Group,
    Member,
    Project,
    Rights,
    Step,
)
from descope_mcp.guard.question.quoting import MOST_SHOWN, TooMuchToShow, quoted, whole
from descope_mcp.guard.question.shown_rights import shown_rights
from descope_mcp.guard.restore.way_back import Undoable

#: So many kinds of calls are named in the first sentence.
_MOST_KINDS = 4
_KINDS: dict[Effect, str] = {
    "read": "only read",
    "write": "add or change",
    "destructive": "delete, overwrite or cut off",
}
#: How dangerous a call can be said to be, the worst last.
_GRADES = ("", "Take care", "Dangerous", "Very dangerous")
#: What is the same of calls that do the same to others.
_NAMELESS = "…"


@dataclass(frozen=True, slots=True)
class PlanCall:
    """One call of a plan, as it is judged.

    ``origins`` says of arguments that are not known yet where they come from, ``after`` are the
    numbers of the calls before it that change the same, each with its operation.
    """

    number: int
    step: str
    operation: Operation
    arguments: Mapping[str, Any]
    effect: Effect
    risk: Risk
    decision: Decision
    preview: Preview
    changes: Sequence[Change] | None = None
    counts: Sequence[Tally] = ()
    undo: Undoable | None = None
    origins: Sequence[str] = ()
    after: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Told:
    """One call and what a person would be told of it alone."""

    call: PlanCall
    said: Disclosure
    target: str
    id: str

    @property
    def others(self) -> tuple[Fact, ...]:
        """What is told of it besides the words that name its target."""
        facts = (*self.said.given, *self.said.counts)
        return tuple(fact for fact in facts if fact.value not in (self.target, self.id))


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
    told = [_alone(call, project, caller) for call in calls]
    steps = tuple(
        _step(alike)
        for _, same in groupby(told, lambda one: one.call.operation.name)
        for alike in _alike(same)
    )
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


def _alone(call: PlanCall, project: Project, caller: str) -> _Told:
    given = {k: v for k, v in call.arguments.items() if call.operation.update or not is_unset(v)}
    said = disclose(
        call.operation,
        given,
        risk=call.risk,
        decision=call.decision,
        preview=call.preview,
        project=project,
        caller=caller,
        changes=call.changes,
        counts=call.counts,
        rights=shown_rights(call.preview.rights),
        undo=call.undo,
    )
    name = target_name(call.operation, call.preview)
    held = identity(call.preview.target)
    own = whole(held) if held and any(f.value == whole(held) for f in said.given) else ""
    return _Told(call, said, whole(name) if name else "", own)


def _alike(told: Iterable[_Told]) -> Iterable[list[_Told]]:
    """Calls of one operation that follow each other: together those that do the same to others."""
    kinds: dict[tuple[Any, ...], list[_Told]] = {}
    for one in told:
        kinds.setdefault(_kind(one), []).append(one)
    return kinds.values()


def _kind(told: _Told) -> tuple[Any, ...]:
    """What calls have in common that are told as one."""
    call, said = told.call, told.said
    if not told.target or said.hits or said.documents:
        return (call.number,)
    words = said.consequence.replace(told.target, _NAMELESS)
    changes = tuple((d.field, d.becomes, d.lines) for d in said.changes)
    warnings = tuple(w for w in said.warnings if w not in _of_target(call))
    rights = tuple((r.gained, r.lost) for r in said.rights)
    builds = (tuple(call.origins), frozenset(call.after.values()))
    shown = (words, changes, told.others, warnings, rights, builds)
    return (call.operation.name, call.decision, *shown)


def _step(alike: list[_Told]) -> Step:
    """What a person is told of a call, or of several that do the same."""
    first = alike[0]
    numbers = str(first.call.number)
    if len(alike) == 1:
        said = first.said
        return Step(
            f"{said.consequence}{_unasked(first.call)}",
            said.hits,
            (*said.given, *_now(first), *said.counts),
            numbers=numbers,
            warnings=(*said.warnings, *_builds(alike)),
            changes=said.changes,
            documents=said.documents,
        )
    said = first.said
    members = [
        Member(one.target, one.id, marks(one.call.preview.target, one.call.preview.standing))
        for one in alike
    ]
    group = Group("each", tuple(sorted(members, key=lambda member: weight(member.marks))))
    title = said.consequence.replace(first.target, _NAMELESS)
    return Step(
        f"{len(alike):,} times: {title}{_unasked(first.call)}",
        (group,),
        first.others,
        len(alike),
        _ranges([one.call.number for one in alike]),
        tuple(
            dict.fromkeys(
                warning
                for one in alike
                for warning in one.said.warnings
                if warning not in _of_target(one.call)
            )
        )
        + _builds(alike),
        tuple(replace(d, of=()) for d in said.changes),
    )


def _of_target(call: PlanCall) -> list[str]:
    """The warnings that the marks beside a name say as well."""
    return list(sentences(call.preview.target, call.preview.standing))


def _ranges(numbers: Sequence[int]) -> str:
    """Numbers that follow each other as one: ``1-4, 6``."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def _now(told: _Told) -> tuple[Fact, ...]:
    """What the target is like now, where it is about to go."""
    return told.said.now if told.call.effect == "destructive" else ()


def _unasked(call: PlanCall) -> str:
    return "" if call.decision.action == "confirm" else " (asks nobody on its own)"


def _builds(alike: Sequence[_Told]) -> tuple[str, ...]:
    """What calls take from others, and which before them change the same."""
    origins = dict.fromkeys(origin for one in alike for origin in one.call.origins)
    after = sorted({number for one in alike for number in one.call.after})
    if not after:
        return tuple(origins)
    return (*origins, f"Builds on {_ranges(after)}, and shows what is there before that.")


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


def _rights(told: Sequence[_Told]) -> tuple[Rights, ...]:
    """Who may do what then, each shift once, with all of whom it is true."""
    by_shift: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for one in told:
        for right in one.said.rights:
            by_shift.setdefault((right.gained, right.lost), []).append(right.who)
    return tuple(
        Rights(", ".join(dict.fromkeys(who)), gained, lost)
        for (gained, lost), who in by_shift.items()
    )


def _danger(told: Sequence[_Told]) -> str:
    """The worst of what is said of any call."""
    return max((one.said.danger for one in told), key=_GRADES.index)


def _undoable(told: Sequence[_Told]) -> Literal["whole", "part", "no"]:
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
