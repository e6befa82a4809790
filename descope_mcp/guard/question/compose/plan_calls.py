"""What a person is told of the calls of a plan.

Calls that follow each other and do the same to others are told once, with all whom they hit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.operation_record.effect import Effect
from descope_mcp.guard.policy.decision import Decision
from descope_mcp.guard.policy.risk import Risk
from descope_mcp.guard.preview.comparison.difference import Change, is_unset
from descope_mcp.guard.preview.impact import Tally
from descope_mcp.guard.preview.preview import Preview, target_name
from descope_mcp.guard.preview.target_identity import identity
from descope_mcp.guard.question.compose.call import disclose
from descope_mcp.guard.question.marks import marks, sentences, weight
from descope_mcp.guard.question.question_data import (
    Disclosure,
    Fact,
    Group,
    Member,
    Project,
    Step,
)
from descope_mcp.guard.question.quoting import whole
from descope_mcp.guard.question.shown_rights import shown_rights
from descope_mcp.guard.restore.way_back import Undoable

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
class ToldCall:
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


def alone(call: PlanCall, project: Project, caller: str) -> ToldCall:
    """One call, and what a person would be told of it alone."""
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
    return ToldCall(call, said, whole(name) if name else "", own)


def together(told: Iterable[ToldCall]) -> tuple[Step, ...]:
    """The steps of a plan, in their order, of which one may be several calls."""
    return tuple(
        _step(alike)
        for _, same in groupby(told, lambda one: one.call.operation.name)
        for alike in _alike(same)
    )


def _alike(told: Iterable[ToldCall]) -> Iterable[list[ToldCall]]:
    """Calls of one operation that follow each other: together those that do the same to others."""
    kinds: dict[tuple[Any, ...], list[ToldCall]] = {}
    for one in told:
        kinds.setdefault(_kind(one), []).append(one)
    return kinds.values()


def _kind(told: ToldCall) -> tuple[Any, ...]:
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


def _step(alike: list[ToldCall]) -> Step:
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


def _now(told: ToldCall) -> tuple[Fact, ...]:
    """What the target is like now, where it is about to go."""
    return told.said.now if told.call.effect == "destructive" else ()


def _unasked(call: PlanCall) -> str:
    return "" if call.decision.action == "confirm" else " (asks nobody on its own)"


def _builds(alike: Sequence[ToldCall]) -> tuple[str, ...]:
    """What calls take from others, and which before them change the same."""
    origins = dict.fromkeys(origin for one in alike for origin in one.call.origins)
    after = sorted({number for one in alike for number in one.call.after})
    if not after:
        return tuple(origins)
    return (*origins, f"Builds on {_ranges(after)}, and shows what is there before that.")
