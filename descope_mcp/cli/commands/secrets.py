"""`descope-mcp secrets`: what was sealed in answers, for the person who may see it."""

from __future__ import annotations

import json
import sys
from contextlib import closing
from dataclasses import asdict
from typing import NoReturn

import click

from descope_mcp import settings
from descope_mcp.cli import options, output, terminal, wiring
from descope_mcp.cli.errors import NotProven
from descope_mcp.cli.main import FAILED, REFUSED
from descope_mcp.cli.times import shown
from descope_mcp.guard import reveal
from descope_mcp.guard.decide import Decider, NotDecided
from descope_mcp.store.secrets import sealed
from descope_mcp.store.store import Store


@click.group("secrets")
def command() -> None:
    """List, reveal or forget the secrets that were kept in place of [sealed:...]."""


@command.command("list")
@options.as_json
def list_(as_json: bool) -> None:
    """Print what is kept, the oldest first; never a value."""
    with _store() as store:
        found = sealed.kept(store)
    for secret in found:
        if as_json:
            output.row(asdict(secret))
        else:
            click.echo(f"{secret.handle}  {secret.operation} {secret.field}  {_when(secret)}")
    if not found and not as_json:
        click.echo("Nothing is kept.")


@command.command("reveal")
@click.argument("handle")
@options.json_lines
def reveal_(handle: str) -> None:
    """Show one secret in the terminal, once, and delete it.

    Exit codes: 0 shown, 1 there is none, 3 no terminal or no yes.
    """
    with _store() as store:
        secret = _find(store, handle)
        text = (
            f"{secret.handle}: {secret.field} of {secret.operation}, project "
            f"{secret.project or 'not set'}.\nIt is shown once and then deleted; its handle opens "
            "nothing any more."
        )
        if terminal.ask(text, "Show it? Type yes: ").lower() != "yes":
            output.problem("not shown; it is still kept", kind="declined")
            sys.exit(REFUSED)
        code = terminal.digits(store)
        try:
            with (
                reveal.revealed(store, secret, _decider(), code) as seen,
                terminal.screen() as screen,
            ):
                screen.write(f"{_harmless(seen.value)}\n")
        except NotDecided as error:
            raise NotProven(str(error)) from None
        except LookupError:
            _missing()
    terminal.used_up(seen.recovery)


@command.command("forget")
@click.argument("handle")
@options.json_lines
def forget(handle: str) -> None:
    """Delete one secret without showing it.

    Exit codes: 0 deleted, 1 there is none.
    """
    with _store() as store:
        secret = _find(store, handle)
        if not reveal.forget(store, secret, _decider()):
            _missing()
    output.said("Forgotten.", handle=handle)


def _decider() -> Decider:
    return Decider(terminal.account(), "terminal")


def _store() -> closing[Store]:
    return closing(wiring.store(settings.load()))


def _find(store: Store, handle: str) -> sealed.Kept:
    """The secret of a handle that is still there; brackets and name may be left out."""
    return reveal.find(store, handle) or _missing()


def _missing() -> NoReturn:
    output.problem("nothing is kept under this handle; see `secrets list`", kind="unknown_name")
    sys.exit(FAILED)


def _harmless(value: str) -> str:
    """A value as it is, in JSON if it could tell the terminal to do something."""
    return value if value.replace("\n", "").isprintable() else json.dumps(value)


def _when(secret: sealed.Kept) -> str:
    if secret.revealed is not None:
        return f"revealed {shown(secret.revealed)}"
    end = "until revealed or forgotten"
    if secret.expires is not None:
        end = f"to {shown(secret.expires)}"
    return f"from {shown(secret.created)} {end}"
