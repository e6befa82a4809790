"""`descope-mcp undo`: take a journalled call back."""

from __future__ import annotations

import sys

import click

from descope_mcp import settings
from descope_mcp.call.outcome import Undo
from descope_mcp.cli import options
from descope_mcp.cli.commands.call import CALLER, run, tell


@click.command("undo")
@click.argument("call")
@click.option("--anyway", is_flag=True, help="Also if the object has changed since.")
@options.policy
@options.sandbox
@options.json_lines
def command(call: str, anyway: bool, policy: str | None, sandbox: bool) -> None:
    """Undo the call whose id begins with CALL (`descope-mcp journal list`)."""
    sys.exit(
        run(
            Undo(call, CALLER, anyway, progress=tell),
            settings.load(policy=policy, sandbox=sandbox),
            sandbox=sandbox,
        )
    )
