"""What a person is told about an undo: what is taken back, how, and what does not come back."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from descope_mcp.catalog.operation import Operation
from descope_mcp.guard.policy.decision import Decision
from descope_mcp.guard.policy.quorum import strictest
from descope_mcp.guard.policy.risk import Risk
from descope_mcp.guard.preview.comparison.difference import is_unset
from descope_mcp.guard.preview.comparison.merge import merge
from descope_mcp.guard.preview.impact import Tally
from descope_mcp.guard.preview.preview import Preview
from descope_mcp.guard.question.compose.call import GIVEN_HERE, disclose, in_sentences
from descope_mcp.guard.question.consequence import NOWHERE, number
from descope_mcp.guard.question.question_data import (
    Disclosure,
    Fact,
    Group,
    Member,
    Project,
    Rights,
    Step,
)
from descope_mcp.guard.question.quoting import MOST_SHOWN, TooMuchToShow

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
#: Stands for the one whom a step hits until it is known whether the next does the same.
_EACH = "\x00"


@dataclass(frozen=True, slots=True)
class UndoStep:
    """One call of an undo: what it hits, as far as that is there, and how much hangs on it."""

    operation: Operation
    arguments: Mapping[str, Any]
    risk: Risk
    decision: Decision
    preview: Preview
    counts: Sequence[Tally] = ()


@dataclass(frozen=True, slots=True)
class Undone:
    """The call that is taken back: its operation, what it was about (quoted), and when it ran.

    ``missing`` are sentences on what does not come back, ``names`` what those are called whom the
    call hit, by their ids, both quoted. With ``anyway``, changes since then are
    overwritten unseen.
    """

    operation: Operation
    target: str
    ran: str
    missing: Sequence[str] = ()
    anyway: bool = False
    names: Mapping[str, str] = field(default_factory=dict)


def as_undo(said: Disclosure, undone: Undone) -> Disclosure:
    """The question to the one step of an undo, as one to the undo."""
    step = said.consequence
    return replace(
        said,
        title=f"Undo: {undone.operation.title}",
        consequence=f"{_taking_back(undone)}: {step[:1].lower()}{step[1:]}",
        warnings=(*_overwriting(undone), *said.warnings),
        lost=in_sentences(undone.missing),
        softer="",
        patterns=(),
    )


def undo_disclosure(
    undone: Undone,
    steps: Sequence[UndoStep],
    project: Project,
    caller: str,
    typed: str,
    rights: Sequence[Rights] = (),
) -> Disclosure:
    """What a person is told about an undo of several steps.

    Raises:
        NotShown: the steps are too many for one question, or cannot be shown.
    """
    told = _together([_told(step, undone, project, caller) for step in steps])
    size = sum(len(step.consequence) + sum(len(f.value) for f in step.facts) for step in told)
    if size > MOST_SHOWN:
        raise TooMuchToShow(undone.operation.name)
    rules = dict.fromkeys(s.decision.rule for s in steps if s.decision.action == "confirm")
    quorum = strictest(s.decision.quorum for s in steps if s.decision.action == "confirm")
    return Disclosure(
        undone.operation.name,
        f"Undo: {undone.operation.title}",
        f"{_taking_back(undone)}, in {len(steps):,} steps",
        project,
        caller,
        ", ".join(rules),
        undo="part",
        danger="Dangerous",
        because=_because(steps),
        warnings=_overwriting(undone),
        rights=tuple(replace(one, who=_known(one.who, undone)) for one in rights),
        steps=tuple(told),
        lost=in_sentences(undone.missing),
        typed=typed,
        approvals=quorum.approvals,
        four_eyes=quorum.four_eyes,
    )


def _told(step: UndoStep, undone: Undone, project: Project, caller: str) -> Step:
    """One step: what it does, with whom it hits by the name that the undone call knew."""
    operation, target = step.operation, step.preview.target
    there = bool(operation.update) and target is not None
    # What is left as it is by default is not worth a word where nothing is there yet.
    given = step.arguments if there else _filled(step.arguments)
    said = disclose(
        operation,
        given,
        risk=step.risk,
        decision=step.decision,
        preview=step.preview,
        project=project,
        caller=caller,
        changes=merge(operation, given, target).changes if there else None,
        counts=step.counts,
    )
    does = said.consequence.removesuffix(f": {GIVEN_HERE}")
    does = operation.title if NOWHERE in does else does
    who = [one for one in _QUOTED.findall(does) if one in undone.names]
    # The first is whom it hits; where, and with what, comes after.
    does = does.replace(who[0], _EACH, 1) if who else does
    does = _known(does, undone)
    named = tuple(Member(undone.names[one]) for one in who[:1])
    different = tuple(Fact(one.field, one.becomes) for one in said.changes)
    hits = (*((Group("", named),) if named else ()), *said.hits)
    return Step(does, hits, (*different, *said.given, *said.now, *said.counts))


def _known(text: str, undone: Undone) -> str:
    """A text in which those whom the call hit are called by their names."""
    return _QUOTED.sub(lambda one: undone.names.get(one[0], one[0]), text)


def _together(told: Sequence[Step]) -> list[Step]:
    """Steps that do the same with one each, one after the other, as one of all of them."""
    found: list[Step] = []
    for step in told:
        last = found[-1] if found else None
        if (
            last
            and _EACH in step.consequence
            and (last.consequence, last.facts)
            == (
                step.consequence,
                step.facts,
            )
        ):
            members = (*last.hits[0].members, *step.hits[0].members)
            hits = (Group("", members), *last.hits[1:])
            found[-1] = last._replace(hits=hits, times=last.times + 1)
        else:
            found.append(step)
    return [_spelled(step) for step in found]


def _spelled(step: Step) -> Step:
    """A step with its one member in the sentence, or with all of them below it."""
    if _EACH not in step.consequence:
        return step
    group, *rest = step.hits
    if step.times == 1:
        does = step.consequence.replace(_EACH, group.members[0].name)
        return step._replace(consequence=does, hits=tuple(rest))
    does = step.consequence.replace(_EACH, "each")
    return step._replace(consequence=does, hits=(replace(group, title="of them"), *rest))


def _because(steps: Sequence[UndoStep]) -> tuple[str, ...]:
    """What of an undo is dangerous."""
    takes = any("account_takeover" in step.risk.hazards for step in steps)
    destroys = sum(step.risk.effect == "destructive" for step in steps)
    said = ["gives rights back"] if takes else []
    said += [f"deletes or replaces in {number(destroys, 'step', 'steps')}"] if destroys else []
    return tuple(said)


def _filled(value: Any) -> Any:
    """What of a value is more than what a field holds that nobody set."""
    if isinstance(value, Mapping):
        inner = {key: _filled(item) for key, item in value.items()}
        return {key: item for key, item in inner.items() if not is_unset(item)}
    return [_filled(item) for item in value] if isinstance(value, list) else value


def _taking_back(undone: Undone) -> str:
    of = f" {undone.target}" if undone.target else ""
    title = undone.operation.title
    return f"Undo the call of {undone.ran}, {title[:1].lower()}{title[1:]}{of}"


def _overwriting(undone: Undone) -> tuple[str, ...]:
    said = "It overwrites whatever has changed since; nobody has looked."
    return (said,) if undone.anyway else ()
