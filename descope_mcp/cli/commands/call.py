"""`descope-mcp call`: one operation, with the question asked in the terminal."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import anyio
import click

from descope_mcp import settings
from descope_mcp.call.evidence import evidence
from descope_mcp.call.invoke import invoke, rehearse
from descope_mcp.call.outcome import (
    Call,
    Completed,
    Failed,
    NeedsConfirmation,
    Refused,
    Rehearsed,
    Undo,
)
from descope_mcp.call.plan.outcome import NAME as PLAN
from descope_mcp.call.plan.outcome import PlanChecked, PlanEnded, PlanOutcome, PlanRequest
from descope_mcp.call.plan.plan import plan
from descope_mcp.call.services import Services
from descope_mcp.call.undo.undo import undo
from descope_mcp.catalog import field_selection
from descope_mcp.catalog.catalog import load
from descope_mcp.catalog.field_selection import WrongFields
from descope_mcp.cli import options, output, plan_output, signals, terminal, wiring
from descope_mcp.cli.errors import NoTerminal
from descope_mcp.cli.main import FAILED, INTERRUPTED, NOT_NOW, REFUSED, UNKNOWN, USAGE
from descope_mcp.guard.consent.confirmation import Approval, accept
from descope_mcp.guard.question import shell_quoting
from descope_mcp.guard.question.question_data import to_data
from descope_mcp.guard.question.renderers import terminal as renderer
from descope_mcp.guard.question.renderers.layout import is_long
from descope_mcp.server.answers import list_parts
from descope_mcp.store.errors import StoreError

if TYPE_CHECKING:
    from descope_mcp.store.journal.entry import Entry

CALLER = settings.TERMINAL
#: What a person may be asked about in the terminal.
Request = Call | Undo | PlanRequest


@click.command("call")
@click.argument("operation")
@options.arguments
@click.option("--fields", default="", help="JMESPath of what to print of the answer.")
@click.option("--limit", type=click.IntRange(1), help="Print so many elements of its list.")
@click.option("--dry-run", is_flag=True, help="Say what it would do, and send nothing but reads.")
@options.read_only
@options.policy
@options.sandbox
@options.json_lines
def command(
    operation: str,
    arguments: dict[str, Any] | None,
    fields: str,
    limit: int | None,
    dry_run: bool,
    read_only: bool | None,
    policy: str | None,
    sandbox: bool,
) -> None:
    """Run one operation and print its answer as JSON.

    Exit codes: 0 done, 1 failed, 2 wrong usage or settings, 3 refused, 4 outcome unknown, 5 not
    now (a cap or a limit of the service; the message says when).
    """
    chosen = settings.load(read_only=read_only, policy=policy)
    try:
        if fields:
            field_selection.check(fields)
    except WrongFields as error:
        raise click.UsageError(str(error)) from None
    request = Call(operation, arguments, CALLER, progress=tell)
    if dry_run:
        sys.exit(anyio.run(_rehearse, request, chosen, sandbox))
    found = load().find(operation)
    if found and limit:
        request = replace(request, arguments=list_parts.sized(found, arguments or {}, limit))
    sys.exit(run(request, chosen, sandbox=sandbox, show=Shown(fields, limit)))


class Shown(NamedTuple):
    """What of an answer is printed."""

    fields: str = ""
    limit: int | None = None


def run(
    request: Request,
    chosen: settings.Settings,
    *,
    sandbox: bool,
    show: Shown = Shown(),  # noqa: B008 - it cannot be changed
) -> int:
    """Run a call, an undo or a plan, asking in the terminal; the exit code it ends with."""
    outcome: PlanOutcome | None = None
    came: list[int] = []

    async def main() -> None:
        nonlocal outcome, came
        with anyio.CancelScope() as scope:
            async with wiring.services(chosen, sandbox=sandbox) as services:

                def end() -> None:
                    services.client.abandon()
                    scope.cancel()

                with signals.calling(end) as came:
                    outcome = await _asked(request, services)

    started = time.time()
    with suppress(KeyboardInterrupt):
        anyio.run(main)
    unknown = isinstance(outcome, Failed) and outcome.kind == "outcome_unknown"
    if outcome is None or (came and unknown):
        return _interrupted(chosen, request, started, signals.exit_code(came) or INTERRUPTED)
    return _show(outcome, show)


async def _asked(request: Request, services: Services) -> PlanOutcome:
    """The outcome of a call, an undo or a plan, with the question asked in the terminal."""
    outcome = await _perform(request, services)
    if not isinstance(outcome, NeedsConfirmation):
        return outcome
    # Blocks the event loop, in which nothing else has to run meanwhile.
    approval = _ask(outcome)
    if isinstance(approval, Approval):
        return await _perform(replace(request, approval=approval), services)
    if approval.rule == "declined":
        from descope_mcp.store.journal import acts

        acts.record(
            services.store,
            "declined",
            by=request.caller,
            way="terminal",
            project=services.project,
            operation=outcome.disclosure.operation,
        )
    return approval


async def _perform(request: Request, services: Services) -> PlanOutcome:
    match request:
        case Undo():
            return await undo(request, services)
        case PlanRequest():
            return await plan(request, services)
    return await invoke(request, services)


async def _rehearse(request: Call, chosen: settings.Settings, sandbox: bool) -> int:
    """Print what a call would do; the exit code."""
    async with wiring.services(chosen, sandbox=sandbox) as services:
        outcome = await rehearse(request, services)
    if not isinstance(outcome, Rehearsed):
        return _show(outcome, Shown())
    said = outcome.said
    if output.as_json():
        facts = {name: getattr(outcome, name) for name in ("decision", "rule", "effect")}
        facts |= {"hazards": list(outcome.hazards), "said": said and to_data(said)}
        output.row({"operation": outcome.operation.name, **facts})
        return 0
    asks = {"allow": "runs unasked", "confirm": "a person is asked"}[outcome.decision]
    text = "It reads and changes nothing."
    if said:
        documents = [renderer.difference(said)] if is_long(said) else []
        text = "\n\n".join([renderer.screen(said), *documents])
    click.echo(f"{text}\n\nNothing was sent. {asks.capitalize()} (rule {outcome.rule}).")
    return 0


def _interrupted(chosen: settings.Settings, request: Request, started: float, code: int) -> int:
    """Say what became of what was interrupted; the exit code, `code` if all of that is known."""
    sent = _sent_since(chosen, request, started)
    if unknown := [entry for entry in sent if entry.result == "unknown"]:
        call, operation = unknown[0].call, unknown[0].operation
        see = shell_quoting.command("journal", "show", call[:8])
        message = f"interrupted while {operation} was on its way: its outcome is unknown."
        output.problem(message, f"See `{see}`.", kind="outcome_unknown", callId=call)
        return UNKNOWN
    done = sum(entry.result == "done" for entry in sent)
    see = shell_quoting.command("journal", "list")
    remedy = f"Before that it made {done} change(s): see `{see}`." if done else _UNCHANGED
    output.problem("interrupted.", remedy, kind="interrupted")
    return code


def _sent_since(chosen: settings.Settings, request: Request, started: float) -> list[Entry]:
    """What the journal has of a call or of the steps of an undo or a plan, the newest first."""
    from descope_mcp.store.journal import entries as journal

    store = wiring.store(chosen)
    found: list[Entry] = []
    with suppress(StoreError):
        # A read has no store to look into, and makes none.
        if not store.is_new:
            found = journal.entries(store, caller=CALLER, since=started)
    found = [entry for entry in found if entry.operation != PLAN]
    if isinstance(request, PlanRequest):
        return [entry for entry in found if entry.plan]
    if isinstance(request, Undo):
        mine = request.call
        return [e for e in found if e.undoes.startswith(mine) or (e.plan and e.undoes)]
    return [entry for entry in found if entry.operation == request.operation]


_UNCHANGED = "Nothing was changed."


async def tell(message: str) -> None:
    """Say what goes on, where it is no part of the answer."""
    click.echo(message, err=True)


def _ask(needed: NeedsConfirmation) -> Approval | Refused:
    """Ask in the terminal."""
    question = needed.question
    try:
        said = terminal.question(needed.disclosure, "run it")
        if not said:
            return Refused("declined", "You said no.", "Nothing was sent.")
        code = terminal.ask("", "The six digits of your authenticator: ") if question.code else ""
    except NoTerminal:
        message = "This call needs a person's yes, and there is no terminal to ask in."
        return Refused("cannot-ask", message, "Nothing was sent. Run it in a terminal.")
    return accept(question, question.typed, code)


_EXIT_CODES = {
    "outcome_unknown": UNKNOWN,
    "invalid_arguments": USAGE,
    "unknown_operation": USAGE,
    "unknown_call": USAGE,
    "missing_credential": USAGE,
    "rate_limited": NOT_NOW,
}


def _here(remedy: str) -> str:
    """A remedy that names a tool of the MCP surface, with the command that does the same."""
    for tool, command in (("search", "search"), ("describe", "show")):
        remedy = remedy.replace(f"descope_{tool}", f"`{shell_quoting.command('tools', command)}`")
    return remedy.replace("anyway: true", "--anyway")


def _show(outcome: PlanOutcome, show: Shown) -> int:
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
            return plan_output.ended(outcome)
        case PlanChecked():
            return plan_output.checked(outcome)
        case NeedsConfirmation():
            output.problem("the call was confirmed and asked about again", kind="refused")
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
            click.echo(f"descope-mcp: {note}", err=True)
        if outcome.partial:
            click.echo(f"descope-mcp: {outcome.partial} item(s) failed", err=True)
    return FAILED if outcome.partial else 0


def _evidence(outcome: Completed) -> dict[str, Any]:
    """What a change did, who allowed it, and how much of it can be taken back."""
    undo = outcome.undo
    facts: dict[str, Any] = {"undo": undo.covers if undo else ""}
    facts |= {"notComingBack": list(undo.lacks)} if undo and undo.lacks else {}
    if outcome.evidence is None:
        return facts
    change, consent = outcome.evidence, outcome.evidence.consent
    told = {"change": evidence.to_data(change), "consent": evidence.consent_data(consent)}
    return {**told, **facts}


def _told(outcome: Completed) -> Iterator[str]:
    """The same as lines for a person: beside the answer, which scripts read."""
    change, undo = outcome.evidence, outcome.undo
    if change is None:
        return
    told = evidence.to_data(change)
    yield f"descope-mcp: {told.pop('did')}; {evidence.in_words(change.consent)}."
    for name, value in told.items():
        yield f"  {name}: {value if isinstance(value, str) else json.dumps(value)}"
    if undo and undo.covers != "no":
        yield f"  undo: `{shell_quoting.command('undo', outcome.call_id[:8])}`"
    yield from (f"  does not come back: {text}" for text in (undo.lacks if undo else ()))
