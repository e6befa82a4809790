"""The path of a call: catalog, guard, api, shape. There is no second way to reach Descope.

`invoke` can be entered again: nothing is held in memory while a person thinks. When it answers
`NeedsConfirmation`, the caller asks in whatever way it can and calls again with the approval.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

from descope_mcp.api.client import Client
from descope_mcp.api.errors import ApiError, ApiFailure, RateLimited
from descope_mcp.catalog.arguments import check
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.errors import InvalidArguments
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.record import Effect, worse
from descope_mcp.guard import confirmation, question
from descope_mcp.guard.confirmation import Approval, Question
from descope_mcp.guard.policy import Decision, Limits, decide
from descope_mcp.guard.preview import Preview, PreviewFailed, TargetMissing, look, target_name
from descope_mcp.guard.risk import Risk, assess
from descope_mcp.guard.secrets import scan, seal
from descope_mcp.store.ledger import Ledger

#: Tells the client that something goes on.
Progress = Callable[[str], Awaitable[None]]


async def _silent(message: str) -> None:
    """The progress of a caller that does not want to know."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call as it came in: `arguments` unchecked, `caller` who sends it.

    ``through`` is the class of calls that it came through, None if it came by its own name.
    """

    operation: str
    arguments: object
    caller: str
    through: Effect | None = None
    approval: Approval | None = None
    progress: Progress = _silent


@dataclass(frozen=True, slots=True)
class Completed:
    """It ran. ``data`` holds no secret; ``partial`` counts what failed inside the success."""

    operation: Operation
    data: dict[str, Any] = field(repr=False)
    call_id: str
    partial: int = 0
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
    """It did not run, or failed, or nobody knows (`kind` is one of the kinds of failures)."""

    kind: str
    message: str
    remedy: str
    status: int = 0
    code: str = ""
    retry_after: float = 0.0


@dataclass(frozen=True, slots=True)
class Refused:
    """It was not sent. `rule` says which rule of the guard refused."""

    rule: str
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class NeedsConfirmation:
    """A person has to say yes to exactly this call."""

    operation: Operation
    question: Question


Outcome = Completed | Failed | Refused | NeedsConfirmation


@dataclass(frozen=True, slots=True)
class Services:
    """What a call needs: the catalog, the way to Descope, the policy's limits, the ledger."""

    catalog: Catalog
    client: Client
    limits: Limits
    ledger: Ledger
    trusted_hosts: frozenset[str] = frozenset()

    @property
    def project(self) -> str:
        """The project that calls run in."""
        return self.client.credentials.project_id


@dataclass(frozen=True, slots=True)
class _Checked:
    """A call that makes sense and is not denied: what it would do, and what the policy says."""

    operation: Operation
    arguments: dict[str, Any]
    risk: Risk
    effect: Effect
    decision: Decision
    id: str


async def invoke(call: Call, services: Services) -> Outcome:
    """Run one call, or say why not, or what a person has to be asked first.

    Never raises for anything that a caller can send or Descope can answer.
    """
    checked = _check(call, services)
    if not isinstance(checked, _Checked):
        return checked
    if checked.decision.action == "confirm":
        instead = await _ask(call, checked, services)
        if instead is not None:
            return instead
    return await _send(call, checked, services)


def _check(call: Call, services: Services) -> _Checked | Failed | Refused:
    """Find the operation, check its arguments and decide, without sending anything."""
    operation = services.catalog.find(call.operation)
    if operation is None:
        return _unknown(call.operation, services.catalog)
    try:
        arguments = check(operation, call.arguments)
    except InvalidArguments as error:
        return Failed("invalid_arguments", _invalid(error), _look_up(operation))
    risk = assess(operation, arguments, services.trusted_hosts)
    effect = worse(operation.effect, risk.effect)
    if call.through not in (None, effect):
        message = f"{operation.name} with these arguments is a {effect} call. Nothing was sent."
        return Refused("class", message, f"Call it with descope_{effect}.")
    decision = decide(operation, risk, services.limits)
    if decision.rule == "senseless":
        return Failed("invalid_arguments", f"{operation.name} was not sent. {risk.refusal}", "")
    if decision.action == "deny":
        remedy = _DENIED.get(decision.rule, _IN_THE_CONSOLE)
        return Refused(decision.rule, f"{operation.name}: {decision.reason}", remedy)
    if operation.once:
        message = f"{operation.name} shows a secret only once, and it would be lost."
        return Refused("shown-once", message, _ONCE)
    return _Checked(operation, arguments, risk, effect, decision, str(uuid.uuid4()))


