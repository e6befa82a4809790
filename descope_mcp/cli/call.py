"""`descope-mcp call`: one operation, with the question asked in the terminal."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import click

from descope_mcp import settings
from descope_mcp.cli import options, wiring
from descope_mcp.cli.main import FAILED, REFUSED, UNKNOWN, USAGE
from descope_mcp.guard.confirmation import Approval, Question, accept
from descope_mcp.invoke import Call, Completed, Failed, NeedsConfirmation, Outcome, Refused, invoke

_CALLER = "terminal"
_TERMINAL = Path("/dev/tty")


@click.command("call")
@click.argument("operation")
@click.option("--arguments", default="{}", help="The arguments as a JSON object.")
@options.read_only
@options.sandbox
def command(operation: str, arguments: str, read_only: bool | None, sandbox: bool) -> None:
    """Run one operation and print its answer as JSON.

    Exit codes: 0 done, 1 failed, 2 wrong usage or settings, 3 refused, 4 outcome unknown.
    """
    chosen = settings.load(read_only=read_only)

    async def main() -> Outcome:
        async with wiring.services(chosen, sandbox=sandbox) as services:
            call = Call(operation, arguments, _CALLER, progress=_tell)
            outcome = await invoke(call, services)
            if not isinstance(outcome, NeedsConfirmation):
                return outcome
            # Blocks the event loop, in which nothing else has to run meanwhile.
            approval = _ask(outcome.question)
            if isinstance(approval, Refused):
                return approval
            call = Call(operation, arguments, _CALLER, approval=approval, progress=_tell)
            return await invoke(call, services)

    sys.exit(_show(anyio.run(main)))


async def _tell(message: str) -> None:
    click.echo(message, err=True)


def _ask(question: Question) -> Approval | Refused:
    """Ask in the terminal itself: a pipe is no person, and neither is a flag."""
    wanted = f"Type {question.typed} to run it: " if question.typed else "Run it? Type yes: "
    try:
        with (
            _interruptible(),
            _TERMINAL.open("w", encoding="utf-8") as screen,
            _TERMINAL.open("rb") as keys,
        ):
            _forget_what_was_typed(keys.fileno())
            screen.write(f"{question.text}\n\n{wanted}")
            screen.flush()
            said = keys.readline().decode(errors="replace").strip()
    except OSError:
        message = "This call needs a person's yes, and there is no terminal to ask in."
        return Refused("cannot-ask", message, "Nothing was sent. Run it in a terminal.")
    if question.typed:
        return accept(question, said)
    if said.lower() == "yes":
        return accept(question)
    return Refused("declined", "You said no.", "Nothing was sent.")


def _forget_what_was_typed(terminal: int) -> None:
    """Drop what was typed before the question stood there: it is no answer to it."""
    import termios

    termios.tcflush(terminal, termios.TCIFLUSH)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C end what blocks at once; asyncio would only take note of it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


_EXIT_CODES = {
    "outcome_unknown": UNKNOWN,
    "invalid_arguments": USAGE,
    "unknown_operation": USAGE,
}


def _here(remedy: str) -> str:
    """A remedy that names a tool of the MCP surface, with the command that does the same."""
    for tool, command in (("search", "search"), ("describe", "show")):
        remedy = remedy.replace(f"descope_{tool}", f"`descope-mcp tools {command}`")
    return remedy


def _show(outcome: Outcome) -> int:
    """Print an outcome; the exit code it stands for."""
    match outcome:
        case Completed():
            click.echo(json.dumps(outcome.data, indent=2, ensure_ascii=False))
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
