"""descope-mcp: the entry point. Each command is imported when it is run."""

from __future__ import annotations

import importlib
import sys

import click

from descope_mcp import __version__

#: Exit codes: what a script can tell apart.
FAILED, USAGE, REFUSED, UNKNOWN = 1, 2, 3, 4

_COMMANDS = {
    "serve": "Serve MCP on stdin and stdout.",
    "tools": "List, show or search the operations.",
    "call": "Run one operation.",
    "doctor": "Test configuration, credentials and reachability.",
    "sandbox": "Run a local Descope to try things on.",
}


class _Lazy(click.Group):
    """Imports a command's module only when that command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"descope_mcp.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(
    cls=_Lazy, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, prog_name="descope-mcp")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """The whole Descope API as MCP tools. Without a command: serve."""
    if ctx.invoked_subcommand is None:
        serve = _Lazy.get_command(cli, ctx, "serve")  # type: ignore[arg-type]
        assert serve is not None
        ctx.invoke(serve)


def main() -> None:
    """Run the command line; every expected failure is one message on stderr and an exit code."""
    from descope_mcp.catalog.errors import SpecError
    from descope_mcp.settings import SettingsError

    try:
        cli.main(prog_name="descope-mcp")
    except (SettingsError, SpecError) as error:
        click.echo(f"descope-mcp: {error}", err=True)
        sys.exit(USAGE)
    except KeyboardInterrupt:
        sys.exit(130)
