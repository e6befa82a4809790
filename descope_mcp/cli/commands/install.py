"""`descope-mcp install`: into the clients on this machine, each tried before it is called done."""

from __future__ import annotations

import os
import sys
from functools import partial
from typing import Any

import click

from descope_mcp import settings
from descope_mcp.catalog.catalog import load
from descope_mcp.cli import client_choice, options, wiring
from descope_mcp.cli.client_choice import Told
from descope_mcp.cli.display import output
from descope_mcp.cli.main import FAILED
from descope_mcp.clients import installation, start_command
from descope_mcp.clients.errors import ClientError
from descope_mcp.clients.installation import Target
from descope_mcp.clients.server_entry import NAME, ServerEntry
from descope_mcp.clients.shown_arguments import shown_arguments


@click.command("install")
@client_choice.clients
@client_choice.project
@options.sandbox
@options.read_only
@options.profile
@click.option("--toolsets", help="List these toolsets' operations as tools (a,b or all).")
@click.option(
    "--with-key", is_flag=True, help="Write this environment's credentials into the configuration."
)
@click.option("--dry-run", is_flag=True, help="Show what would change; write and start nothing.")
@click.option("--print", "only_print", is_flag=True, help="Print the entry, to paste it yourself.")
@click.option("--check", is_flag=True, help="Start what is installed, and change nothing.")
@options.json_lines
def command(
    names: tuple[str, ...],
    project: bool,
    sandbox: bool,
    read_only: bool | None,
    profile: str | None,
    toolsets: str | None,
    with_key: bool,
    dry_run: bool,
    only_print: bool,
    check: bool,
) -> None:
    """Put this server into the configuration of clients, and try it there.

    Without a CLIENT you are asked which of those that are on this machine. All else in the file
    stays, and what an entry of this server says besides. An entry of another server is not touched.
    What the file was is kept beside it until uninstall. Then the entry is started as the client
    would; if it does not answer, the file is put back.

    Exit codes: 0 all done and tried, 1 one of them failed, 3 there is no terminal to ask in.
    """
    if [dry_run, only_print, check].count(True) > 1:
        raise click.UsageError("--dry-run, --print and --check exclude each other")
    if with_key and project:
        raise click.UsageError(
            "--with-key would put the key into a file of the project, where others find it; leave "
            "out one of them"
        )
    if check:
        sys.exit(_checked(names, project))
    chosen = settings.load(toolsets=toolsets, read_only=read_only, profile=profile, sandbox=sandbox)
    entry = _entry(chosen, sandbox, profile, with_key)
    do = _printed if only_print else _shown if dry_run else _installed
    sys.exit(client_choice.each(client_choice.targets(names, project=project), partial(do, entry)))


def _entry(
    chosen: settings.Settings, sandbox: bool, profile: str | None, with_key: bool
) -> ServerEntry:
    args = ["serve"]
    if names := wiring.toolsets(chosen, load()):
        args += ["--toolsets", ",".join(names)]
    args += ["--read-only"] if chosen.read_only else []
    args += ["--sandbox"] if sandbox else []
    args += ["--profile", profile] if profile else []
    env = {
        name: os.environ[name] for name in settings.CREDENTIALS if with_key and os.environ.get(name)
    }
    if with_key and "DESCOPE_MANAGEMENT_KEY" not in env:
        raise settings.SettingsError(
            "--with-key: DESCOPE_PROJECT_ID and DESCOPE_MANAGEMENT_KEY are not set here"
        )
    try:
        program, *first = start_command.found()
    except ClientError as error:
        raise click.ClickException(str(error)) from None
    return ServerEntry(NAME, program, (*first, *args), env)


def _installed(entry: ServerEntry, target: Target) -> Told:
    change = installation.planned(target, entry)
    done = installation.installed(target, change)
    said, facts, notes = client_choice.answered(done.handshake)
    copy = f"; as it was before: {done.copy}" if done.copy else ""
    facts = {
        "state": "unchanged" if change.is_none else "installed",
        "by": done.by,
        "file": str(change.file.path),
        "copy": str(done.copy) if done.copy else None,
        **_facts(change.entry),
        **facts,
    }
    line = f"installed ({done.by}) and tried: {said}"
    return Told(line, facts, (f"{change.file.path}{copy}", *notes, target.client.after))


def _shown(entry: ServerEntry, target: Target) -> Told:
    change = installation.planned(target, entry)
    facts: dict[str, object] = {
        "state": "unchanged" if change.is_none else "would change",
        "file": str(change.file.path),
        "difference": change.difference,
        **_facts(change.entry),
    }
    if change.is_none:
        return Told(f"{change.file.path} is already so", facts)
    return Told("nothing was changed; this would", facts, tuple(change.difference.splitlines()))


def _printed(entry: ServerEntry, target: Target) -> Told:
    path, text = target.file.path, installation.snippet(target, entry)
    facts: dict[str, object] = {"state": "printed", "file": str(path), "text": text}
    return Told(f"put this into {path}", facts, tuple(text.splitlines()))


def _checked(names: tuple[str, ...], project: bool) -> int:
    found = client_choice.with_entry(names, NAME, project=project)
    if not found:
        problem = "no client has an entry of this server; put it there: `descope-mcp install`"
        output.problem(problem, kind="client")
        return FAILED
    return client_choice.each(found, _tried)


def _tried(target: Target) -> Told:
    said, facts, notes = client_choice.answered(installation.tried(target, NAME))
    path = target.file.path
    return Told(
        f"answers: {said}", {"state": "answers", "file": str(path), **facts}, (str(path), *notes)
    )


def _facts(entry: ServerEntry) -> dict[str, Any]:
    """The entry, with the names of its variables, and without what may be secret in it."""
    return {
        "entry": entry.name,
        "command": entry.command,
        "args": shown_arguments(entry.args),
        "variables": sorted(entry.env),
    }
