"""`descope-mcp login`: keep a project's management key where the system keeps keys."""

from __future__ import annotations

import sys
from pathlib import Path

import anyio
import click
from pydantic import ValidationError

from descope_mcp import settings
from descope_mcp.api.client import Client
from descope_mcp.api.credentials import Credentials
from descope_mcp.api.errors import ApiFailure
from descope_mcp.catalog.catalog import load
from descope_mcp.cli import key_trial, options
from descope_mcp.cli.asking import terminal
from descope_mcp.cli.asking.errors import NoTerminal
from descope_mcp.cli.display import output
from descope_mcp.cli.main import FAILED
from descope_mcp.profiles import key_storage, profile
from descope_mcp.profiles.errors import ProfileError
from descope_mcp.profiles.profile import DEFAULT, Profile


@click.command("login")
@click.option("--profile", "name", default=DEFAULT, show_default=True, help="Keep it by this name.")
@click.option("--project-id", help="The project; asked for if not given.")
@click.option(
    "--production/--no-production",
    default=None,
    help="Mark it: every question says so. A mark stays until it is lifted in a terminal.",
)
@click.option("--base-url", default="", help="Another address of the API.")
@click.option("--key-stdin", is_flag=True, help="Read the key from standard input, one line.")
@click.option("--key-file", is_flag=True, help="Keep the key in a private file, not the keyring.")
@options.json_lines
def command(
    name: str,
    project_id: str | None,
    production: bool | None,
    base_url: str,
    key_stdin: bool,
    key_file: bool,
) -> None:
    """Sign in to a project: its id and a management key, typed unseen, tried, and kept.

    The key goes into the system's keyring; where there is none, into a file that only you can read,
    and it is said. It is never an argument. Whatever is started without credentials of its own uses
    the profile "default"; --profile or DESCOPE_MCP_PROFILE choose another.

    A project that is marked as production stays so when somebody signs in to it again.
    --no-production lifts the mark, once its id is typed in a terminal.

    Exit codes: 0 kept, 1 Descope did not accept the key or could not be asked, 3 no terminal.
    """
    profile.check_name(name)
    project_id = project_id or _typed("Project id (Descope console, Project): ")
    # Before the key is typed for nothing.
    _checked(DESCOPE_PROJECT_ID=project_id, DESCOPE_BASE_URL=base_url)
    directory = settings.Settings().profile_directory
    marked = _marked(directory, project_id, production)
    key = _from_stdin() if key_stdin else _typed("Management key (is not shown): ", unseen=True)
    said = _checked(
        DESCOPE_PROJECT_ID=project_id, DESCOPE_MANAGEMENT_KEY=key, DESCOPE_BASE_URL=base_url
    )
    try:
        anyio.run(_tried, said)
    except ApiFailure as error:
        output.problem(f"the key was not kept: {error.message}", error.remedy, kind=error.kind)
        sys.exit(FAILED)
    earlier = profile.all_profiles(directory).get(name)
    place = key_storage.keep(directory, name, key, in_file=key_file)
    left = ""
    if place == "file" and earlier and earlier.in_keyring:
        left = _older_key_left(directory, name)
    made = Profile(said.project_id, place, marked, said.base_url, bool(left))
    profile.keep(directory, name, made)
    profile.mark(directory, made.project_id, production=marked)
    where = {
        "keyring": "the system's keyring",
        "file": f"a file that only this account can read, in {directory}",
    }[place]
    if place == "file" and not key_file:
        where = f"{where} (there is no keyring here)"
    mark = ", marked as production" if marked else ""
    more = f"\nThe older key is not deleted: {left}" if left else ""
    output.said(
        f"Signed in to {made.project_id} as {name}{mark}. The key is in {where}.{more}",
        profile=name,
        project=made.project_id,
        production=marked,
        key_in=place,
        older_key_in_keyring=bool(left),
    )


def _marked(directory: Path, project_id: str, asked: bool | None) -> bool:
    """Whether the project is production from now on; a person's word lifts a mark.

    Raises:
        NoTerminal: it is to be lifted, and nobody can be asked.
        UsageError: the person says no.
    """
    before = project_id in profile.production(directory)
    if asked is None or not before:
        return bool(asked) or before
    if asked:
        return True
    text = f"{project_id} is marked as production. Without the mark, what affects the whole project"
    prompt = f"is no longer denied. Type {project_id} to lift it: "
    if terminal.ask(text, prompt) != project_id:
        raise click.UsageError(f"not signed in: the mark of {project_id} was not lifted")
    return False


def _older_key_left(directory: Path, name: str) -> str:
    """Delete the profile's older key from the keyring; why it is there still, "" if it is not."""
    try:
        key_storage.forget(directory, name, "keyring")
    except ProfileError as error:
        return str(error)
    return ""


def _typed(prompt: str, *, unseen: bool = False) -> str:
    """What the person types.

    Raises:
        NoTerminal: nobody is there; with what goes without.
    """
    try:
        return terminal.hidden(prompt) if unseen else terminal.ask("", prompt)
    except NoTerminal as error:
        raise NoTerminal(f"{error}, or give --project-id and --key-stdin") from None


def _from_stdin() -> str:
    key = sys.stdin.readline().strip()
    if not key:
        raise click.UsageError("--key-stdin: there is nothing on standard input")
    return key


def _checked(**said: str) -> settings.Settings:
    """Settings of nothing but what was said.

    Raises:
        SettingsError: the id, the key or the address cannot be one.
    """
    if not all(value for name, value in said.items() if name != "DESCOPE_BASE_URL"):
        raise settings.SettingsError("a project id and a management key are both needed")
    try:
        return settings.Settings.model_validate(said)
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
