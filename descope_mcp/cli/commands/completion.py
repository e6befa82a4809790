"""`descope-mcp completion`: what a shell needs to complete commands and options."""

from __future__ import annotations

import click
from click.shell_completion import BashComplete, FishComplete, ZshComplete

from descope_mcp.cli.main import COMPLETED_BY, PROGRAM

_SHELLS = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}


@click.command("completion")
@click.argument("shell", type=click.Choice(list(_SHELLS)))
def command(shell: str) -> None:
    """Print the script that completes commands and options in a shell.

    \b
    bash: eval "$(descope-mcp completion bash)"       in ~/.bashrc (4.4 or newer)
    zsh:  eval "$(descope-mcp completion zsh)"        in ~/.zshrc, after compinit
    fish: descope-mcp completion fish | source        in ~/.config/fish/config.fish
    """  # noqa: D301 - the sign that keeps click from filling the lines
    root = click.get_current_context().find_root().command
    script = _SHELLS[shell](root, {}, PROGRAM, COMPLETED_BY)
    # Not `source()`, which starts bash only to see how old it is.
    click.echo(script.source_template % script.source_vars())
