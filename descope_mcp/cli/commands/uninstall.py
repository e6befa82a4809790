"""`descope-mcp uninstall`: out of the configuration of clients again."""

from __future__ import annotations

import sys
from functools import partial

import click

from descope_mcp.cli import client_choice, options
from descope_mcp.cli.client_choice import Told
from descope_mcp.cli.display import output
from descope_mcp.cli.main import FAILED
from descope_mcp.clients import installation
from descope_mcp.clients.installation import Target
from descope_mcp.clients.server_entry import NAME


@click.command("uninstall")
@client_choice.clients
@client_choice.project
@click.option("--dry-run", is_flag=True, help="Show what would change; write nothing.")
@options.json_lines
def command(names: tuple[str, ...], project: bool, dry_run: bool) -> None:
    """Take this server out of the configuration of clients, all that have it if none is named.

    The copy of what the file was before goes with it. An entry of another server is not touched.

    Exit codes: 0 it is gone, 1 one of them failed, or none has it.
    """
    found = client_choice.with_entry(names, NAME, project=project)
    if not found:
        output.problem("no client has an entry of this server", kind="client")
        sys.exit(FAILED)
    sys.exit(client_choice.each(found, partial(_removed, dry_run)))


def _removed(dry_run: bool, target: Target) -> Told:
    change = installation.removal(target, NAME)
    path = str(change.file.path)
    if change.is_none:
        return Told(f"{path} has no entry of this server", {"state": "unchanged", "file": path})
    if dry_run:
        facts: dict[str, object] = {
            "state": "would change",
            "file": path,
            "difference": change.difference,
        }
        return Told("nothing was changed; this would", facts, tuple(change.difference.splitlines()))
    copy = change.file.copy()
    by = installation.removed(target, change)
    facts = {
        "state": "removed",
        "by": by,
        "file": path,
        "deleted_copy": str(copy) if copy else None,
    }
    with_copy = f"; deleted, too: {copy}" if copy else ""
    return Told(f"removed ({by})", facts, (f"{path}{with_copy}",))
