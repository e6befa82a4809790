"""What a plan answers: what became of every step, in numbers where calls did the same."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import mcp_types as types

from descope_mcp.call.outcome import Completed
from descope_mcp.call.plan.outcome import NAME, PlanChecked, PlanEnded, Ran
from descope_mcp.guard.question.renderers import mcp_form
from descope_mcp.server.answers import tool_result
from descope_mcp.server.answers.outline import bounded, text_of

#: So many calls of a step are told one by one where they did not run to their end.
_MOST_TOLD = 20
#: The largest answer of one call that is shown, in characters: of a read, and of a change.
_MOST_READ, _MOST_CHANGED = 4_000, 600
#: So much of the question is shown by a check.
_MOST_QUESTION = 3_000
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
    answer["steps"] = [_step(list(calls)) for _, calls in groupby(outcome.calls, lambda c: c.step)]
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


def _step(calls: Sequence[Ran]) -> dict[str, Any]:
    """What became of the calls of one step."""
    first = calls[0]
    row: dict[str, Any] = {"step": first.step, "operation": first.operation}
    row["done"] = sum(call.became == "done" for call in calls)
    affected = sum(call.items for call in calls if call.became == "done")
    if affected > row["done"]:
        row["items"] = affected
    wrong = [call for call in calls if call.became != "done"]
    if wrong:
        row["others"] = [_call(call) for call in wrong[:_MOST_TOLD]]
        if len(wrong) > _MOST_TOLD:
            row["more"] = len(wrong) - _MOST_TOLD
    if len(calls) == 1 and isinstance(first.outcome, Completed):
        if first.target:
            row["target"] = first.target
        if first.outcome.evidence:
            row["did"] = first.outcome.evidence.did
        most = _MOST_READ if first.outcome.operation.effect == "read" else _MOST_CHANGED
        if first.outcome.data and len(text_of(first.outcome.data)) <= most:
            row["answer"] = first.outcome.data
    return row


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


def _notes(outcome: PlanEnded, counts: dict[str, int]) -> list[str]:
    """What the caller has to know, and can do."""
    notes = [
        note
        for call in outcome.calls
        if isinstance(call.outcome, Completed)
        for note in call.outcome.notes
    ]
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
