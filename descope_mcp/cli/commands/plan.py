"""`descope-mcp plan`: many calls as one, from a file that can be reviewed."""

from __future__ import annotations

import sys
from typing import Any

import click

from descope_mcp import settings
from descope_mcp.call.outcome import Instead
from descope_mcp.call.plan import record, resume
from descope_mcp.call.plan.outcome import PlanRequest
from descope_mcp.call.plan.references import written as as_written
from descope_mcp.cli import options, plan_file, wiring
from descope_mcp.cli.commands.call import CALLER, run, tell
from descope_mcp.cli.display import output
from descope_mcp.cli.display.times import shown
from descope_mcp.cli.outcomes import plan as outcomes
from descope_mcp.store.journal import entries as journal
from descope_mcp.store.store import Store


@click.group("plan")
def command() -> None:
    """Run many calls as one: checked as a whole, asked about once, undone together."""


@command.command("check")
@click.argument("file")
@options.policy
@options.sandbox
@options.json_lines
def check(file: str, policy: str | None, sandbox: bool) -> None:
    """Say what the plan in FILE (YAML or JSON, - for standard input) would do; only reads are sent.

    Exit codes: 0 it can run, 1 Descope cannot be asked, 2 it makes no sense, 3 refused, 5 not now.
    """
    _run(file, policy, sandbox=sandbox, only_check=True)


@command.command("run")
@click.argument("file")
@options.policy
@options.sandbox
@options.json_lines
def run_(file: str, policy: str | None, sandbox: bool) -> None:
    """Run the plan in FILE. A person is asked once, in the terminal, unless grants cover it.

    Exit codes: 0 all done, 1 a call failed, 2 it makes no sense, 3 refused, 4 an outcome is
    unknown, 5 not now.
    """
    _run(file, policy, sandbox=sandbox, only_check=False)


@command.command("resume")
@click.argument("plan")
@options.policy
@options.sandbox
@options.json_lines
def resume_(plan: str, policy: str | None, sandbox: bool) -> None:
    """Go on with the plan whose id begins with PLAN: with the calls that certainly did not run."""
    request = PlanRequest([], CALLER, resume=plan, progress=tell)
    sys.exit(run(request, settings.load(policy=policy, sandbox=sandbox), sandbox=sandbox))


@command.command("show")
@click.argument("plan")
@options.json_lines
def show(plan: str) -> None:
    """What became of each call of the plan whose id begins with PLAN."""
    store = wiring.store(settings.load())
    try:
        entry, details, calls = record.found(store, "", plan)
    except Instead as instead:
        message = getattr(instead.outcome, "message", "").rstrip(".")
        raise click.UsageError(f"{message}; see `descope-mcp journal list`") from None
    sent = {call.number: call for call in calls}
    left = {one["number"] for one in resume.unrun(details.get("calls", []), calls)}
    planned = details.get("calls") or [
        {"number": call.number, "operation": call.operation} for call in calls
    ]
    rows: list[dict[str, Any]] = []
    for one in planned:
        call = sent.get(one["number"])
        became = call.result if call else "not run"
        row = {**one, "became": became, "resumable": one["number"] in left}
        if call:
            row |= {"callId": call.call, "target": call.target, "why": call.reason}
        rows.append(row)
    if output.as_json():
        facts = {"plan": entry.call, "at": entry.at, "result": entry.result}
        facts |= {"undoes": entry.undoes, "undoneBy": entry.undone_by}
        output.row({**facts, "title": details.get("title", ""), "calls": rows})
        return
    click.echo(f"{entry.call}  {shown(entry.at)}  {entry.result} {entry.target}".rstrip())
    if not entry.settled:
        click.echo("It was not ended: its process is gone, or still at it.")
    if entry.undoes:
        click.echo(f"It undoes {entry.undoes[:8]}.")
    if entry.undone_by:
        click.echo(f"It was undone by {entry.undone_by[:8]}.")
    for row in rows:
        target, why = row.get("target", ""), row.get("why", "")
        click.echo(outcomes.line(row["number"], row["became"], row["operation"], target, why))


@command.command("export")
@click.argument("calls", nargs=-1, required=True)
@click.option("--title", default="", help="What the plan is for.")
@options.json_lines
def export(calls: tuple[str, ...], title: str) -> None:
    """Print a plan of calls in the journal, in the order given, to be reviewed and run.

    CALLS are the beginnings of their ids; a plan's id stands for its calls. What was secret is not
    in the journal, and has to be filled in.
    """
    store = wiring.store(settings.load())
    steps = [step for call in calls for step in _steps(store, call)]
    click.echo(plan_file.written(steps, title, as_json=output.as_json()).rstrip())


def _steps(store: Store, beginning: str) -> list[dict[str, Any]]:
    """A call of the journal, or those of a plan, as steps.

    Raises:
        click.UsageError: there is no such call, or what it said is no longer kept.
    """
    from descope_mcp.cli.commands.journal import one

    entry = one(store, beginning)
    details, _ = journal.detail(store, entry.call)
    if "calls" in details:
        planned = details["calls"]
        several = {c["step"] for c in planned if sum(o["step"] == c["step"] for o in planned) > 1}
        return [
            {**({} if c["step"] in several else {"id": c["step"]}), **_step(c)} for c in planned
        ]
    if "arguments" not in details:
        raise click.UsageError(f"{beginning}: what it said is no longer kept")
    return [_step({"operation": entry.operation, "arguments": as_written(details["arguments"])})]


def _step(call: dict[str, Any]) -> dict[str, Any]:
    return {"operation": call["operation"], "arguments": call["arguments"]}


def _run(file: str, policy: str | None, *, sandbox: bool, only_check: bool) -> None:
    plan = plan_file.read(file)
    request = PlanRequest(
        plan.steps,
        CALLER,
        title=plan.title,
        check=only_check,
        on_failure="continue" if plan.on_failure == "continue" else "stop",
        progress=tell,
    )
    sys.exit(run(request, settings.load(policy=policy, sandbox=sandbox), sandbox=sandbox))
