"""What is told of every call: a line in the log, and to traces and metrics.

Names of operations, kinds, numbers and the call's id only: no argument, no answer and no message,
in which a secret or a stranger's words could stand. The id also stands in Descope's audit records
(`api.request.CALL_ID_HEADER`), and in the journal.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from descope_mcp.call.checked import Checked
from descope_mcp.call.outcome import (
    SO_ALREADY,
    Call,
    Completed,
    Failed,
    NeedsConfirmation,
    Outcome,
    Refused,
)
from descope_mcp.call.services import Services
from descope_mcp.telemetry import stages
from descope_mcp.telemetry.current_call import call_id
from descope_mcp.telemetry.stages import Noted
from descope_mcp.telemetry.vocabulary import POLICY_FILE

log = logging.getLogger(__name__)


class Entry:
    """What is known of a call under way."""

    def __init__(self, operation: str, caller: str, span: Noted) -> None:
        self._operation, self._caller, self._span = operation, caller, span
        self._started = time.monotonic()
        self._checked: Checked | None = None

    def judged(self, checked: Checked) -> None:
        """What the call is, and what is decided on it, as far as that is known now."""
        call_id.set(checked.id)
        self._checked = checked
        decision = checked.decision
        self._span.note(
            call=checked.id,
            effect=checked.effect,
            decision=decision.action,
            rule=kind(decision.rule),
        )

    def ended(self, outcome: Outcome) -> None:
        """Tell how the call ended."""
        checked = self._checked
        effect = checked.effect if checked else ""
        became = _became(outcome)
        self._span.note(outcome=became)
        if isinstance(outcome, Failed):
            self._span.note(error=outcome.kind)
        stages.count("calls", operation=self._operation, effect=effect, outcome=became)
        if checked:
            action, rule = checked.decision.action, kind(checked.decision.rule)
            stages.count("decisions", effect=effect, decision=action, rule=rule)
        if isinstance(outcome, Refused):
            stages.count("refusals", rule=kind(outcome.rule))
        if log.isEnabledFor(logging.INFO):
            name = self._operation or "(no such operation)"
            seconds = time.monotonic() - self._started
            said = _said(outcome, checked.id if checked else "")
            facts = {
                "operation": name,
                "class": effect,
                "outcome": became,
                "caller": self._caller,
                "seconds": round(seconds, 6),
            }
            line = "%s by %s: %s in %.0f ms"
            log.info(line, name, self._caller, said, seconds * 1000, extra={"facts": facts})

    def broken_off(self) -> None:
        """Tell that the call was ended from outside."""
        stages.count("calls", operation=self._operation, outcome="cancelled")


@contextmanager
def entry(call: Call, services: Services) -> Iterator[Entry]:
    """The entry of one call; whoever runs it says how it is judged and how it ends."""
    found = services.catalog.find(call.operation)
    # Anything can be called; what is no operation's name stays out.
    operation = found.name if found else ""
    # The name that comes with a token is a person's.
    caller = call.caller if services.principal.scopes is None else "a token"
    before = call_id.set("")
    try:
        with stages.stage("call", operation=operation) as span:
            made = Entry(operation, caller, span)
            try:
                yield made
            except BaseException:
                made.broken_off()
                raise
    finally:
        call_id.reset(before)


def kind(rule: str) -> str:
    """The kind of a rule: its name, or that it is of the policy file."""
    return POLICY_FILE if ":" in rule else rule


def _became(outcome: Outcome) -> str:
    """How a call ended, in a word."""
    match outcome:
        case Completed():
            if outcome.became == SO_ALREADY:
                return "so-already"
            return "done-in-part" if outcome.partial else "done"
        case Failed():
            return outcome.kind
        case NeedsConfirmation():
            return "asked"
    return "refused"


def _said(outcome: Outcome, call: str) -> str:
    """How a call ended, in a few words, and its id."""
    match outcome:
        case Completed():
            said = "done"
        case Failed():
            said = " ".join(
                str(part) for part in (outcome.kind, outcome.status, outcome.code) if part
            )
        case NeedsConfirmation():
            said = "a person is asked"
        case Refused():
            said = f"refused by {outcome.rule}"
    return f"{said}, call {call}" if call else said
