"""`descope-mcp grants`: allow calls ahead, for unattended work."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

import click

from descope_mcp import settings
from descope_mcp.catalog.catalog import Catalog, load
from descope_mcp.catalog.operation import Operation
from descope_mcp.cli import options, output, terminal, wiring
from descope_mcp.cli.main import FAILED, REFUSED
from descope_mcp.cli.times import duration, shown
from descope_mcp.guard.consent import grant_limits
from descope_mcp.guard.question.quoting import quoted
from descope_mcp.store.consent import grants
from descope_mcp.store.consent.grants import Grant
from descope_mcp.store.journal import acts
from descope_mcp.store.store import Store


@click.group("grants")
def command() -> None:
    """Allow calls ahead, for unattended work."""


@command.command("create")
@click.option("--operation", required=True, help="The operation to allow.")
@options.arguments
@click.option("--items", default=1, show_default=True, help="How many items it allows in all.")
@click.option("--for", "time", required=True, help="How long it counts: 30m, 2h, 7d.")
@click.option("--caller", default="", help="Who may use it, a name or pattern; else everybody.")
@options.json_lines
def create(
    operation: str, arguments: dict[str, Any] | None, items: int, time: str, caller: str
) -> None:
    """Allow calls of an operation that have these arguments, all fitting, and no others.

    ARGUMENTS are patterns by path: {"loginId": "test-*"}.
    """
    chosen = settings.load()
    if not chosen.project_id:
        raise click.UsageError("a grant is for one project; set DESCOPE_PROJECT_ID")
    found = _operation(load(), operation)
    patterns = _patterns(found, arguments or {})
    seconds = duration(time)
    if items < 1:
        raise click.BadParameter("--items must be at least 1")
    if problem := grant_limits.excess(items, seconds):
        raise click.UsageError(problem)
    store = wiring.store(chosen)
    every = grant_limits.unlimited(patterns)
    lines = [f"  {path}: {quoted(pattern)}" for path, pattern in patterns.items()]
    text = "\n".join(
        [
            f"Allow {found.name} ({found.title}) in project {chosen.project_id} without asking,",
            f"for {items} item(s) within {time}, with these arguments, all of them and no others:",
            *(lines or ["  none"]),
            f"It is for {f'the caller {quoted(caller)} alone' if caller else 'every caller'}.",
            *(
                f"It covers EVERY {path}: {quoted(patterns[path])} leaves none out."
                for path in every
            ),
            *([f"It cannot bring back: {found.lost}"] if found.lost else []),
        ]
    )
    wanted = found.name if every else "yes"
    if terminal.ask(text, f"Allow it? Type {wanted}: ").lower() != wanted.lower():
        output.problem("not allowed", kind="declined")
        sys.exit(REFUSED)
    terminal.second_factor(store)
    made = grants.create(
        store,
        project=chosen.project_id,
        operation=found.name,
        arguments=patterns,
        items=items,
        seconds=seconds,
        caller=caller,
    )
    _record(store, "granted", made)
    output.said(f"Grant {made.id} counts until {shown(made.expires)}.", **asdict(made))


@command.command("list")
@options.as_json
def list_(as_json: bool) -> None:
    """All grants, newest first."""
    for grant in grants.listed(_store()):
        if as_json:
            output.row(asdict(grant))
        else:
            click.echo(_line(grant))


@command.command("revoke")
@click.argument("grant", type=int)
@options.json_lines
def revoke(grant: int) -> None:
    """End a grant."""
    store = _store()
    found = [made for made in grants.listed(store) if made.id == grant]
    if not grants.revoke(store, grant):
        output.problem(f"there is no grant {grant} that could end", kind="unknown_name")
        sys.exit(FAILED)
    for made in found:
        _record(store, "revoked", made)
    output.said(f"Grant {grant} has ended.", id=grant, revoked=True)


def _record(store: Store, kind: acts.Kind, grant: Grant) -> None:
    """Write down who gives or ends a grant."""
    acts.record(
        store,
        kind,
        by=terminal.account(),
        way="terminal",
        project=grant.project,
        operation=grant.operation,
        about=f"grant {grant.id}",
    )


def _operation(catalog: Catalog, name: str) -> Operation:
    found = catalog.find(name)
    if found is None:
        near = ", ".join(catalog.nearest(name)) or "descope-mcp tools search"
        raise click.BadParameter(f"there is no operation {name}; try {near}")
    if "blocked" in found.worst_hazards:
        raise click.BadParameter(f"{found.name} is blocked; nothing allows it")
    return found


def _patterns(operation: Operation, patterns: dict[str, Any]) -> dict[str, str]:
    """The patterns by path, each of an argument that the operation has."""
    if not all(isinstance(p, str) for p in patterns.values()):
        raise click.BadParameter('--arguments must map paths to patterns: {"loginId": "test-*"}')
    known = operation.input_schema["properties"]
    for path in patterns:
        head = path.partition(".")[0].removesuffix("[]")
        if head not in known:
            raise click.BadParameter(
                f"{operation.name} has no argument {head}; it has {', '.join(known)}"
            )
    return patterns


def _line(grant: Grant) -> str:
    state = "ended" if grant.revoked else "usable" if grant.usable else "used up or expired"
    return (
        f"{grant.id}  {state}  {grant.operation} {json.dumps(grant.arguments)} "
        f"{grant.left} of {grant.items} left, until {shown(grant.expires)}"
        f"{f', for {quoted(grant.caller)}' if grant.caller else ''}"
    )


def _store() -> Store:
    return wiring.store(settings.load())
