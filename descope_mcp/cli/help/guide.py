"""What `descope-mcp` alone says in a terminal: how things are, and what comes next."""

from __future__ import annotations

from contextlib import closing

import click

from descope_mcp import __version__, settings
from descope_mcp.cli import wiring
from descope_mcp.profiles.errors import ProfileError
from descope_mcp.settings import Settings, SettingsError
from descope_mcp.store.consent import approvals
from descope_mcp.store.errors import StoreError

_ASIDE = """\
An agent's client starts `descope-mcp serve` itself and speaks with it over standard input; in a
terminal that command only waits. All commands: `descope-mcp --help`"""


def guide() -> str:
    """The text, by what is set up. Nothing is sent, and nothing is made."""
    lines = [f"descope-mcp {__version__}: the Descope API for agents, with the last word for you."]
    try:
        chosen = settings.load()
    except (SettingsError, ProfileError) as error:
        return "\n".join([*lines, "", f"The settings are wrong: {error}", "", _ASIDE])
    named = bool(chosen.project_id)
    opened = chosen.has_management_key
    lines += [
        "",
        f"  project         {chosen.project_id or 'not set (`descope-mcp login`)'}",
        f"  management key  {'set' if opened else 'not set (`descope-mcp login`)'}",
        f"  kept in         {wiring.store(chosen).name}",
        f"  log             {chosen.log_file or 'not written (DESCOPE_MCP_LOG_FILE)'}",
    ]
    waiting = _waiting(chosen)
    if waiting:
        said = "1 request waits" if waiting == 1 else f"{waiting} requests wait"
        steps = [("descope-mcp approvals watch", f"answer what agents ask: {said} for you")]
    elif named and opened:
        steps = [
            ("descope-mcp doctor", "test settings, credentials and reachability"),
            ("descope-mcp install", "put it into your agent's client"),
            ('descope-mcp tools search "delete a user"', "find an operation"),
        ]
    else:
        steps = [
            ("descope-mcp call SearchUsers --sandbox", "try it without an account"),
            ("descope-mcp install --sandbox", "let your agent try it, too"),
            ("descope-mcp login", "sign in to your project"),
        ]
    width = max(len(command) for command, _ in steps)
    lines += ["", "Next:", *(f"  {command:{width}}  {what}" for command, what in steps)]
    return "\n".join([*lines, "", _ASIDE])


def show() -> None:
    """Print it."""
    click.echo(guide())


def _waiting(chosen: Settings) -> int:
    """How many requests wait, as far as that can be known without making a store."""
    with closing(wiring.store(chosen)) as store:
        try:
            return 0 if store.is_new else len(approvals.pending(store))
        except StoreError:
            return 0
