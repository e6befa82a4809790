"""Running the calls of an undo: side by side where none builds on another, up to a failure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import anyio

from descope_mcp.call.evidence.evidence import Evidence
from descope_mcp.call.evidence.summary import to_data
from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Completed, Failed, Outcome, Refused
from descope_mcp.call.services import Services
from descope_mcp.catalog.operation import Operation
from descope_mcp.guard.preview.comparison.after_state import known_as, objects
from descope_mcp.guard.preview.target_identity import identity
from descope_mcp.store.journal.entry import Entry

#: So many calls of an undo run at once. The service is somebody else's, too.
AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Plan:
    """The calls that take an entry back, and what does not come back.

    ``after`` has for each call the numbers of those that have to have run before it, ``left`` are
    the numbers of those that no earlier undo has run, ``names`` what those were called whom the
    entry hit, by their ids, ``before`` what was there before its call.
    """

    entry: Entry
    operation: Operation
    steps: tuple[Call, ...]
    after: tuple[tuple[int, ...], ...]
    left: tuple[int, ...]
    missing: tuple[str, ...]
    names: Mapping[str, str] = field(default_factory=dict)
    before: tuple[Any, ...] = field(default=(), repr=False)


async def run(plan: Plan, said: str, services: Services) -> Outcome:
    """Run the calls of an undo.

    Once one does not succeed none begins any more; those that are on their way are finished. The
    outcome is that of the first in the plan which did not succeed, whichever ended first.

    Args:
        plan: what to run.
        said: the consent to the whole, for the journal.
        services: what every call needs.
    """
    outcomes: dict[int, Outcome] = {}
    ended = {number: anyio.Event() for number in plan.left}
    turns = anyio.CapacityLimiter(AT_ONCE)

    async def take(number: int) -> None:
        for earlier in ended.keys() & plan.after[number]:
            await ended[earlier].wait()
        async with turns:
            if all(isinstance(outcome, Completed) for outcome in outcomes.values()):
                step = replace(plan.steps[number], consent=said)
                outcomes[number] = await invoke(step, services)
        ended[number].set()

    async with anyio.create_task_group() as tasks:
        for number in plan.left:
            tasks.start_soon(partial(take, number))
    if any(not isinstance(outcome, Completed) for outcome in outcomes.values()):
        return _stopped(plan, outcomes)
    return done(plan, outcomes)


def done(plan: Plan, outcomes: Mapping[int, Outcome]) -> Completed:
    """The outcome of an undo whose calls have all run."""
    proofs = [o.evidence for o in outcomes.values() if isinstance(o, Completed) and o.evidence]
    data = {
        "undone": plan.entry.call,
        "steps": _ran(plan, outcomes),
        "newIds": list(_new_ids(plan, proofs)),
        "notComingBack": list(plan.missing),
    }
    asked = [one.consent for one in proofs if one.consent.by != "nobody"]
    allowed = [*asked, *(one.consent for one in proofs)]
    evidence = Evidence(f"Took back: {plan.operation.title}", allowed[0]) if allowed else None
    return Completed(plan.operation, data, plan.entry.call, became="undone", evidence=evidence)


def _new_ids(plan: Plan, proofs: Iterable[Evidence]) -> Iterator[dict[str, str]]:
    """What came back under another id than it had."""
    known = {known_as(one): identity(one) for one in objects(list(plan.before)) if known_as(one)}
    for made in (made for one in proofs for made in one.made):
        was = known.get(made.name, "")
        if was and was != made.id:
            yield {"name": made.name, "was": was, "is": made.id}


def _ran(plan: Plan, outcomes: Mapping[int, Outcome]) -> list[dict[str, Any]]:
    """The calls that have run, in the order of the plan."""
    return [
        {
            "operation": plan.steps[number].operation,
            "callId": outcome.call_id,
            **(to_data(outcome.evidence) if outcome.evidence else {}),
        }
        for number, outcome in sorted(outcomes.items())
        if isinstance(outcome, Completed)
    ]


def _stopped(plan: Plan, outcomes: Mapping[int, Outcome]) -> Failed | Refused:
    """The outcome of an undo that did not get to its end."""
    wrong = {n: o for n, o in sorted(outcomes.items()) if not isinstance(o, Completed)}
    number, *others = wrong
    ran = ", ".join(step["operation"] for step in _ran(plan, outcomes)) or "nothing"
    where = f"The undo stopped at step {number + 1} of {len(plan.steps)}; it ran {ran}. {_LATER}"
    also = "".join(f" Step {n + 1} was under way and {_became(wrong[n])}" for n in others)
    match wrong[number]:
        case Failed() as outcome:
            return replace(outcome, message=f"{where} {outcome.message}{also}")
        case Refused() as outcome:
            return replace(outcome, message=f"{where} {outcome.message}{also}")
    message = f"{where} A person would have to be asked.{also}"
    return Refused("asked-again", message, "Undo again.")


_LATER = "Undone again, it goes on with the steps that have not run."


def _became(outcome: Outcome) -> str:
    """How a call ended that did not succeed, as the end of a sentence."""
    match outcome:
        case Failed() | Refused():
            return f"did not succeed either: {outcome.message}"
    return "did not run: a person would have to be asked."
