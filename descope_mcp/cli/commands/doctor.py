"""`descope-mcp doctor`: test what a call needs, with a remedy for each fault."""

from __future__ import annotations

import email.utils
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import anyio
import click

from descope_mcp import settings
from descope_mcp.api import reachability
from descope_mcp.api.client import Client
from descope_mcp.api.credentials import Credentials
from descope_mcp.api.errors import ApiFailure, MissingCredential
from descope_mcp.api.reachability import Reached
from descope_mcp.call.services import Services
from descope_mcp.cli import options, wiring
from descope_mcp.cli.display import output
from descope_mcp.cli.main import FAILED
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.guard.question import shell_quoting
from descope_mcp.store.errors import StoreError
from descope_mcp.store.journal import hash_chain, unsettled
from descope_mcp.store.journal.entry import Entry
from descope_mcp.store.store import Store

#: A token's times are checked by the service; a clock further off than this spoils them.
_CLOCK_SECONDS = 60
#: Bytes that a disk has to have left: with less, one of the next changes is refused.
_ROOM = 8 << 20
#: So many calls that were left in the middle are named.
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """One test: its name, whether it passed, what was found, and what to do."""

    test: str
    ok: bool
    found: str
    remedy: str = ""


@click.command("doctor")
@options.sandbox
@options.profile
@options.as_json
def command(sandbox: bool, profile: str | None, as_json: bool) -> None:
    """Test configuration, credentials, reachability and clock."""
    chosen = settings.load(profile=profile, sandbox=sandbox)
    origins = settings.sources(chosen, profile=profile)

    async def main() -> list[Finding]:
        async with wiring.services(chosen, sandbox=sandbox) as services:
            found = [_settings(origins), *await _examine(services, chosen.auth)]
            return [*found, *_notices(chosen.notices)]

    findings = anyio.run(main)
    for finding in findings:
        if as_json:
            output.row(asdict(finding))
        else:
            mark = "ok  " if finding.ok else "FAIL"
            remedy = f"\n     {finding.remedy}" if finding.remedy else ""
            click.echo(f"{mark} {finding.test}: {finding.found}{remedy}")
    sys.exit(0 if all(finding.ok for finding in findings) else FAILED)


async def _examine(services: Services, auth: Path | None) -> list[Finding]:
    """All tests; with a file that has keys of its own, those instead of the settings' one."""
    keys, known = services.client.credentials, await _callers(services, auth)
    findings = [Finding("catalog", True, f"{len(services.catalog)} operations")]
    if not known.upstreams:
        findings.append(_project(keys, services.policy))
    findings += [*_state(services.store), *known.findings]
    if not (keys.management_key or known.upstreams):
        findings.append(await _management_key(services))
    try:
        reached = await reachability.probe(services.client.base_url)
    except ApiFailure as error:
        return [*findings, Finding("reachability", False, error.message, error.remedy)]
    findings.append(_reachability(services.client.base_url, reached))
    findings.append(_clock(reached.headers))
    if keys.management_key and not known.upstreams:
        findings.append(await _management_key(services))
    for upstream in known.upstreams:
        own = replace(services, client=upstream)
        found = await _management_key(own)
        findings.append(replace(found, test=f"{found.test} of {own.project}"))
    return findings


@dataclass(frozen=True, slots=True)
class _Callers:
    """What the file says of who may call over HTTP: findings, and ways to Descope of its own."""

    findings: tuple[Finding, ...] = ()
    upstreams: tuple[Client, ...] = ()


async def _callers(services: Services, file: Path | None) -> _Callers:
    """Whether the file that says who may call can be used, and its issuers be reached."""
    if file is None:
        return _Callers()
    # What reads it is loaded only where there is one.
    from descope_mcp.server.auth import configuration
    from descope_mcp.server.auth.resource_server import ResourceServer

    try:
        written = configuration.read(file)
    except configuration.ConfigurationError as error:
        found = "; ".join(str(error).splitlines())
        return _Callers(
            (Finding("callers", False, found, "Correct the file; docs/auth.md describes it."),)
        )
    guard = ResourceServer(written, services)
    upstreams = tuple(guard.rights.clients) if written.upstreams else ()
    if faults := await guard.warnings(services.policy.rules):
        remedy = "Nobody is let in by an issuer whose keys are missing; correct what is named."
        return _Callers((Finding("callers", False, "; ".join(faults), remedy),), upstreams)
    names = [*(issuer.name for issuer in written.issuers), configuration.MACHINES]
    said = f"{file}: of {', '.join(names)}; this server is {written.origin}"
    return _Callers((Finding("callers", True, said),), upstreams)


