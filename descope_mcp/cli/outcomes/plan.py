"""What became of a plan, or what it would do, as a command prints it."""

from __future__ import annotations

from typing import Any

import click

from descope_mcp.call.plan.outcome import PlanChecked, PlanEnded, Ran
from descope_mcp.cli.display import output
from descope_mcp.cli.main import FAILED, UNKNOWN
from descope_mcp.guard.question import shell_quoting
from descope_mcp.guard.question.question_data import to_data
from descope_mcp.guard.question.renderers import terminal as renderer


def ended(outcome: PlanEnded) -> int:
    """Print what became of a plan, call by call; the exit code."""
    unknown, done = outcome.count("unknown"), outcome.count("done")
    if output.as_json():
        calls = [_call(call) for call in outcome.calls]
        facts = {"plan": outcome.id, "title": outcome.title, "consent": outcome.consent}
        output.row({**facts, "done": done, "calls": calls})
    else:
        for call in outcome.calls:
            click.echo(line(call.number, call.became, call.operation, call.target, call.why))
        click.echo(f"{done} of {len(outcome.calls)} calls done.")
        if outcome.id and done:
            click.echo(f"Undo it: `{shell_quoting.command('undo', outcome.id[:8])}`")
        if outcome.id and outcome.count("not run"):
            go_on = shell_quoting.command("plan", "resume", outcome.id[:8])
            click.echo(f"Go on with what did not run: `{go_on}`")
    if unknown:
        return UNKNOWN
    return 0 if done == len(outcome.calls) else FAILED


def checked(outcome: PlanChecked) -> int:
    """Print what a plan would do; the exit code."""
    if output.as_json():
        calls = [_call(call) for call in outcome.calls]
        facts = {"asks": outcome.asks, "granted": outcome.granted, "said": to_data(outcome.said)}
        output.row({"title": outcome.title, "calls": calls, **facts})
        return 0
    click.echo(renderer.screen(outcome.said))
    asks = f"a person is asked, about {outcome.asks}" if outcome.asks else "nobody is asked"
    granted = f"; {outcome.granted} are granted" if outcome.granted else ""
    click.echo(f"\nNothing was sent. Of {len(outcome.calls)} calls: {asks}{granted}.")
    return 0


def line(number: int, became: str, operation: str, target: str, why: str) -> str:
    """One call of a plan in a line."""
    said = " ".join(filter(None, [operation, target]))
    return f"{number:4}  {became:8} {said}{f': {why}' if why else ''}"


def _call(call: Ran) -> dict[str, Any]:
    facts = {"number": call.number, "step": call.step, "operation": call.operation}
    more = {"target": call.target, "why": call.why}
    call_id = getattr(call.outcome, "call_id", "")
    return {
        **facts,
        "became": call.became,
        **{name: value for name, value in {**more, "callId": call_id}.items() if value},
    }
