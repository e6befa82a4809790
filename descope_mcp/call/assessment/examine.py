"""The first look at a call: whether it makes sense, what it would do, whether it is denied."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from descope_mcp.call.assessment.class_of_call import fits, may_turn_out_milder, refusal
from descope_mcp.call.checked import Checked
from descope_mcp.call.outcome import Call, Failed, Instead, Refused, invalid
from descope_mcp.call.services import Services
from descope_mcp.catalog.arguments.validation import check
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.errors import InvalidArguments
from descope_mcp.catalog.operation import Operation
from descope_mcp.guard.policy.decision import Decision, decide
from descope_mcp.guard.policy.risk import Risk, assess
from descope_mcp.guard.preview.comparison.difference import Change
from descope_mcp.guard.preview.preview import Preview
from descope_mcp.guard.preview.target_names import KnownNames, known_names
from descope_mcp.guard.question.quoting import quoted
from descope_mcp.telemetry.stages import stage


class Denied(Instead):
    """Ends the path of a call that the policy denies; ``checked`` is what it decided on."""

    def __init__(self, outcome: Refused, checked: Checked) -> None:
        super().__init__(outcome)
        self.checked = checked


def examine(call: Call, services: Services, size: int = 0) -> Checked:
    """Find the operation, check its arguments, which are of that `size`, and decide.

    Raises:
        Instead: the call makes no sense, came through the wrong class, or is denied.
    """
    operation = services.catalog.find(call.operation)
    if operation is None:
        raise Instead(unknown(call.operation, services.catalog))
    try:
        arguments = check(operation, call.arguments)
    except InvalidArguments as error:
        raise Instead(invalid(error, _look_up(operation))) from None
    risk = assess(operation, arguments, services.trusted_hosts)
    decision = _decide(call, operation, arguments, risk, services)
    number = str(uuid.uuid4())
    checked = Checked(number, operation, arguments, arguments, risk, decision, size=size)
    # What is denied anyway is not sent to another tool, which a read-only server has not even.
    _allowed_at_all(checked)
    if not (call.through == "write" and may_turn_out_milder(operation, checked.effect)):
        _through_its_tool(call, checked, services)
    return checked


def weighed(
    call: Call,
    checked: Checked,
    services: Services,
    arguments: dict[str, Any],
    changes: tuple[Change, ...] | None,
    preview: Preview,
) -> Checked:
    """The call with the arguments to send, judged by what becomes different and for whom.

    Raises:
        Instead: it is denied, or came through the wrong class.
    """
    operation = checked.operation
    hosts, redefined = services.trusted_hosts, preview.rights.redefined
    risk = assess(operation, arguments, hosts, changes, redefined)
    names = known_names(operation, preview)
    decision = _decide(call, operation, arguments, risk, services, names)
    again = replace(
        checked, arguments=arguments, risk=risk, decision=decision, changes=changes, names=names
    )
    _allowed_at_all(again)
    _through_its_tool(call, again, services)
    return again


def _through_its_tool(call: Call, checked: Checked, services: Services) -> None:
    """End the call if it came through the tool of a laxer class."""
    if not fits(call.through, checked.effect):
        hosts, changes = services.trusted_hosts, checked.changes
        why = refusal(checked.operation, checked.arguments, checked.effect, hosts, changes)
        raise Instead(why)


def _decide(
    call: Call,
    operation: Operation,
    arguments: dict[str, Any],
    risk: Risk,
    services: Services,
    names: KnownNames | None = None,
) -> Decision:
    caller, project, policy = services.calling(call.caller), services.project, services.policy
    with stage("decide"):
        return decide(operation, arguments, caller, project, risk, policy, names)


def _allowed_at_all(checked: Checked) -> None:
    """End the call if the policy denies it, or if it makes no sense."""
    operation, decision = checked.operation, checked.decision
    if decision.rule == "senseless":
        message = f"{operation.name} was not sent. {checked.risk.refusal}"
        raise Instead(Failed("invalid_arguments", message, ""))
    if decision.action == "deny":
        remedy = _DENIED.get(decision.rule, _BY_THE_FILE)
        refused = Refused(decision.rule, f"{operation.name}: {decision.reason}", remedy)
        raise Denied(refused, checked)


def unknown(name: str, catalog: Catalog) -> Failed:
    """The outcome of a call of something that is no operation."""
    near = catalog.nearest(name[:_LONGEST_NAME])
    hint = f"Did you mean {', '.join(near)}? " if near else ""
    shown = quoted(name)
    return Failed(
        "unknown_operation", f"There is no operation {shown}.", f"{hint}Use descope_search."
    )


def _look_up(operation: Operation) -> str:
    names = list(operation.input_schema["properties"])
    more = [f"{len(names) - _MOST_NAMES} more"] if len(names) > _MOST_NAMES else []
    shown = ", ".join([*names[:_MOST_NAMES], *more]) or "none"
    return f"Arguments of {operation.name}: {shown}. descope_describe shows their types."


#: So many arguments are named after a wrong one.
_MOST_NAMES = 12
#: Longer than any operation's name; comparing a longer one with all of them takes time.
_LONGEST_NAME = 100
IN_THE_CONSOLE = "Nothing was sent. An administrator can do it in the Descope console."
_BY_THE_FILE = "Nothing was sent. Whoever runs the server can change its policy file."
_DENIED = {
    "blocked": IN_THE_CONSOLE,
    "read-only": "Nothing was sent. Changes need a server that was started without --read-only.",
    "scope": "Nothing was sent. Sign in again with that scope, or use another token.",
    "production": "Nothing was sent. An administrator can do it in the Descope console, or "
    "lift the mark where it was made: DESCOPE_MCP_PRODUCTION, production in the policy file, or "
    "`descope-mcp login --no-production`.",
}
