"""`descope-mcp journal`: what was done, by whom, and whether the record is whole."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from io import StringIO
from typing import Any, BinaryIO

import click

from descope_mcp import settings
from descope_mcp.call import settling_read
from descope_mcp.catalog.catalog import load
from descope_mcp.cli import options, wiring
from descope_mcp.cli.asking import terminal
from descope_mcp.cli.display import output, tables
from descope_mcp.cli.display.times import moment, shown
from descope_mcp.cli.main import FAILED, REFUSED
from descope_mcp.configuration.text_files import decoded
from descope_mcp.store.integrity import accept_damage
from descope_mcp.store.journal import entries as journal
from descope_mcp.store.journal import export, hash_chain
from descope_mcp.store.journal.entry import Entry
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
    found = _entries(_store(), limit, **filters)
    if as_json:
        for entry in found:
            output.row(asdict(entry))
        return
    tables.show(
        ("call", "age", "became", "operation", "target", "project", "caller", "consent"),
        ((_line(entry), _cells(entry)) for entry in found),
        nothing="There are no such entries.",
    )


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
        page["note"] = (
            "The arguments and the before-state are not kept: of a call that was not sent never, "
            "of others for DESCOPE_MCP_RETENTION_DAYS."
        )
    if entry.result == "unknown" and (check := settling_read.command(load(), entry, details)):
        page["settle"] = check
    if as_json:
        output.row({**page, "at": entry.at})
        return
    for key, value in page.items():
        if value not in ("", None, [], {}):
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=True)
            click.echo(f"{key}: {text}")


@command.command("verify")
@click.argument("file", required=False, type=click.File("rb"))
@click.option("--public-key", type=click.File("rb"), help="For a FILE: the key, in PEM.")
@options.json_lines
def verify(file: BinaryIO | None, public_key: BinaryIO | None) -> None:
    """Prove that no entry was changed, added or removed. Exit code 1 if one was.

    With FILE, an export is proven by a public key (`journal public-key`); no store is needed.
    """
    if (file is None) != (public_key is None):
        raise click.UsageError("a FILE and --public-key go together")
    if file is not None and public_key is not None:
        _verify_export(file.read(), public_key.read())
        return
    count, head, problems = hash_chain.problems(_store())
    for problem in problems:
        output.problem(problem, kind="altered")
    if problems:
        sys.exit(FAILED)
    output.said(f"{count} entries, whole. Newest: {head or 'none'}", entries=count, newest=head)


def _verify_export(file: bytes, pem: bytes) -> None:
    try:
        # A shell or an editor may have saved either in another encoding than it was printed in.
        found = export.verify(StringIO(decoded(file)), decoded(pem).encode())
    except (export.NotProven, ValueError) as error:
        output.problem(str(error), kind="altered")
        sys.exit(FAILED)
    gaps = "".join(f" {gap} were missing, which a person has accepted." for gap in found.accepted)
    whole = "a selection" if found.selection else "whole"
    output.said(
        f"{found.entries} entries, {whole}, signed {shown(found.at)}. Newest: {found.newest}."
        f"{gaps}",
        **asdict(found),
    )


@command.command("public-key")
@options.json_lines
def public_key() -> None:
    """Print the public key that proves this journal's exports, in PEM."""
    pem = export.public_key(_store())
    output.said(pem.rstrip(), pem=pem)


#: What becomes of what was allowed before, by whether more is missing than entries of the journal.
_ENDED = (
    "Approvals, grants and tokens of machines do not count any more: give new ones to whoever\n"
    "needs them."
)
_KEPT = "Approvals, grants and tokens of machines stay as they are: of these nothing is missing."


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
            "If you accept it, changes go on from what is there, and the journal keeps an entry",
            "that says what was accepted.",
            _ENDED if accept_damage.ends_what_was_allowed(store) else _KEPT,
        ]
    )
    if terminal.ask(text, "Accept it? Type yes: ").lower() != "yes":
        output.problem("nothing was accepted; changes stay refused", kind="declined")
        sys.exit(REFUSED)
    terminal.remembered_factor(store)
    accept_damage.accept(store, terminal.account(), problems)
    output.said("Accepted. Changes go on.", accepted=len(problems))


@command.command("export")
@_filters
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "csv"]),
    default="jsonl",
    help="JSON lines, signed, or a table for a spreadsheet.",
)
@click.option("--details", is_flag=True, help="With arguments and before-states (personal data).")
@options.json_lines
def export_(form: str, details: bool, **filters: str) -> None:
    """Print all entries, oldest first, for another system.

    As JSON lines, each entry of the chain and a signature over all of them; as CSV, what each call
    came to, unsigned. Exit code 1 and nothing printed if the journal is not whole.
    """
    store = _store()
    _, _, problems = hash_chain.problems(store)
    for problem in problems:
        output.problem(problem, kind="altered")
    if problems:
        sys.exit(FAILED)
    found = _entries(store, 0, **filters)

    def said(call: str) -> Any:
        return journal.detail(store, call)[0]

    if form == "jsonl":
        calls = {entry.call for entry in found}
        chosen = (lambda row: row["call"] in calls) if any(filters.values()) else None
        for line in export.lines(store, chosen, said if details else None):
            click.echo(line)
        return
    rows = [{**asdict(entry), "target": export.name(entry.target)} for entry in reversed(found)]
    if details:
        rows = [{**row, "details": json.dumps(said(row["call"]))} for row in rows]
    if rows:
        writer = csv.DictWriter(sys.stdout, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def one(store: Store, call: str) -> Entry:
    """The entry whose call id begins so.

    Raises:
        click.UsageError: there is none, or several.
    """
    found = journal.entries(store, call=call, limit=2, acts=True)
    if len(found) == 1:
        return found[0]
    problem = "several calls begin so; give more of the id" if found else "no such call"
    raise click.UsageError(f"{call}: {problem}; see `descope-mcp journal list`")


def _store() -> Store:
    return wiring.store(settings.load())


def _entries(
    store: Store,
    limit: int,
    *,
    since: str,
    until: str,
    project: str,
    operation: str,
    caller: str,
    target: str,
) -> list[Entry]:
    return journal.entries(
        store,
        since=moment(since),
        until=moment(until),
        project=project,
        operation=operation,
        caller=caller,
        target=target,
        limit=limit,
        acts=True,
    )


def _undone(entry: Entry) -> str:
    if entry.undone_by:
        return f"undone by {entry.undone_by[:8]}"
    return "undone in part" if entry.undone_steps else ""


def _cells(entry: Entry) -> tuple[str, ...]:
    undone = f"\n{_undone(entry)}" if _undone(entry) else ""
    undoes = f"\nundoes {entry.undoes[:8]}" if entry.undoes else ""
    reason = f": {entry.reason}" if entry.reason else ""
    became = f"{entry.result}{reason}{undone}{undoes}"
    call, age = entry.call[:8], tables.age(entry.at)
    who = (entry.project, entry.caller, entry.consent)
    return call, age, became, entry.operation, str(entry.target), *who


def _line(entry: Entry) -> str:
    undone = f" ({_undone(entry)})" if _undone(entry) else ""
    undoes = f" (undoes {entry.undoes[:8]})" if entry.undoes else ""
    reason = f": {entry.reason}" if entry.reason else ""
    return (
        f"{entry.call[:8]}  {shown(entry.at)}  {entry.result:8} {entry.operation} {entry.target} "
        f"[{entry.consent}, {entry.caller}]{reason}{undone}{undoes}"
    )
