"""`descope-mcp login`: keep a project's management key where the system keeps keys."""

from __future__ import annotations

import sys

import anyio
import click
from pydantic import ValidationError

from descope_mcp import settings
from descope_mcp.api.client import Client
from descope_mcp.api.credentials import Credentials
from descope_mcp.api.errors import ApiFailure
from descope_mcp.catalog.catalog import load
from descope_mcp.cli import key_trial, options, output, terminal
from descope_mcp.cli.main import FAILED
from descope_mcp.profiles import key_storage, profile
from descope_mcp.profiles.profile import DEFAULT, Profile


@click.command("login")
@click.option("--profile", "name", default=DEFAULT, show_default=True, help="Keep it by this name.")
@click.option("--project-id", help="The project; asked for if not given.")
@click.option("--production", is_flag=True, help="Mark it: every question says so.")
@click.option("--base-url", default="", help="Another address of the API.")
@click.option("--key-stdin", is_flag=True, help="Read the key from standard input, one line.")
@click.option("--key-file", is_flag=True, help="Keep the key in a private file, not the keyring.")
@options.json_lines
def command(
    name: str,
    project_id: str | None,
    production: bool,
    base_url: str,
    key_stdin: bool,
    key_file: bool,
) -> None:
    """Sign in to a project: its id and a management key, typed unseen, tried, and kept.

    The key goes into the system's keyring; where there is none, into a file that only you can read,
    and it is said. It is never an argument. Whatever is started without credentials of its own uses
    the profile "default"; --profile or DESCOPE_MCP_PROFILE choose another.

    Exit codes: 0 kept, 1 Descope did not accept the key or could not be asked, 3 no terminal.
    """
    profile.check_name(name)
    project_id = project_id or terminal.ask("", "Project id (Descope console, Project): ")
    key = _from_stdin() if key_stdin else terminal.hidden("Management key (is not shown): ")
    said = _checked(project_id, key, base_url)
    try:
        anyio.run(_tried, said)
    except ApiFailure as error:
        output.problem(f"not kept: {error.message}", error.remedy, kind=error.kind)
        sys.exit(FAILED)
    directory = said.profile_directory
    place = key_storage.keep(directory, name, key, in_file=key_file)
    made = Profile(said.project_id, place, production, said.base_url)
    profile.keep(directory, name, made)
    where = {
        "keyring": "the system's keyring",
        "file": f"a file that only this account can read, in {directory}",
    }[place]
    if place == "file" and not key_file:
        where = f"{where} (there is no keyring here)"
    mark = ", marked as production" if production else ""
    output.said(
        f"Signed in to {made.project_id} as {name}{mark}. The key is in {where}.",
        profile=name,
        project=made.project_id,
        production=production,
        key_in=place,
    )


def _from_stdin() -> str:
    key = sys.stdin.readline().strip()
    if not key:
        raise click.UsageError("--key-stdin: there is nothing on standard input")
    return key


def _checked(project_id: str, key: str, base_url: str) -> settings.Settings:
    """Settings of nothing but what was said.

    Raises:
        SettingsError: the id, the key or the address cannot be one.
    """
    if not (project_id and key):
        raise settings.SettingsError("a project id and a management key are both needed")
    given = {
        "DESCOPE_PROJECT_ID": project_id,
        "DESCOPE_MANAGEMENT_KEY": key,
        "DESCOPE_BASE_URL": base_url,
    }
    try:
        return settings.Settings.model_validate(given)
    except ValidationError as error:
        raise settings.malformed(error) from None


async def _tried(said: settings.Settings) -> None:
    catalog = load()
    keys = Credentials(said.project_id, said.management_key.get_secret_value())
    client = Client(said.api_url, keys, catalog.errors, said.timeout)
    try:
        await key_trial.accepted(client, catalog)
    finally:
        await client.close()
