"""`descope-mcp policy verify`, `report` and `replay`: a policy tried before it counts."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING

import anyio
import click

from descope_mcp import settings
from descope_mcp.catalog.catalog import load
from descope_mcp.cli import options, wiring
from descope_mcp.cli.display.times import moment
from descope_mcp.cli.main import FAILED

if TYPE_CHECKING:
    from descope_mcp.cli.policy_trials.verification.proof import Proof
    from descope_mcp.store.shadow_report import Group


@click.command("verify")
@click.argument("file", required=False)
@options.read_only
@options.as_json
def verify(file: str | None, read_only: bool | None, as_json: bool) -> None:
    """Prove what the guard promises, on your policy and settings, against a sandbox.

    FILE is a path or the name of a ready-made policy; left out, DESCOPE_MCP_POLICY, and without
    that the default policy. Descope is not reached, and your store is only read. Exit codes: 0 all
    promises hold, 1 one is broken, 2 the settings or the file are wrong.
    """
    from descope_mcp.cli.policy_trials.verification.all_promises import prove

    chosen = settings.load(policy=file, read_only=read_only)
    catalog = load()
    policy = wiring.policy(chosen, catalog)
    proofs: list[Proof] = []

    async def main() -> None:
        async for proof in prove(chosen, catalog, policy):
            proofs.append(proof)
            if as_json:
                click.echo(json.dumps({**asdict(proof), "held": proof.held}))
            else:
                click.echo("\n".join(_proven(proof)))

    anyio.run(main)
    broken = sum(not proof.held for proof in proofs)
    if not as_json:
        click.echo(f"{len(proofs) - broken} of {len(proofs)} promises hold")
    sys.exit(FAILED if broken else 0)


@click.command("report")
@click.option("--since", default="", help="Only from then on: 2026-11-22, 14:30, 2h, 7d.")
@options.as_json
def report(since: str, as_json: bool) -> None:
    """Where the shadow policy of `serve --shadow-policy` would have decided otherwise.

    Counted by rules and operation, the most frequent first, each with the calls that came first.
    """
    from descope_mcp.store import shadow_log
    from descope_mcp.store.shadow_report import grouped

    directory = settings.load().state_directory
    groups = grouped(shadow_log.differences(directory, moment(since)))
    if not as_json and not groups:
        click.echo("No call was decided otherwise by a shadow policy.")
    _tell(groups, as_json=as_json)


@click.command("replay")
@click.argument("file")
@click.option("--since", default="", help="Only calls from then on: 2026-11-22, 14:30, 2h, 7d.")
@click.option("--until", default="", help="Only calls before then.")
@click.option("--project", default="", help="Only calls in this project.")
@options.as_json
def replay(file: str, since: str, until: str, project: str, as_json: bool) -> None:
    """Judge the calls of the journal by another policy, and print where it differs.

    FILE is a path or the name of a ready-made policy. Calls are judged on what they changed then,
    and count towards its caps by the time when they ran. What was denied is not in the journal.
    Nothing reaches Descope. Exit codes: 0 judged, 2 the file is wrong.
    """
    from descope_mcp.cli.policy_trials.replay import replayed
    from descope_mcp.store.shadow_report import grouped

    chosen, catalog = settings.load(policy=file), load()
    policy = wiring.policy(chosen, catalog)
    span = {"since": moment(since), "until": moment(until), "project": project}
    with closing(wiring.store(chosen)) as store:
        result = replayed(store, catalog, policy, chosen.hosts, **span)
    _tell(grouped(result.differences), as_json=as_json)
    if not as_json:
        click.echo(
            f"{result.judged} calls judged, {len(result.differences)} otherwise than then; "
            f"{result.forgotten} could not be judged, since what they said is no longer kept"
        )


def _proven(proof: Proof) -> Iterator[str]:
    """A promise, the call that shows it, and what breaks it."""
    yield f"{'held  ' if proof.held else 'BROKEN'}  {proof.promise} ({proof.calls} tried)"
    yield f"        {proof.shown or 'nothing could be tried'}"
    for text in proof.exceptions[:_MOST_SHOWN]:
        yield f"        except {text}"
    for text in proof.faults[:_MOST_SHOWN]:
        yield f"        FAULT {text}"
    more = max(0, len(proof.faults) - _MOST_SHOWN)
    if more:
        yield f"        and {more} more"


def _tell(groups: list[Group], *, as_json: bool) -> None:
    """Print the groups: one object a line, or for a person."""
    from descope_mcp.cli.policy_trials.difference import lines

    for group in groups if as_json else ():
        click.echo(json.dumps(asdict(group)))
    for line in () if as_json else lines(groups):
        click.echo(line)


#: So many calls that broke a promise are shown; --json has all.
_MOST_SHOWN = 5
