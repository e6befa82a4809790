"""What became of a call, as a command prints it, and the exit code that this is."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import click

from descope_mcp.call.evidence import evidence
from descope_mcp.call.evidence.summary import to_data
from descope_mcp.call.outcome import Completed, Failed, NeedsConfirmation, Refused
from descope_mcp.call.plan.outcome import PlanChecked, PlanEnded, PlanOutcome
from descope_mcp.catalog import field_selection
from descope_mcp.catalog.field_selection import WrongFields
from descope_mcp.cli.display import output
from descope_mcp.cli.main import FAILED, NOT_NOW, REFUSED, UNKNOWN, USAGE
from descope_mcp.cli.outcomes import plan
from descope_mcp.guard.question import shell_quoting
from descope_mcp.server.answers import list_parts


class Shown(NamedTuple):
    """What of an answer is printed."""

    fields: str = ""
    limit: int | None = None


_EXIT_CODES = {
    "outcome_unknown": UNKNOWN,
    "invalid_arguments": USAGE,
    "unknown_operation": USAGE,
    "unknown_call": USAGE,
    "unknown_plan": USAGE,
    "missing_credential": USAGE,
    "rate_limited": NOT_NOW,
}


def _here(remedy: str) -> str:
    """A remedy that names a tool of the MCP surface, with the command that does the same."""
    for tool, command in (("search", "search"), ("describe", "show")):
        remedy = remedy.replace(f"descope_{tool}", f"`{shell_quoting.command('tools', command)}`")
    return remedy.replace("anyway: true", "--anyway")


def printed(outcome: PlanOutcome, show: Shown) -> int:
    """Print an outcome; the exit code it stands for."""
    match outcome:
        case Completed():
            return _completed(outcome, show)
        case Failed():
            code = f" ({outcome.code})" if outcome.code else ""
            more = {"status": outcome.status, "code": outcome.code}
            more |= {"retryAfterSeconds": outcome.retry_after}
            output.problem(
                f"{outcome.message}{code}",
                _here(outcome.remedy),
                kind=outcome.kind,
                **{name: value for name, value in more.items() if value},
            )
            return _EXIT_CODES.get(outcome.kind, FAILED)
        case Refused():
            more = {"rule": outcome.rule}
            if outcome.retry_after:
                more |= {"retryAfterSeconds": outcome.retry_after}
                more |= {"retryAt": output.iso(time.time() + outcome.retry_after)}
            output.problem(outcome.message, _here(outcome.remedy), kind="refused", **more)
            return NOT_NOW if outcome.rule == "cap" else REFUSED
        case PlanEnded():
            return plan.ended(outcome)
        case PlanChecked():
            return plan.checked(outcome)
        case NeedsConfirmation():
            message = "The call was confirmed and would have to be asked about again."
            output.problem(message, "Nothing was sent.", kind="refused")
            return REFUSED


def _completed(outcome: Completed, show: Shown) -> int:
    """Print what an operation answered; the exit code."""
    data: Any = outcome.data
    try:
        data = field_selection.project(show.fields, data) if show.fields else data
    except WrongFields as error:
        output.problem(str(error), "The call itself succeeded.", kind="invalid_arguments")
        return USAGE
    field = list_parts.field_of(outcome.operation, data) if show.limit else None
    if field is not None:
        data = {**data, field: data[field][: show.limit]} if field else data[: show.limit]
    if output.as_json():
        facts: dict[str, Any] = {"operation": outcome.operation.name, "callId": outcome.call_id}
        facts |= {"answer": data, "notes": list(outcome.notes), "failedItems": outcome.partial}
        output.row({**facts, **_evidence(outcome)})
    else:
        output.document(data)
        for line in _told(outcome):
            click.echo(line, err=True)
        for note in outcome.notes:
            output.note(note)
        if outcome.partial:
            output.note(f"{outcome.partial} item(s) failed")
    return FAILED if outcome.partial else 0


def _evidence(outcome: Completed) -> dict[str, Any]:
    """What a change did, who allowed it, and how much of it can be taken back."""
    undo = outcome.undo
    facts: dict[str, Any] = {"undo": undo.covers if undo else ""}
    facts |= {"notComingBack": list(undo.lacks)} if undo and undo.lacks else {}
    if outcome.evidence is None:
        return facts
    change, consent = outcome.evidence, outcome.evidence.consent
    told = {"change": to_data(change), "consent": evidence.consent_data(consent)}
    return {**told, **facts}


def _told(outcome: Completed) -> Iterator[str]:
    """The same as lines for a person: beside the answer, which scripts read."""
    change, undo = outcome.evidence, outcome.undo
    if change is None:
        return
    told = to_data(change)
    yield f"descope-mcp: {told.pop('did')}; {evidence.in_words(change.consent)}."
    for name, value in told.items():
        yield f"  {name}: {value if isinstance(value, str) else json.dumps(value)}"
    if undo and undo.covers != "no":
        yield f"  undo: `{shell_quoting.command('undo', outcome.call_id[:8])}`"
    yield from (f"  does not come back: {text}" for text in (undo.lacks if undo else ()))
