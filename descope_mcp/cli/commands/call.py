"""`descope-mcp call`: one operation, with the question asked in the terminal."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import anyio
import click

from descope_mcp import settings
from descope_mcp.call.invoke import invoke, rehearse
from descope_mcp.call.outcome import (
    Call,
    Failed,
    NeedsConfirmation,
    Refused,
    Rehearsed,
    Undo,
)
from descope_mcp.call.plan.outcome import NAME as PLAN
from descope_mcp.call.plan.outcome import PlanOutcome, PlanRequest
from descope_mcp.call.services import Services
from descope_mcp.catalog import field_selection
from descope_mcp.catalog.catalog import load
from descope_mcp.catalog.field_selection import WrongFields
from descope_mcp.cli import options, signals, wiring
from descope_mcp.cli.asking import terminal
from descope_mcp.cli.asking.errors import NoTerminal
from descope_mcp.cli.display import output
from descope_mcp.cli.main import INTERRUPTED, UNKNOWN
from descope_mcp.cli.outcomes.call import Shown, printed
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
@options.profile
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
    profile: str | None,
) -> None:
    """Run one operation and print its answer as JSON.

    Exit codes: 0 done, 1 failed, 2 wrong usage or settings, 3 refused, 4 outcome unknown, 5 not
    now (a cap or a limit of the service; the message says when).
    """
    chosen = settings.load(read_only=read_only, policy=policy, profile=profile, sandbox=sandbox)
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
    return printed(outcome, show)


async def _asked(request: Request, services: Services) -> PlanOutcome:
    """The outcome of a call, an undo or a plan, with the question asked in the terminal."""
    outcome = await _perform(request, services)
    if not isinstance(outcome, NeedsConfirmation):
        return outcome
    if outcome.disclosure.is_for_others:
        return _filed(outcome, request, services)
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
            from descope_mcp.call.undo.undo import undo

            return await undo(request, services)
        case PlanRequest():
            from descope_mcp.call.plan.plan import plan

            return await plan(request, services)
    return await invoke(request, services)


async def _rehearse(request: Call, chosen: settings.Settings, sandbox: bool) -> int:
    """Print what a call would do; the exit code."""
    async with wiring.services(chosen, sandbox=sandbox) as services:
        outcome = await rehearse(request, services)
    if not isinstance(outcome, Rehearsed):
        return printed(outcome, Shown())
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


def _filed(needed: NeedsConfirmation, request: Request, services: Services) -> Refused:
    """A request that others have to answer: one person's yes here is not enough."""
    from descope_mcp.guard.question.question_data import to_json
    from descope_mcp.store.consent import approvals

    said = needed.disclosure
    filed = approvals.file(
        services.store,
        project=services.project,
        caller=request.caller,
        operation=said.operation,
        binding=needed.question.binding,
        question=to_json(said),
        typed=said.typed,
    )
    if filed is None:
        return Refused("others", "Too many requests wait for a person already.", "Answer some.")
    people = f"{said.approvals} different people" if said.approvals > 1 else "Somebody else"
    message = f"{people} must approve this; request {filed.number} waits for it."
    return Refused("others", message, "Nothing was sent. Run the same again when it is approved.")


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
        ahead = (
            "" if needed.disclosure.typed else ", or allow it ahead there (`descope-mcp grants`)"
        )
        return Refused("cannot-ask", message, f"Nothing was sent. Run it in a terminal{ahead}.")
    return accept(question, question.typed, code)