def _notices(file: Path | None) -> Iterator[Finding]:
    """Whether people can be told of requests, as the file says; nothing is sent to anybody."""
    if file is None:
        return
    from descope_mcp.notices import configuration

    try:
        channels = configuration.read(file)
    except configuration.ConfigurationError as error:
        found = "; ".join(str(error).splitlines())
        remedy = "Correct what is named; docs/approvals.md describes the file. Nothing starts so."
        yield Finding("notices", False, found, remedy)
    else:
        names = ", ".join(channel.name for channel in channels)
        yield Finding("notices", True, f"{file}: {names}; nothing was sent to try them")


def _settings(origins: Mapping[str, str]) -> Finding:
    """Where each value came from; the rest has its default."""
    said = [f"{name} from {origin}" for name, origin in origins.items()]
    return Finding("settings", True, "; ".join(said) or "none set; all have their defaults")


def _project(keys: Credentials, policy: Policy) -> Finding:
    if keys.project_id:
        mark = " (production)" if policy.is_production(keys.project_id) else ""
        return Finding("project", True, f"{keys.project_id}{mark}")
    if keys.management_key:
        return Finding("project", True, "not set; the management key is taken as company-wide")
    return Finding(
        "project", False, "not set", "Set DESCOPE_PROJECT_ID (Descope console, Project)."
    )


def _state(store: Store) -> Iterator[Finding]:
    """Whether the journal can be kept, and what it knows of calls that were left in the middle."""
    kept = _kept(store)
    yield kept
    if kept.ok and not store.is_new and (found := unsettled.left(store)):
        yield _left(found)


def _left(found: Sequence[Entry]) -> Finding:
    """What a process that is no more has begun; nothing is wrong now, but somebody has to look."""
    named = [f"{entry.operation} {entry.call[:8]}" for entry in found[:_NAMED]]
    more = [f"{len(found) - _NAMED} more"] if len(found) > _NAMED else []
    see = shell_quoting.command("journal", "show", found[0].call[:8])
    said = f"{len(found)} of unknown outcome in the last days: {', '.join(named + more)}"
    return Finding("calls", True, said, f"`{see}` names the read that tells.")


def _kept(store: Store) -> Finding:
    """Whether the journal can be kept; nothing that changes anything runs without it."""
    if found := store.fault():
        setting = store.setting[0]
        remedy = f"Correct it, or name other places: {setting}, DESCOPE_MCP_KEY_FILE."
        return Finding("state", False, found, remedy)
    if full := _full(store.directory):
        return Finding("state", False, full, "Make room, or name another place: DESCOPE_MCP_STATE.")
    try:
        if store.is_new:
            return Finding("state", True, f"{store.name}, made by the first change")
        _, _, problems = hash_chain.problems(store)
    except StoreError as error:
        return Finding(
            "state", False, str(error), "Correct what is named, or restore it from a copy."
        )
    if problems:
        remedy = "Find out who did it; then accept it in a terminal: `descope-mcp journal accept`."
        return Finding("state", False, f"{store.name}: {'; '.join(problems)}", remedy)
    return Finding("state", True, store.name)


def _full(directory: Path) -> str:
    """That the disk of a directory, or of the one it will be made in, has no room; else ""."""
    there = next(place for place in (directory, *directory.parents) if place.is_dir())
    free = shutil.disk_usage(there).free
    return "" if free >= _ROOM else f"{directory}: its disk is full ({free >> 10} KiB are left)"


def _reachability(base_url: str, reached: Reached) -> Finding:
    if reached.oddity:
        remedy = "Sign in to the network, or correct DESCOPE_BASE_URL, HTTPS_PROXY or NO_PROXY."
        return Finding("reachability", False, f"{base_url}: {reached.oddity}", remedy)
    return Finding("reachability", True, f"{base_url} answers, reached {reached.way}")


def _clock(headers: Mapping[str, str]) -> Finding:
    try:
        theirs = email.utils.parsedate_to_datetime(headers.get("date", "")).timestamp()
    except (ValueError, TypeError, OverflowError):
        return Finding("clock", True, "the service does not tell the time")
    off = abs(time.time() - theirs)
    if off <= _CLOCK_SECONDS:
        return Finding("clock", True, f"{off:.0f} s off")
    return Finding("clock", False, f"{off:.0f} s off", "Set this machine's clock (NTP).")


async def _management_key(services: Services) -> Finding:
    """A read with the management key that costs little and every key may do."""
    operation = services.catalog["LoadAllPermissions"]
    try:
        await services.client.run(operation, {}, call_id="doctor", repeatable=True)
    except MissingCredential as error:
        return Finding("management key", False, "not set", error.remedy)
    except ApiFailure as error:
        return Finding("management key", False, error.message, error.remedy)
    return Finding("management key", True, "accepted")
