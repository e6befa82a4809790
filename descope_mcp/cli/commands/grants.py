"""`descope-mcp grants`: allow calls ahead, for unattended work."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

import click

from descope_mcp import settings
from descope_mcp.catalog.catalog import load
from descope_mcp.cli import options, wiring
from descope_mcp.cli.asking import terminal
from descope_mcp.cli.asking.errors import NotProven
from descope_mcp.cli.display import output, tables
from descope_mcp.cli.display.times import duration, shown
from descope_mcp.cli.main import FAILED, REFUSED
from descope_mcp.guard import grant
from descope_mcp.guard.consent import grant_limits
from descope_mcp.guard.decide import Decider, NotDecided
from descope_mcp.guard.grant import NotGranted
from descope_mcp.guard.question.quoting import quoted
from descope_mcp.store.consent import grants
from descope_mcp.store.consent.grants import Grant
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

    ARGUMENTS are patterns by path: {"loginId": "test-*@example.com"}. A * stops at @,
    commas and spaces.
    """
    chosen = settings.load()
    if not chosen.project_id:
        raise click.UsageError("a grant is for one project; set DESCOPE_PROJECT_ID")
    patterns = {path: _pattern(value) for path, value in (arguments or {}).items()}
    if not all(isinstance(p, str) for p in patterns.values()):
        raise click.BadParameter(
            '--arguments must map paths to patterns: `{"loginId": "test-*@example.com"}`'
        )
    try:
        asked = grant.wanted(load(), operation, patterns, items, duration(time), caller)
    except NotGranted as error:
        raise click.UsageError(str(error)) from None
    store, found = wiring.store(chosen), asked.operation
    lines = [f"  {path}: {quoted(pattern)}" for path, pattern in patterns.items()]
    text = "\n".join(
        [
            f"Allow {found.name} ({found.title}) in project {chosen.project_id} without asking,",
            f"for {items} item(s) within {time}, with these arguments, all of them and no others:",
            *(lines or ["  none"]),
            f"It is for {f'the caller {quoted(caller)} alone' if caller else 'every caller'}.",
            *(
                f"It covers EVERY {path}: {quoted(patterns[path])} leaves none out."
                for path in asked.every
            ),
            *([f"It cannot bring back: {found.lost}"] if found.lost else []),
        ]
    )
    needed = asked.typed or "yes"
    typed = terminal.ask(text, f"Allow it? Type {needed}: ")
    if typed.lower() != needed.lower():
        output.problem("no grant was made", kind="declined")
        sys.exit(REFUSED)
    code = terminal.digits(store)
    try:
        made, recovery = grant.give(
            store, chosen.project_id, asked, _decider(), typed=typed, code=code
        )
    except NotDecided as error:
        raise NotProven(str(error)) from None
    terminal.used_up(recovery)
    output.said(f"Grant {made.id} counts until {shown(made.expires)}.", **asdict(made))


@command.command("list")
@options.as_json
def list_(as_json: bool) -> None:
    """All grants, newest first."""
    found = grants.listed(_store())
    if as_json:
        for one in found:
            output.row(asdict(one))
        return
    tables.show(
        ("No.", "state", "operation", "arguments", "left", "ends", "caller"),
        ((_line(one), _cells(one)) for one in found),
        nothing="There are no grants.",
    )


@command.command("revoke")
@click.argument("number", metavar="GRANT", type=int)
@options.json_lines
def revoke(number: int) -> None:
    """End a grant."""
    try:
        grant.end(_store(), number, _decider())
    except NotGranted as error:
        output.problem(str(error), kind="unknown_name")
        sys.exit(FAILED)
    output.said(f"Grant {number} has ended.", id=number, revoked=True)


def _pattern(value: Any) -> Any:
    """A number, true or false of a call, as the pattern that it fits."""
    return grant_limits.text_of(value) if isinstance(value, (bool, int, float)) else value


def _decider() -> Decider:
    return Decider(terminal.account(), "terminal")


def _cells(one: Grant) -> tuple[str, ...]:
    patterns = ", ".join(f"{path}: {quoted(p)}" for path, p in one.arguments.items())
    left, caller = f"{one.left} of {one.items}", quoted(one.caller) if one.caller else "every"
    ends = tables.age(one.expires)
    return str(one.id), _state(one), one.operation, patterns, left, ends, caller


def _state(one: Grant) -> str:
    return "ended" if one.revoked else "usable" if one.usable else "used up or expired"


def _line(one: Grant) -> str:
    return (
        f"{one.id}  {_state(one)}  {one.operation} {json.dumps(one.arguments)} "
        f"{one.left} of {one.items} left, until {shown(one.expires)}"
        f"{f', for {quoted(one.caller)}' if one.caller else ''}"
    )


def _store() -> Store:
    return wiring.store(settings.load())
