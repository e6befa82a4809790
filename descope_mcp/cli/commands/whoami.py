"""`descope-mcp whoami`: which project and keys are used, from where, and what they may read."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import anyio
import click

from descope_mcp import settings
from descope_mcp.cli import key_trial, options, wiring
from descope_mcp.cli.display import output
from descope_mcp.cli.key_trial import Trial
from descope_mcp.cli.main import FAILED

_SAID = {"reads": "may read", "refused": "refused", "failed": "not found out"}


#: The key of each setting, what it is called, and what it is for.
_KEYS = {
    "DESCOPE_MANAGEMENT_KEY": ("key_from", "management key", ""),
    "DESCOPE_ACCESS_KEY": (
        "access_key_from",
        "access key",
        "It is for SCIM and for ExchangeAccessKey; no other family takes it.",
    ),
    "DESCOPE_AUTH_MANAGEMENT_KEY": (
        "auth_management_key_from",
        "authentication management key",
        "It goes with the calls of end users, none of which is a harmless read: it is not tried.",
    ),
}


@click.command("whoami")
@options.profile
@options.as_json
def command(profile: str | None, as_json: bool) -> None:
    """Show the project and where its keys come from, and try one read of each family.

    Nothing is changed. That a key may read a family does not say that it may change it: only the
    Descope console shows that.

    Exit codes: 0 it reads something, 1 it reads nothing.
    """
    chosen = settings.load(profile=profile)
    origins = settings.sources(chosen, profile=profile)
    if not origins.keys() & _KEYS.keys():
        output.problem(
            "nobody is signed in", "Sign in: `descope-mcp login`.", kind="missing_credential"
        )
        sys.exit(FAILED)

    async def main() -> tuple[bool, list[Trial]]:
        async with wiring.services(chosen) as services:
            marked = services.policy.is_production(services.project)
            return marked, await key_trial.of_all_families(services.client, services.catalog)

    production, trials = anyio.run(main)
    about = {
        "project": chosen.project_id,
        "api": chosen.api_url,
        "production": production,
        "profile": chosen.profile or None,
        **{field: origins.get(setting) for setting, (field, _, _) in _KEYS.items()},
    }
    if as_json:
        output.row(about)
        for trial in trials:
            output.row(asdict(trial))
    else:
        _say(about, origins, trials)
    sys.exit(0 if any(trial.found == "reads" for trial in trials) else FAILED)


def _say(about: Mapping[str, Any], origins: Mapping[str, str], trials: Sequence[Trial]) -> None:
    mark = " (production)" if about["production"] else ""
    click.echo(f"{about['project'] or 'no project'}{mark} at {about['api']}")
    if "DESCOPE_MANAGEMENT_KEY" not in origins:
        click.echo("There is no management key: sign in with `descope-mcp login`, or set one.")
    for setting, (_, title, use) in _KEYS.items():
        if origin := origins.get(setting):
            click.echo(f"The {title} is from {origin}. {use}".rstrip())
    click.echo()
    alike = {(trial.found, trial.why) for trial in trials}
    if len(trials) > len(alike) == 1 and trials[0].found != "reads":
        # One fault, and not of what a key may do.
        found, why = alike.pop()
        click.echo(f"All families ({len(trials)}): {_SAID[found]}: {why}")
        click.echo("`descope-mcp doctor` tests network and key.")
        return
    width = max((len(trial.title) for trial in trials), default=0)
    for trial in trials:
        why = f": {trial.why}" if trial.why else ""
        click.echo(f"{trial.title:{width}}  {_SAID[trial.found]}{why}")
