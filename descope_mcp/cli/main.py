"""descope-mcp: the entry point. Each command is imported when it is run."""

from __future__ import annotations

import errno
import importlib
import os
import sys
from typing import TYPE_CHECKING

import click

from descope_mcp import __version__

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

#: Exit codes: what a script can tell apart.
FAILED, USAGE, REFUSED, UNKNOWN, NOT_NOW, INTERRUPTED = 1, 2, 3, 4, 5, 130

PROGRAM = "descope-mcp"
#: Set by the shell that wants completions (click's name for it).
COMPLETED_BY = "_DESCOPE_MCP_COMPLETE"
HELP = frozenset(("-h", "--help"))

_COMMANDS = {
    "serve": "Serve MCP on stdin and stdout.",
    "tools": "List, show or search the operations.",
    "call": "Run one operation.",
    "plan": "Run many calls as one, from a file.",
    "undo": "Undo a call, or a plan.",
    "approvals": "Answer what an agent's client cannot ask.",
    "console": "Answer it in a browser.",
    "grants": "Allow calls ahead, for unattended work.",
    "tokens": "Give machines tokens to call with over HTTP.",
    "journal": "Show and verify what was done.",
    "policy": "Check a policy file, or explain what is decided on a call.",
    "contract": "Compare Descope's contract with a newer one.",
    "doctor": "Test configuration, credentials and reachability.",
    "key": "Replace the key of the store.",
    "secrets": "List, reveal, save, send or forget the secrets that were kept.",
    "sandbox": "Run a local Descope to try things on.",
    "login": "Sign in to a project: keep its management key in the keyring.",
    "logout": "Forget it again.",
    "whoami": "Show the project, and what the key may read.",
    "install": "Put this server into Claude Code, Cursor, VS Code, ... and try it there.",
    "uninstall": "Take it out again.",
    "completion": "Print what a shell needs to complete commands.",
}


def _command(name: str) -> click.Command:
    module = importlib.import_module(f"descope_mcp.cli.commands.{name}")
    command: click.Command = module.command
    if HELP.intersection(sys.argv):
        from descope_mcp.cli.help.examples import attach

        attach(command, (name,))
    return command


class _Lazy(click.Group):
    """Imports a command's module only when that command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return _command(cmd_name) if cmd_name in _COMMANDS else None

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        # click would import every command for its help.
        from click.shell_completion import CompletionItem

        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        return [
            CompletionItem(name, help=text)
            for name, text in _COMMANDS.items()
            if name.startswith(incomplete)
        ]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(
    cls=_Lazy, invoke_without_command=True, context_settings={"help_option_names": sorted(HELP)}
)
@click.version_option(__version__, prog_name=PROGRAM)
@click.pass_context
def cli(ctx: click.Context) -> None:
    """The whole Descope API as MCP tools.

    Without a command: in a terminal a short guide, else `serve`.
    """
    if ctx.invoked_subcommand is not None:
        return
    if sys.stdin.isatty() and sys.stdout.isatty():
        from descope_mcp.cli.help.guide import show

        show()
    else:
        ctx.invoke(_command("serve"))


def main() -> None:
    """Run the command line; every expected failure is one message on stderr and an exit code."""
    if COMPLETED_BY in os.environ:
        # Somebody waits with a finger on the key: no settings, no store.
        cli.main(prog_name=PROGRAM, complete_var=COMPLETED_BY)
    from descope_mcp.catalog.errors import SpecError
    from descope_mcp.cli.asking.errors import NoTerminal, NotProven
    from descope_mcp.cli.display import output
    from descope_mcp.profiles.errors import ProfileError
    from descope_mcp.settings import SettingsError
    from descope_mcp.store.errors import StoreError

    output.prepare()
    try:
        try:
            # Not click's standalone mode, which makes an interrupt the exit code of a failure.
            sys.exit(cli.main(prog_name=PROGRAM, standalone_mode=False))
        finally:
            # Here a full disk or a reader that has gone can still be told of.
            sys.stdout.flush()
    except click.ClickException as error:
        if isinstance(error, click.UsageError) and error.ctx and not output.as_json():
            click.echo(
                f"{error.ctx.get_usage()}\nSee `{error.ctx.command_path} --help`.\n", err=True
            )
        output.problem(error.format_message(), kind="usage")
        sys.exit(error.exit_code)
    except (SettingsError, SpecError, ProfileError) as error:
        output.problem(str(error), kind="settings")
        sys.exit(USAGE)
    except StoreError as error:
        output.problem(str(error), kind="store")
        sys.exit(FAILED)
    except (NoTerminal, NotProven) as error:
        output.problem(str(error), kind="refused")
        sys.exit(REFUSED)
    except click.Abort:
        sys.exit(INTERRUPTED)
    except BrokenPipeError as error:
        # Whoever read it has read enough.
        output.lost(error)
        sys.exit(FAILED)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EIO, errno.EDQUOT):
            raise
        output.note(f"the output cannot be written: {output.lost(error)}")
        sys.exit(FAILED)
