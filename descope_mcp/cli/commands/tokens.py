"""`descope-mcp tokens`: tokens for machines that call over HTTP and cannot sign in."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

import click

from descope_mcp import settings
from descope_mcp.catalog.catalog import load
from descope_mcp.cli import options, wiring
from descope_mcp.cli.asking import terminal
from descope_mcp.cli.asking.errors import NoTerminal
from descope_mcp.cli.display import output, tables
from descope_mcp.cli.display.times import duration, shown
from descope_mcp.cli.main import FAILED
from descope_mcp.cli.new_files import new_file
from descope_mcp.guard import scopes as known_scopes
from descope_mcp.store import machine_tokens
from descope_mcp.store.machine_tokens import MachineToken
from descope_mcp.store.store import Store

#: The longest time that a token counts.
_LONGEST = 366 * 24 * 3600.0
_CLAIM = re.compile(r"([a-z][a-z0-9_]*)=([^\x00-\x1f\x7f]{1,200})")


@click.group("tokens")
def command() -> None:
    """Give machines tokens to call with over HTTP (serve --http --auth)."""


@command.command("create")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    help="What it is for: descope:read, descope:write, descope:destructive, descope:toolset:NAME.",
)
@click.option("--for", "time", required=True, help="How long it counts: 12h, 30d; at most 366d.")
@click.option(
    "--claim",
    "claims",
    multiple=True,
    metavar="CLAIM=VALUE",
    help="What policy rules (who) may know of it: roles=support.",
)
@click.option(
    "--output",
    "place",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write it to this new file instead of the terminal.",
)
@options.json_lines
def create(
    name: str, scopes: tuple[str, ...], time: str, claims: tuple[str, ...], place: Path | None
) -> None:
    """Make a token; whoever has it calls as token:NAME. It is shown once, in the terminal.

    Several tokens may have one name, so that one can take the place of another.
    """
    if not machine_tokens.NAME.fullmatch(name):
        raise click.BadParameter("write up to 64 letters, digits and . _ @ -, the first no sign")
    seconds, said = duration(time), _claims(claims)
    if not 0 < seconds <= _LONGEST:
        raise click.BadParameter("--for must be at most 366d")
    _check_scopes(scopes)
    if place and place.exists():
        raise click.UsageError(f"the file {place} exists already; name a new one")
    with closing(_store()) as store:
        terminal.second_factor(store)
        with new_file(place) if place else _screen() as opened:

            def give(token: str) -> None:
                print(token, file=opened, flush=True)
                if place:
                    os.fsync(opened.fileno())

            by = terminal.account()
            made, _ = machine_tokens.create(store, name, scopes, seconds, said, by=by, give=give)
    output.said(
        f"Token {made.id} of {made.name} counts until {shown(made.expires)}. "
        "It is not shown again.",
        **_facts(made),
    )


@contextmanager
def _screen() -> Iterator[TextIO]:
    """The terminal, to show a token.

    Raises:
        NoTerminal: there is none; with what goes without.
    """
    try:
        with terminal.screen() as opened:
            yield opened
    except NoTerminal as error:
        raise NoTerminal(f"{error}, or write it to a new file with --output") from None


@command.command("list")
@options.as_json
def list_(as_json: bool) -> None:
    """All tokens, newest first; never the tokens themselves."""
    with closing(_store()) as store:
        found = [] if store.is_new else machine_tokens.listed(store)
    if as_json:
        for token in found:
            output.row(_facts(token))
        return
    tables.show(
        ("id", "state", "caller", "scopes", "claims", "ends"),
        ((_line(token), _cells(token)) for token in found),
        nothing="There are no tokens.",
    )


@command.command("revoke")
@click.argument("token")
@options.json_lines
def revoke(token: str) -> None:
    """End a token by its id, as `tokens list` shows it; servers take some seconds to notice.

    Exit codes: 0 it has ended, 1 there is none that still counts.
    """
    with closing(_store()) as store:
        ended = None if store.is_new else machine_tokens.revoke(store, token, by=terminal.account())
        if ended is None:
            output.problem(f"there is no token {token} that still counts", kind="unknown_name")
            sys.exit(FAILED)
    output.said(f"Token {ended.id} of {ended.name} has ended.", **_facts(ended))


def _cells(token: MachineToken) -> tuple[str, ...]:
    said = "\n".join(f"{claim}={','.join(v)}" for claim, v in token.claims.items())
    name, scopes = f"token:{token.name}", "\n".join(token.scopes)
    return str(token.id), _state(token), name, scopes, said, tables.age(token.expires)


def _line(token: MachineToken) -> str:
    said = "".join(f" {claim}={','.join(v)}" for claim, v in token.claims.items())
    return (
        f"{token.id}  {_state(token)}  token:{token.name}  {' '.join(token.scopes)}{said}  "
        f"until {shown(token.expires)}"
    )


def _state(token: MachineToken) -> str:
    return "usable" if token.usable else "revoked" if token.revoked else "expired"


def _check_scopes(scopes: tuple[str, ...]) -> None:
    toolsets = [toolset.name for toolset in load().toolsets]
    for scope in scopes:
        if not known_scopes.is_known(scope, toolsets):
            classes = ", ".join(known_scopes.CLASSES.values())
            raise click.BadParameter(
                f"there is no scope {scope}; there are {classes}, and descope:toolset: with one of "
                f"{', '.join(toolsets)}"
            )
    if not set(scopes) & set(known_scopes.CLASSES.values()):
        raise click.BadParameter("a toolset alone allows nothing; add --scope descope:read")


def _claims(given: tuple[str, ...]) -> dict[str, list[str]]:
    said: dict[str, list[str]] = {}
    for one in given:
        found = _CLAIM.fullmatch(one)
        if not found:
            raise click.BadParameter(f"{one}: write a claim and its value, like roles=support")
        said.setdefault(found[1], []).append(found[2])
    return said


def _facts(token: MachineToken) -> dict[str, Any]:
    return {**asdict(token), "usable": token.usable}


def _store() -> Store:
    return wiring.store(settings.load())
