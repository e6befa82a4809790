"""`descope-mcp logout`: forget a profile and its key."""

from __future__ import annotations

import click

from descope_mcp import settings
from descope_mcp.cli import options
from descope_mcp.cli.display import output
from descope_mcp.profiles import key_storage, profile
from descope_mcp.profiles.profile import DEFAULT


@click.command("logout")
@click.option("--profile", "name", default=DEFAULT, show_default=True, help="This one.")
@options.json_lines
def command(name: str) -> None:
    """Delete a profile and its key from this machine. The key itself stays valid at Descope."""
    directory = settings.Settings().profile_directory
    found = profile.find(directory, name)
    key_storage.forget(directory, name, "file")
    if found.in_keyring:
        key_storage.forget(directory, name, "keyring")
    profile.keep(directory, name, None)
    output.said(
        f"Signed out of {found.project_id} ({name}). To end the key itself, delete it in the "
        "Descope console.",
        profile=name,
        project=found.project_id,
    )
