"""A call that would do what is so already: nobody is asked, and nothing is sent."""

from __future__ import annotations

from descope_mcp.call.checked import Checked
from descope_mcp.call.outcome import SO_ALREADY, Call, Completed
from descope_mcp.call.services import Services
from descope_mcp.guard.policy.decision import decide
from descope_mcp.guard.policy.risk import assess
from descope_mcp.guard.preview.comparison.settled import is_settled
from descope_mcp.guard.preview.preview import Preview
from descope_mcp.guard.preview.recipe_values import ABSENT, resolve
from descope_mcp.guard.secrets.untrusted_text import clean


def has_nothing_to_do(call: Call, checked: Checked, preview: Preview) -> bool:
    """Whether a person would be asked about nothing. An undo has seen to it that there is more."""
    # A plan's consent was given before its other calls ran: one of them may have done this already.
    elsewhere = call.undoes or (call.consent and call.part is None)
    asks = checked.decision.action == "confirm" and not elsewhere
    return asks and is_settled(checked.operation, checked.given, preview, checked.changes)


def so_already(call: Call, checked: Checked, preview: Preview, services: Services) -> Completed:
    """What becomes of a call that has nothing to do: it is not sent.

    ``data`` is what is there, if the caller may read it without asking anybody, else nothing.
    """
    operation = checked.operation
    if not _may_read(call, checked, preview, services):
        return Completed(operation, {}, checked.id, notes=(_UNREAD,), became=SO_ALREADY)
    step = operation.preview[0]
    data, _ = clean({step.find: preview.target} if step.find else preview.target)
    return Completed(operation, data, checked.id, notes=(_SETTLED,), became=SO_ALREADY)


def _may_read(call: Call, checked: Checked, preview: Preview, services: Services) -> bool:
    """Whether the read that has found the target would have run, had the caller made it."""
    step, policy, project = checked.operation.preview[0], services.policy, services.project
    read = services.catalog[step.operation]
    resolved = resolve(step.arguments, preview.scope)
    given = {} if resolved is ABSENT else resolved
    risk, caller = assess(read, given, services.trusted_hosts), services.calling(call.caller)
    decision = decide(read, given, caller, project, risk, policy)
    return decision.action == "allow" and decision.cap is None


_SETTLED = "nothing was sent and nobody was asked; the answer is what was read of it just now"
_UNREAD = "nothing was sent and nobody was asked; the policy keeps what is there from being shown"
