"""From an outcome to a tool result: structured content, and the same as text.

Every answer has the shape of `answer_schema.ANSWER`. What Descope answered stands below ``answer``
alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import mcp_types as types

from descope_mcp.call.evidence.evidence import Consent, consent_data, in_words
from descope_mcp.call.evidence.summary import to_data
from descope_mcp.call.outcome import Completed, Failed, Refused, Waiting
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.question import shell_quoting
from descope_mcp.guard.secrets import untrusted_text
from descope_mcp.server.answers.outline import text_of
from descope_mcp.server.answers.output_schema import MOST_NEXT
from descope_mcp.store.secrets.handle import LIFETIME, PREFIX

#: What a model is told beside a handle.
_SEALED = (
    "[sealed:...] stands for a secret: pass it on as it is, or a person opens it in a terminal, "
    f"`{shell_quoting.command('secrets', 'reveal', 'HANDLE')}`, within {LIFETIME / 3600:.0f} hours "
    "(one that is shown only once, until somebody has)"
)
#: The most characters that the evidence of a change takes.
_LARGEST_CHANGE = 6_000


def result(structured: dict[str, Any], text: str, *, error: bool = False) -> types.CallToolResult:
    """A tool result with both forms."""
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=text)],
        structured_content=structured,
        is_error=error,
    )


def completed(
    outcome: Completed, shown: Mapping[str, Any], suggested: list[dict[str, str]]
) -> types.CallToolResult:
    """What an operation answered.

    Args:
        outcome: of the call.
        shown: the part of the answer that is shown, from `Answers.first`.
        suggested: from `suggestions`.
    """
    structured: dict[str, Any] = {
        "operation": outcome.operation.name,
        "callId": outcome.call_id,
        **shown,
    }
    notes = list(outcome.notes)
    if outcome.partial:
        structured["failedItems"] = outcome.partial
        notes.append(
            f"{outcome.partial} item(s) failed although the call succeeded; see the answer"
        )
    if evidence := outcome.evidence:
        structured["change"] = to_data(evidence, _LARGEST_CHANGE)
        structured["consent"] = consent_data(evidence.consent)
    if undo := outcome.undo:
        structured["undo"] = {"covers": undo.covers}
        structured["undo"] |= {"call": outcome.call_id} if undo.covers != "no" else {}
        structured["undo"] |= {"notComingBack": list(undo.lacks)} if undo.lacks else {}
    if outcome.cut:
        notes.append("the answer was larger than this server reads")
    if suggested:
        structured["nextOperations"] = suggested
    return part(structured, notes, outcome.became, error=bool(outcome.partial))


def part(
    structured: dict[str, Any], notes: list[str], became: str = "done", *, error: bool = False
) -> types.CallToolResult:
    """An answer, or a part of a kept one, in both forms."""
    if structured["answer"] is None and "part" not in structured:
        notes = [*notes, "nothing in the answer is what fields asks for"]
    if notes:
        structured["notes"] = notes
    data = {name: structured[name] for name in ("change", "answer") if name in structured}
    shown = text_of(data if structured.get("change") else structured["answer"])
    if PREFIX in shown:
        structured["sealed"] = _SEALED
    structured["untrusted"] = [name for name in ("change", "answer") if name in structured]
    text = f"{'; '.join(_told(structured, became))}.\n{untrusted_text.fenced(shown)}"
    return result(structured, text, error=error)


def _told(structured: Mapping[str, Any], became: str) -> Iterator[str]:
    """What there is to say of an answer, besides itself."""
    yield f"{structured['operation']}: {became}"
    yield from structured.get("notes", ())
    if consent := structured.get("consent"):
        yield in_words(Consent(consent["by"], consent.get("way", ""), consent["rule"]))
    if undo := structured.get("undo"):
        yield _undo(undo)
    yield from _of_the_whole(structured)
    if following := structured.get("nextOperations"):
        yield "often next: " + ", ".join(f"{n['operation']} ({n['class']})" for n in following)
    yield from [structured["sealed"]] if "sealed" in structured else []


def _of_the_whole(structured: Mapping[str, Any]) -> Iterator[str]:
    """Which part of the answer this is, and how the rest is had."""
    if made := structured.get("madeOf"):
        total = f" of {made['total']}" if "total" in made and not made["all"] else ""
        yield (
            f"made of all {made['read']} {made['of']}"
            if made["all"]
            else f"made of {made['read']}{total} {made['of']} only: read more of them at once"
        )
    if shown := structured.get("part"):
        total = f" of {shown['total']}" if "total" in shown else ""
        start = f" from {shown['from']} on" if shown.get("from") else ""
        yield f"{shown['shown']}{total} {shown['of']} shown{start}"
        if "next" in shown:
            yield f"go on with descope_read {text_of(shown['next'])}"
        if structured.get("changedSince"):
            yield "it has changed since the first part was read; start again to be sure"
    elif "whole" in structured:
        kept = structured["whole"]["uri"].removeprefix("descope://")
        yield f"the whole answer: descope_read {text_of({'operation': kept})}"
    if "cut" in structured:
        yield "this is an outline; fields or the parts show the rest"
    if groups := structured.get("leftOut"):
        named = (f"{group}: {', '.join(names)}" for group, names in groups.items())
        yield f"left out, {', '.join(named)}"


def _undo(undo: Mapping[str, Any]) -> str:
    """How much of a change can be taken back, and by which call."""
    lacks = "; ".join(text.rstrip(".") for text in undo.get("notComingBack", ()))
    if undo["covers"] == "no":
        return f"cannot be undone: {lacks}" if lacks else "cannot be undone"
    call = f"descope_undo {text_of({'call': undo['call']})}"
    return f"can be undone: {call}" + (f"; does not come back: {lacks}" if lacks else "")


def suggestions(catalog: Catalog, outcome: Completed) -> list[dict[str, str]]:
    """What often comes next: what the records say; else, of a change that nothing shows, a look."""
    operation = outcome.operation
    names, evidence = operation.next, outcome.evidence
    looked = evidence is not None and evidence.shows_something
    if not names and operation.effect != "read" and not looked:
        names = tuple(dict.fromkeys(step.operation for step in operation.preview))
    return [{"operation": name, "class": catalog[name].effect} for name in names[:MOST_NEXT]]


def failed(outcome: Failed) -> types.CallToolResult:
    """Why a call failed and what to do."""
    structured: dict[str, Any] = {
        "error": outcome.kind,
        "message": outcome.message,
        "remedy": outcome.remedy,
    }
    if outcome.status:
        structured["status"] = outcome.status
        # It quotes what Descope says, which may repeat what somebody else wrote.
        structured["untrusted"] = ["message"]
    if outcome.code:
        structured["code"] = outcome.code
    if outcome.retry_after:
        structured["retryAfterSeconds"] = outcome.retry_after
    code = f" ({outcome.code})" if outcome.code else ""
    return result(structured, f"{outcome.message}{code} {outcome.remedy}".strip(), error=True)


def waiting(outcome: Waiting, panel: dict[str, Any] | None = None) -> types.CallToolResult:
    """What a call waits for. It is no error: some frameworks end a run on the second one.

    Args:
        outcome: of the call.
        panel: what a panel of the client is given, beside what its model reads.
    """
    structured = {
        "waitsFor": "person",
        "rule": outcome.rule,
        "request": outcome.number,
        "approve": outcome.approve,
        "state": outcome.state,
        **({"link": outcome.link} if outcome.link else {}),
        "message": outcome.message,
        "remedy": outcome.remedy,
    }
    told = result(structured, f"{outcome.message} {outcome.remedy}")
    return told.model_copy(update={"meta": panel}) if panel else told


def refused(outcome: Refused) -> types.CallToolResult:
    """Why a call was not sent and what to do."""
    structured = {
        "error": "refused",
        "rule": outcome.rule,
        "message": outcome.message,
        "remedy": outcome.remedy,
    }
    return result(structured, f"{outcome.message} {outcome.remedy}".strip(), error=True)
