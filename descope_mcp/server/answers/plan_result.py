"""What a plan answers: what became of every step, in numbers where calls did the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import mcp_types as types

from descope_mcp.call.evidence.evidence import to_data
from descope_mcp.call.evidence.together import together
from descope_mcp.call.outcome import Completed
from descope_mcp.call.plan.outcome import NAME, PlanChecked, PlanEnded, Ran
from descope_mcp.guard.question.renderers import mcp_form
from descope_mcp.server.answers import tool_result
from descope_mcp.server.answers.brief import brief
from descope_mcp.server.answers.outline import bounded, text_of
from descope_mcp.store.secrets.handle import PREFIX

#: So many calls of a step are told one by one where they did not run to their end.
_MOST_TOLD = 20
#: The largest answer of one call that is shown, in characters: of a read, and of a change.
_MOST_READ, _MOST_CHANGED = 4_000, 600
#: The most characters that the evidence of one step takes.
_LARGEST_CHANGE = 1_500
#: So much of the question is shown by a check.
_MOST_QUESTION = 3_000
#: So many calls are named that a note is about.
_MOST_NAMED = 5
#: What ends badly, by the names of the answer.
_WRONG = {"failed": "failed", "not run": "notRun", "unknown": "unknown"}


def shown(outcome: PlanEnded | PlanChecked) -> types.CallToolResult:
    """What became of a plan, or what it would do."""
    return _ended(outcome) if isinstance(outcome, PlanEnded) else _checked(outcome)


def _ended(outcome: PlanEnded) -> types.CallToolResult:
    """What became of a plan."""
    counts = {name: number for key, name in _WRONG.items() if (number := _count(outcome, key))}
    done = outcome.count("done")
    answer: dict[str, Any] = {"calls": len(outcome.calls), "done": done, **counts}
    answer["consent"] = outcome.consent
    answer["steps"] = [_row(calls) for calls in _rows(outcome.calls)]
    structured: dict[str, Any] = {"operation": NAME}
    if outcome.id:
        structured["callId"] = outcome.id
    structured["answer"] = bounded({"answer": answer})[0].get("answer")
    if covers := _undo(outcome):
        structured["undo"] = {"call": outcome.id, "covers": covers}
    notes = _notes(outcome, counts)
    became = "done" if not counts else f"{done} of {len(outcome.calls)} calls done"
    return tool_result.part(structured, notes, became, error=bool(counts))


def _checked(outcome: PlanChecked) -> types.CallToolResult:
    """What a plan would do."""
    question = mcp_form.message(outcome.said) or mcp_form.plain(outcome.said.consequence)
    answer: dict[str, Any] = {"calls": len(outcome.calls), "asks": outcome.asks}
    if outcome.granted:
        answer["granted"] = outcome.granted
    answer["question"] = question[:_MOST_QUESTION]
    asked = "a person is asked once" if outcome.asks else "nobody has to be asked"
    notes = [f"nothing but reads was sent; {asked} when it runs"]
    structured = {"operation": NAME, "answer": answer}
    return tool_result.part(structured, notes, "checked")


def _rows(calls: Sequence[Ran]) -> list[list[Ran]]:
    """The calls of each step; those of steps that follow each other and do the same, together."""
    rows: list[list[Ran]] = []
    joins = False
    for _, one in groupby(calls, lambda call: call.step):
        step = list(one)
        plain = all(isinstance(call.outcome, Completed) and _told(call.outcome) for call in step)
        before = rows[-1] if rows and joins else None
        if before and plain and before[0].operation == step[0].operation:
            before += step
        else:
            rows.append(step)
        joins = plain
    return rows


def _row(calls: Sequence[Ran]) -> dict[str, Any]:
    """What became of the calls of one step, or of several."""
    first, last = calls[0], calls[-1]
    row: dict[str, Any] = {"step": first.step}
    if last.step != first.step:
        row["upTo"] = last.step
    row["operation"] = first.operation
    row["done"] = sum(call.became == "done" for call in calls)
    wrong = [call for call in calls if call.became != "done"]
    if wrong:
        row["others"] = [_call(call) for call in wrong[:_MOST_TOLD]]
        if len(wrong) > _MOST_TOLD:
            row["more"] = len(wrong) - _MOST_TOLD
    row |= _change(calls)
    if len(calls) == 1 and isinstance(first.outcome, Completed) and not _told(first.outcome):
        most = _MOST_READ if first.outcome.operation.effect == "read" else _MOST_CHANGED
        answer = brief(first.outcome.data)
        if answer and len(text_of(answer)) <= most:
            row["answer"] = answer
    return row


def _told(outcome: Completed) -> bool:
    """Whether the evidence says all that the answer does; a secret stands in the answer alone."""
    if outcome.evidence is None:
        return False
    shows = outcome.evidence.shows_something or not outcome.data
    return shows and PREFIX not in text_of(outcome.data)


def _change(calls: Sequence[Ran]) -> dict[str, Any]:
    """What the calls of one step did, and to how many, from the evidence of each."""
    did = [
        (call.target.strip('"'), call.outcome.evidence)
        for call in calls
        if isinstance(call.outcome, Completed) and call.outcome.evidence
    ]
    evidence = together(did)
    affected = sum(call.items for call in calls if call.became == "done")
    if evidence is None:
        return {"items": affected} if affected > len(calls) else {}
    change, _ = bounded(to_data(evidence), _LARGEST_CHANGE)
    if len(did) > 1 and affected == len(did):
        change.pop("items", None)
    if not (evidence.did or evidence.shows_something):
        # The calls are told apart by their targets alone.
        names = [name for name, _ in did if name]
        more = len(names) - _MOST_TOLD
        of = [*names[:_MOST_TOLD], *([f"and {more} more"] if more > 0 else [])]
        change = {"targets": of, **change} if of else change
    return {"change": change} if change else {}


def _call(call: Ran) -> dict[str, Any]:
    told = {"call": call.number, "target": call.target, "became": call.became, "why": call.why}
    return {name: value for name, value in told.items() if value}


def _count(outcome: PlanEnded, became: str) -> int:
    return sum(call.became == became for call in outcome.calls)


def _undo(outcome: PlanEnded) -> str:
    """How much of what ran can be taken back, "" if nothing can."""
    ran = [
        call.outcome
        for call in outcome.calls
        if isinstance(call.outcome, Completed) and call.outcome.operation.worst_effect != "read"
    ]
    covered = [one.undo.covers if one.undo else "no" for one in ran]
    if all(one == "no" for one in covered):
        return ""
    return "whole" if all(one == "whole" for one in covered) else "part"


def _of_calls(calls: Sequence[Ran]) -> Iterator[str]:
    """The notes of single calls, each once, with the calls that it is about."""
    about: dict[str, list[str]] = {}
    for call in calls:
        for note in call.outcome.notes if isinstance(call.outcome, Completed) else ():
            about.setdefault(note, []).append(f"{call.number} ({call.operation})")
    for note, of in about.items():
        more = len(of) - _MOST_NAMED
        rest = f" and {more} more" if more > 0 else ""
        yield f"call {', '.join(of[:_MOST_NAMED])}{rest}: {note}"


def _notes(outcome: PlanEnded, counts: dict[str, int]) -> list[str]:
    """What the caller has to know, and can do."""
    notes = list(_of_calls(outcome.calls))
    first = next((call for call in outcome.calls if call.why), None)
    if first:
        notes.append(
            f"call {first.number} ({first.operation}) {first.became}; why is in the answer"
        )
    if counts.get("unknown"):
        notes.append("read the targets of what is unknown before anything else")
    if counts.get("notRun") and outcome.id:
        notes.append(
            f"what did not run can be gone on with: descope_plan {text_of({'resume': outcome.id})}"
        )
    return list(dict.fromkeys(notes))
