"""`descope-mcp call`: one operation, with the question asked in the terminal."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import anyio
import click

from descope_mcp import settings
from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import (
    Call,
    Completed,
    Failed,
    NeedsConfirmation,
    Outcome,
    Refused,
    Undo,
)
from descope_mcp.call.services import Services
from descope_mcp.call.undo import undo
from descope_mcp.cli import options, terminal, wiring
from descope_mcp.cli.errors import NoTerminal
from descope_mcp.cli.main import FAILED, REFUSED, UNKNOWN, USAGE
from descope_mcp.guard.consent.confirmation import Approval, accept
from descope_mcp.guard.question import pasted

CALLER = settings.TERMINAL


@click.command("call")
@click.argument("operation")
@click.option("--arguments", default="{}", help="The arguments as a JSON object.")
@options.read_only
@options.policy
@options.sandbox
def command(
    operation: str, arguments: str, read_only: bool | None, policy: str | None, sandbox: bool
) -> None:
    """Run one operation and print its answer as JSON.

    Exit codes: 0 done, 1 failed, 2 wrong usage or settings, 3 refused, 4 outcome unknown.
    """
    chosen = settings.load(read_only=read_only, policy=policy)
    request = Call(operation, arguments, CALLER, progress=tell)
    sys.exit(run(request, chosen, sandbox=sandbox))


def run(request: Call | Undo, chosen: settings.Settings, *, sandbox: bool) -> int:
    """Run a call or an undo, asking in the terminal; the exit code it ends with."""

    async def perform(request: Call | Undo, services: Services) -> Outcome:
        if isinstance(request, Undo):
            return await undo(request, services)
        return await invoke(request, services)

    async def main() -> Outcome:
        async with wiring.services(chosen, sandbox=sandbox) as services:
            outcome = await perform(request, services)
            if not isinstance(outcome, NeedsConfirmation):
                return outcome
            # Blocks the event loop, in which nothing else has to run meanwhile.
            approval = _ask(outcome)
            if isinstance(approval, Refused):
                return approval
            return await perform(replace(request, approval=approval), services)

    return _show(anyio.run(main))


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
}


def _here(remedy: str) -> str:
    """A remedy that names a tool of the MCP surface, with the command that does the same."""
    for tool, command in (("search", "search"), ("describe", "show")):
        remedy = remedy.replace(f"descope_{tool}", f"`{pasted.command('tools', command)}`")
    return remedy


def _show(outcome: Outcome) -> int:
    """Print an outcome; the exit code it stands for."""
    match outcome:
        case Completed():
            click.echo(json.dumps(outcome.data, indent=2, ensure_ascii=False))
            for note in outcome.notes:
                click.echo(f"descope-mcp: {note}", err=True)
            if outcome.partial:
                click.echo(f"descope-mcp: {outcome.partial} item(s) failed", err=True)
            return FAILED if outcome.partial else 0
        case Failed():
            code = f" ({outcome.code})" if outcome.code else ""
            click.echo(f"descope-mcp: {outcome.message}{code} {_here(outcome.remedy)}", err=True)
            return _EXIT_CODES.get(outcome.kind, FAILED)
        case Refused():
            click.echo(f"descope-mcp: {outcome.message} {outcome.remedy}", err=True)
            return REFUSED
        case NeedsConfirmation():
            click.echo("descope-mcp: the call was confirmed and asked about again", err=True)
            return REFUSED
