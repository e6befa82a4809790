"""What a person is told about an undo: what is taken back, how, and what does not come back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from descope_mcp.catalog.operation import Operation
from descope_mcp.guard.policy.decision import Decision
from descope_mcp.guard.policy.risk import Risk
from descope_mcp.guard.preview.difference import is_unset
from descope_mcp.guard.preview.impact import Tally
from descope_mcp.guard.preview.preview import Preview
from descope_mcp.guard.question.compose import disclose
from descope_mcp.guard.question.question_data import Disclosure, Project, Step
from descope_mcp.guard.question.quoting import MOST_SHOWN, TooMuchToShow, whole


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

    ``missing`` are sentences on what does not come back, ``names`` what those are called (quoted)
    whom the call hit, by their ids. With ``anyway``, changes since then are
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
        lost=" ".join(undone.missing),
        softer="",
    )


def undo_disclosure(
    undone: Undone, steps: Sequence[UndoStep], project: Project, caller: str, typed: str
) -> Disclosure:
    """What a person is told about an undo of several steps.

    Raises:
        NotShown: the steps are too many for one question, or cannot be shown.
    """
    told = []
    for step in steps:
        # What is left as it is by default is not worth a word where nothing is there yet.
        fresh = not (step.operation.update and step.preview.found)
        given = _filled(step.arguments) if fresh else step.arguments
        said = disclose(
            step.operation,
            given,
            risk=step.risk,
            decision=step.decision,
            preview=step.preview,
            project=project,
            caller=caller,
            counts=step.counts,
        )
        does = said.consequence
        if step.operation.update and not step.preview.found:
            does = step.operation.title
        for key, name in undone.names.items():
            does = does.replace(whole(key), name)
        told.append(Step(does, said.hits, (*said.given, *said.now, *said.counts)))
    size = sum(len(step.consequence) + sum(len(f.value) for f in step.facts) for step in told)
    if size > MOST_SHOWN:
        raise TooMuchToShow(undone.operation.name)
    rules = dict.fromkeys(s.decision.rule for s in steps if s.decision.action == "confirm")
    return Disclosure(
        undone.operation.name,
        f"Undo: {undone.operation.title}",
        f"{_taking_back(undone)}, in {len(told):,} steps",
        project,
        caller,
        ", ".join(rules),
        undo="part",
        danger="Dangerous",
        because=_because(steps),
        warnings=_overwriting(undone),
        steps=tuple(told),
        lost=" ".join(undone.missing),
        typed=typed,
    )


def _because(steps: Sequence[UndoStep]) -> tuple[str, ...]:
    """What of an undo is dangerous."""
    takes = any("account_takeover" in step.risk.hazards for step in steps)
    destroys = sum(step.risk.effect == "destructive" for step in steps)
    said = ["gives rights back"] if takes else []
    return (*said, *([f"deletes or replaces in {destroys:,} steps"] if destroys else []))


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
