"""What a plan answers: what became of every step, in numbers where calls did the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import mcp_types as types

from descope_mcp.call.evidence.summary import to_data
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
#: The most characters that the evidence of one step takes, and of all steps.
_LARGEST_CHANGE, _ALL_CHANGES = 2_000, 12_000
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
    answer["consent"] = _consent(outcome.consent)
    rows = _rows(outcome.calls)
    room = min(_LARGEST_CHANGE, _ALL_CHANGES // max(1, len(rows)))
    answer["steps"] = [_row(calls, room) for calls in rows]
    structured: dict[str, Any] = {"operation": NAME}
    if outcome.id:
        structured["callId"] = outcome.id
    shown, cut = bounded({"answer": answer})
    structured["answer"] = shown.get("answer")
    if undo := _undo(outcome):
        structured["undo"] = undo
    notes = _notes(outcome, counts)
    notes += ["the answer is too long to show whole, and lists of it are cut"] if cut else []
    became = "done" if not counts else f"{done} of {len(outcome.calls)} calls done"
    return tool_result.part(structured, notes, became, error=bool(counts))


def _checked(outcome: PlanChecked) -> types.CallToolResult:
    """What a plan would do."""
    question = mcp_form.message(outcome.said) or mcp_form.plain(outcome.said.consequence)
    answer: dict[str, Any] = {"calls": len(outcome.calls), "asks": outcome.asks}
    if outcome.granted:
        answer["granted"] = outcome.granted
    answer["question"] = question[:_MOST_QUESTION]
    more = len(question) - _MOST_QUESTION
    asked = "a person is asked once" if outcome.asks else "nobody has to be asked"
    notes = [f"nothing but reads was sent; {asked} when it runs"]
    notes += [f"the question goes on for {more:,} characters"] if more > 0 else []
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


def _consent(consent: str) -> str:
    """What allowed a plan, in words (`PlanEnded.consent`)."""
    kind, _, _ = consent.partition(" ")
    match kind:
        case "policy":
            return "nobody had to be asked"
        case "grant":
            return f"a person allowed it ahead ({consent})"
        case "approval":
            return f"a person agreed ({consent})"
    return "a person agreed (the question was put to them)"


def _row(calls: Sequence[Ran], room: int) -> dict[str, Any]:
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
    row |= _change(calls, room)
    return row | _answers(calls)


def _answers(calls: Sequence[Ran]) -> dict[str, Any]:
    """What calls answered where their evidence does not say it: of one, or of several reads."""
    answered = [
        (call, call.outcome)
        for call in calls
        if isinstance(call.outcome, Completed) and not _told(call.outcome)
    ]
    reads = bool(answered) and answered[0][1].operation.effect == "read"
    if not reads and len(calls) > 1:
        return {}
    found = [
        (call, answer)
        for call, outcome in answered
        if (answer := outcome.data if reads else brief(outcome.data))
    ]
    if len(calls) == 1:
        told: dict[str, Any] = {"answer": found[0][1]} if found else {}
    else:
        told = {"answers": [{"given": call.given, "answer": answer} for call, answer in found]}
    if len(text_of(told)) <= (_MOST_READ if reads else _MOST_CHANGED):
        return told
    return {"answer": "too long to show here; read it with descope_read"} if reads else {}


def _told(outcome: Completed) -> bool:
    """Whether the evidence says all that the answer does; a secret stands in the answer alone."""
    if outcome.evidence is None:
        return False
    shows = outcome.evidence.shows_something or not outcome.data
    return shows and PREFIX not in text_of(outcome.data)


def _change(calls: Sequence[Ran], room: int) -> dict[str, Any]:
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
    change = to_data(evidence, room)
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


def _undo(outcome: PlanEnded) -> dict[str, Any]:
    """How much of what ran can be taken back, and what of it cannot; {} if nothing changed."""
    ran = [
        call.outcome
        for call in outcome.calls
        if isinstance(call.outcome, Completed) and call.outcome.operation.worst_effect != "read"
    ]
    if not ran:
        return {}
    covered = {one.undo.covers if one.undo else "no" for one in ran}
    covers = next(iter(covered)) if len(covered) == 1 else "part"
    lacks = dict.fromkeys(
        f"{one.operation.title}: {lack}" for one in ran if one.undo for lack in one.undo.lacks
    )
    undo: dict[str, Any] = {"covers": covers}
    undo |= {"call": outcome.id} if covers != "no" else {}
    more = len(lacks) - _MOST_NAMED
    told = [*list(lacks)[:_MOST_NAMED], *([f"and {more} more"] if more > 0 else [])]
    return undo | ({"notComingBack": told} if told else {})


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