async def _ask(call: Call, checked: _Checked, services: Services) -> Outcome | None:
    """What to answer instead of running; None if a person has approved the call as things are."""
    operation, arguments, approval = checked.operation, checked.arguments, call.approval
    if approval and not services.ledger.consume(approval.nonce, approval.expires):
        return Refused("used", "This confirmation has been used or has expired.", _AGAIN)

    async def read(operation: Operation, arguments: dict[str, Any]) -> dict[str, Any]:
        await call.progress(f"Reading what the call would hit: {operation.title}")
        run = services.client.run
        return (await run(operation, arguments, call_id=checked.id, repeatable=True)).data

    catalog, project = services.catalog, services.project
    try:
        counting = approval is None
        preview = await look(catalog, operation, arguments, project, read, counting=counting)
    except TargetMissing as error:
        message = f"The target was not found. {error}"
        return Failed("target_missing", message, "Search for it and call again.")
    except PreviewFailed as error:
        message = f"Nobody can be shown what {operation.name} would hit. {error}"
        return Refused("preview", message, "Mend what keeps the read from working and call again.")
    typed = _must_type(checked, preview, project)
    if checked.decision.typed and not typed:
        message = "The target has no name that a person could type."
        return Refused("no-name", message, _IN_THE_CONSOLE)
    bound = confirmation.binding(operation.name, arguments, project, call.caller, preview)
    if approval is None:
        return _question(checked, preview, typed, bound, project)
    if approval.binding != bound:
        return Refused("changed", "What the call hits has changed since the question.", _AGAIN)
    if typed and approval.typed.strip() != typed:
        return Refused("typed", "The name that was typed is not the target's.", _AGAIN)
    return None


def _question(
    checked: _Checked, preview: Preview, typed: str, bound: str, project: str
) -> NeedsConfirmation | Refused:
    operation = checked.operation
    where = _named_project(checked) or project
    try:
        text = question.text(
            operation, checked.arguments, checked.risk, checked.decision, preview, where
        )
    except question.TooMuchToShow:
        message = f"{operation.name} has more in it than a person can be shown at once."
        return Refused("too-much", message, "Nothing was sent. Split it into smaller calls.")
    return NeedsConfirmation(operation, confirmation.ask(text, operation.title, typed, bound))


async def _send(call: Call, checked: _Checked, services: Services) -> Completed | Failed:
    """The one request of the call, and its answer without secrets."""

    async def waiting(seconds: float, reason: str) -> None:
        await call.progress(f"{reason}; trying again in {seconds:.1f} s")

    operation = checked.operation
    try:
        answer = await services.client.run(
            operation,
            checked.arguments,
            call_id=checked.id,
            repeatable=checked.effect == "read",
            waiting=waiting,
        )
    except ApiFailure as error:
        return _failure(error)
    data = seal(operation, answer.data)
    return Completed(operation, data, checked.id, answer.partial, answer.cut)


def _named_project(checked: _Checked) -> str:
    """The project that a call names in its path, "" if it runs in the server's own."""
    for name, place in checked.operation.places.items():
        if place.where == "path" and place.name in ("projectId", "project_id"):
            return str(checked.arguments[name])
    return ""


def _must_type(checked: _Checked, preview: Preview, project: str) -> str:
    """What the person has to type: the target's name, else the project's id."""
    if not checked.decision.typed:
        return ""
    name = target_name(checked.operation, preview)
    return name if question.typeable(name) else project


def _failure(error: ApiFailure) -> Failed:
    failed = Failed(error.kind, scan(error.message), error.remedy)
    if isinstance(error, ApiError):
        return replace(failed, status=error.status, code=error.code)
    if isinstance(error, RateLimited):
        return replace(failed, retry_after=error.retry_after)
    return failed


def _unknown(name: str, catalog: Catalog) -> Failed:
    near = catalog.nearest(name[:_LONGEST_NAME])
    hint = f"Did you mean {', '.join(near)}? " if near else ""
    shown = question.quoted(name)
    return Failed(
        "unknown_operation", f"There is no operation {shown}.", f"{hint}Use descope_search."
    )


def _invalid(error: InvalidArguments) -> str:
    return f"{error.operation} was not sent. " + "; ".join(error.problems) + "."


def _look_up(operation: Operation) -> str:
    names = list(operation.input_schema["properties"])
    more = [f"{len(names) - _MOST_NAMES} more"] if len(names) > _MOST_NAMES else []
    shown = ", ".join([*names[:_MOST_NAMES], *more]) or "none"
    return f"Arguments of {operation.name}: {shown}. descope_describe shows their types."


#: So many arguments are named after a wrong one.
_MOST_NAMES = 12
#: Longer than any operation's name; comparing a longer one with all of them takes time.
_LONGEST_NAME = 100
_AGAIN = "Nothing was sent. Call again to be asked anew."
_IN_THE_CONSOLE = "Nothing was sent. An administrator can do it in the Descope console."
_DENIED = {
    "read-only": "Nothing was sent. Changes need a server that was started without --read-only.",
    "production": "Nothing was sent. An administrator can do it in the Descope console, or "
    "unset DESCOPE_MCP_PRODUCTION.",
}
_ONCE = "Nothing was sent. Do it in the Descope console, where a person can keep the secret."
