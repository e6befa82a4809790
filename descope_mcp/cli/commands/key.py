"""`descope-mcp key`: the key of the store."""

from __future__ import annotations

import sys

import click

from descope_mcp import settings
from descope_mcp.cli import options, wiring
from descope_mcp.cli.asking import terminal
from descope_mcp.cli.display import output
from descope_mcp.cli.main import REFUSED
from descope_mcp.guard.question import shell_quoting
from descope_mcp.store import rotation


@click.group("key")
def command() -> None:
    """The key that seals and signs what is in the store."""


@command.command("rotate")
@options.json_lines
def rotate() -> None:
    """Replace the key; everything is encrypted and signed with the new one, in one step.

    Exit codes: 0 replaced, 1 something is wrong with the store, 3 no terminal or no yes.
    """
    store = wiring.store(settings.load())
    text = (
        f"Replace the key {store.key_name}.\nCopies of the state that were made before open "
        "nothing any more, and\nexports made from now on are proven by another public key."
    )
    if terminal.ask(text, "Replace it? Type yes: ").lower() != "yes":
        output.problem("the key was not replaced", kind="declined")
        sys.exit(REFUSED)
    terminal.second_factor(store)
    rotation.rotate(store, terminal.account())
    told = (
        f"Replaced. `{shell_quoting.command('journal', 'public-key')}` prints the new public key."
    )
    output.said(told, rotated=store.key_name)
