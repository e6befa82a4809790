"""`descope-mcp journal`: what was done, by whom, and whether the record is whole."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import click

from descope_mcp import settings
from descope_mcp.catalog.catalog import load
from descope_mcp.cli import options, output, terminal, wiring
from descope_mcp.cli.main import FAILED, REFUSED
from descope_mcp.cli.times import moment, shown
from descope_mcp.guard.preview.recipe_values import Scope, resolve
from descope_mcp.guard.question import pasted
from descope_mcp.store import acceptance
from descope_mcp.store.journal import entries as journal
from descope_mcp.store.journal import hash_chain
from descope_mcp.store.journal.entries import Entry
from descope_mcp.store.store import Store

Command = Callable[..., Any]


def _filters(command: Command) -> Command:
    """The options that choose entries."""
    for option in reversed(
        [
            click.option("--operation", default="", help="Only calls of this operation."),
            click.option("--caller", default="", help="Only calls of this caller."),
            click.option("--target", default="", help="Only calls about a target with this in it."),
            click.option("--since", default="", help="Only from then on: 2026-11-22, 14:30, 2h."),
            click.option("--until", default="", help="Only before then."),
            click.option("--project", default="", help="Only calls in this project."),
        ]
    ):
        command = option(command)
    return command


@click.group("journal")
def command() -> None:
    """What was done, by whom, and whether the record is whole."""


@command.command("list")
@_filters
@click.option("--limit", default=50, show_default=True, help="No more than so many; 0 for all.")
@options.as_json
def list_(limit: int, as_json: bool, **filters: str) -> None:
    """The calls that changed something, newest first."""
    for entry in _entries(_store(), limit=limit, **filters):
        if as_json:
            output.row(asdict(entry))
        else:
            click.echo(_line(entry))


@command.command("show")
@click.argument("call")
@options.as_json
def show(call: str, as_json: bool) -> None:
    """One call in full: arguments, before-state, outcome, and what would take it back."""
    store = _store()
    entry = one(store, call)
    details, undo = journal.detail(store, entry.call)
    page = {**asdict(entry), "at": shown(entry.at), **details, "undo": undo}
    if not details:
        page["note"] = "The arguments and the before-state are kept no longer."
    if entry.result == "unknown" and (check := _settling_read(entry, details)):
        page["settle"] = check
    if as_json:
        output.row({**page, "at": entry.at})
        return
    for key, value in page.items():
        if value not in ("", None, [], {}):
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=True)
            click.echo(f"{key}: {text}")


@command.command("verify")
@options.json_lines
def verify() -> None:
    """Prove that no entry was changed, added or removed. Exit code 1 if one was."""
    count, head, problems = hash_chain.problems(_store())
    for problem in problems:
        output.problem(problem, kind="altered")
    if problems:
        sys.exit(FAILED)
    output.said(f"{count} entries, whole. Newest: {head or 'none'}", entries=count, newest=head)


@command.command("accept")
@options.json_lines
def accept() -> None:
    """Accept that something is missing, so that changes can go on. Recorded in the journal.

    Exit codes: 0 accepted or nothing to accept, 3 no terminal or no yes.
    """
    store = _store()
    _, _, problems = hash_chain.problems(store)
    if not problems:
        output.said("Nothing is wrong; there is nothing to accept.", accepted=0)
        return
    lines = [f"  {problem}" for problem in problems]
    text = "\n".join(
        [
            "The store is not as this program left it:",
            *lines,
            "Somebody removed or changed this, or put an older copy in its place. If you do not",
            "know who: look at the Descope console's own audit first.",
            "If you accept it, changes go on from what is there. Approvals and grants do not",
            "count any more, and the journal keeps an entry that says what was accepted.",
        ]
    )
    if terminal.ask(text, "Accept it? Type yes: ").lower() != "yes":
        output.problem("not accepted", kind="declined")
        sys.exit(REFUSED)
    terminal.remembered_factor(store)
    acceptance.accept(store, "cli", problems)
    output.said("Accepted. Changes go on.", accepted=len(problems))


@command.command("export")
@_filters
@click.option("--format", "form", type=click.Choice(["jsonl", "csv"]), default="jsonl")
@click.option("--details", is_flag=True, help="With arguments and before-states (personal data).")
@options.json_lines
def export(form: str, details: bool, **filters: str) -> None:
    """Print all entries, oldest first, for another system."""
    store = _store()
    rows = [asdict(entry) for entry in reversed(_entries(store, limit=0, **filters))]
    if details:
        rows = [{**row, "details": journal.detail(store, row["call"])[0]} for row in rows]
    if form == "jsonl":
        for row in rows:
            click.echo(json.dumps(row))
        return
    if rows:
        writer = csv.DictWriter(sys.stdout, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def one(store: Store, call: str) -> Entry:
    """The entry whose call id begins so.

    Raises:
        click.UsageError: there is none, or several.
    """
    found = journal.entries(store, call=call, limit=2)
    if len(found) == 1:
        return found[0]
    problem = "several calls begin so; give more of the id" if found else "no such call"
    raise click.UsageError(f"{call}: {problem} (descope-mcp journal list)")


def _store() -> Store:
    return wiring.store(settings.load())


def _entries(store: Store, *, limit: int, since: str, until: str, **filters: str) -> list[Entry]:
    return journal.entries(store, since=moment(since), until=moment(until), limit=limit, **filters)


def _line(entry: Entry) -> str:
    undone = f" (undone by {entry.undone_by[:8]})" if entry.undone_by else ""
    undoes = f" (undoes {entry.undoes[:8]})" if entry.undoes else ""
    reason = f": {entry.reason}" if entry.reason else ""
    return (
        f"{entry.call[:8]}  {shown(entry.at)}  {entry.result:8} {entry.operation} {entry.target} "
        f"[{entry.consent}, {entry.caller}]{reason}{undone}{undoes}"
    )


def _settling_read(entry: Entry, details: dict[str, Any]) -> str:
    """The read that tells whether a call of unknown outcome took effect."""
    operation = load().find(entry.operation)
    if operation is None or not operation.preview:
        return ""
    step = operation.preview[0]
    arguments = resolve(step.arguments, Scope(details.get("arguments", {}), None, entry.project))
    given = arguments if isinstance(arguments, dict) else {}
    return pasted.command("call", step.operation, arguments=given)
