"""A line in the log for every call: what, by whom, how it ended and how long it took.

Names of operations, kinds and numbers only: no argument, no answer and no message, in which a
secret or a stranger's words could stand.
"""

from __future__ import annotations

import logging

from descope_mcp.call.outcome import Call, Completed, Failed, NeedsConfirmation, Outcome
from descope_mcp.catalog.catalog import Catalog

log = logging.getLogger(__name__)


def told(call: Call, outcome: Outcome, seconds: float, catalog: Catalog) -> None:
    """Log how a call ended."""
    if not log.isEnabledFor(logging.INFO):
        return
    operation = catalog.find(call.operation)
    # Anything can be called; what is no operation's name stays out.
    name = operation.name if operation else "(no such operation)"
    log.info("%s by %s: %s in %.0f ms", name, call.caller, _ended(outcome), seconds * 1000)


def _ended(outcome: Outcome) -> str:
    match outcome:
        case Completed():
            return f"done, call {outcome.call_id}"
        case Failed():
            return " ".join(
                str(part) for part in (outcome.kind, outcome.status or "", outcome.code)
            )
        case NeedsConfirmation():
            return "a person is asked"
    return f"refused by {outcome.rule}"
