"""`descope-mcp whoami`: which project and key are used, from where, and what the key may read."""

from __future__ import annotations

import sys
from dataclasses import asdict

import anyio
import click

from descope_mcp import settings
from descope_mcp.cli import key_trial, options, wiring
from descope_mcp.cli.display import output
from descope_mcp.cli.key_trial import Trial
from descope_mcp.cli.main import FAILED

_SAID = {"reads": "may read", "refused": "refused", "failed": "not found out"}


@click.command("whoami")
@options.profile
@options.as_json
def command(profile: str | None, as_json: bool) -> None:
    """Show the project and where its key comes from, and try one read of each family.

    Nothing is changed. That a key may read a family does not say that it may change it: only the
    Descope console shows that.

    Exit codes: 0 it reads something, 1 it reads nothing.
    """
    chosen = settings.load(profile=profile)
    origins = settings.sources(chosen, profile=profile)
    if not chosen.has_management_key:
        output.problem(
            "nobody is signed in;", "sign in: descope-mcp login", kind="missing_credential"
        )
        sys.exit(FAILED)

    async def main() -> list[Trial]:
        async with wiring.services(chosen) as services:
            return await key_trial.of_all_families(services.client, services.catalog)

    about = {
        "project": chosen.project_id,
        "api": chosen.api_url,
        "production": chosen.production,
        "profile": chosen.profile or None,
        "key_from": origins["DESCOPE_MANAGEMENT_KEY"],
    }
    trials = anyio.run(main)
    if as_json:
        output.row(about)
        for trial in trials:
            output.row(asdict(trial))
    else:
        mark = " (production)" if chosen.production else ""
        click.echo(f"{chosen.project_id or 'no project'}{mark} at {chosen.api_url}")
        click.echo(f"The key is from {about['key_from']}.\n")
        width = max(len(trial.title) for trial in trials)
        for trial in trials:
            why = f": {trial.why}" if trial.why else ""
            click.echo(f"{trial.title:{width}}  {_SAID[trial.found]}{why}")
    sys.exit(0 if any(trial.found == "reads" for trial in trials) else FAILED)
