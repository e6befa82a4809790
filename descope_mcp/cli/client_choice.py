"""Which clients a command is about: those named, or those that a person picks of what is here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click

from descope_mcp.cli.asking import terminal
from descope_mcp.cli.asking.errors import NoTerminal
from descope_mcp.cli.display import output
from descope_mcp.cli.main import FAILED
from descope_mcp.clients import installation, places
from descope_mcp.clients.client import Scope, known
from descope_mcp.clients.errors import ClientError
from descope_mcp.clients.handshake import Handshake
from descope_mcp.clients.installation import Target
from descope_mcp.clients.places import Machine
from descope_mcp.server.surface import token_cost

clients = click.argument(
    "names", nargs=-1, metavar="[CLIENT...]", type=click.Choice(list(known()), case_sensitive=False)
)
project = click.option(
    "--project", is_flag=True, help="For the project in this directory, not for you everywhere."
)


@dataclass(frozen=True, slots=True)
class Told:
    """What was done with one client: a line for a person, facts for a script, and lines below."""

    line: str
    facts: dict[str, object]
    below: tuple[str, ...] = ()


def targets(names: tuple[str, ...], *, project: bool) -> list[Target]:
    """The configurations of the clients named, or of those that a person picks.

    Raises:
        NoTerminal: none are named, and nobody can be asked.
        ClickException: none are named, and none are here.
    """
    machine = Machine()
    if names:
        return [Target(known()[name], _scope(project), machine) for name in names]
    here = [name for name, client in known().items() if places.is_installed(client, machine)]
    if not here:
        raise click.ClickException(
            f"no client was found on this machine; name one: {', '.join(known())}"
        )
    picked = _picked(here)
    if not picked:
        return []
    if not project and any(known()[name].project for name in picked):
        answer = _asked(f"For you everywhere, or for the project in {machine.project}?", _WHERE)
        project = answer.lower().startswith("p")
    return [Target(known()[name], _scope(project), machine) for name in picked]


def with_entry(names: tuple[str, ...], entry: str, *, project: bool) -> list[Target]:
    """The configurations that have the entry: the user's and the project's, or only the latter.

    Where clients are named, theirs are meant whether they have it or not.
    """
    machine = Machine()
    scopes: tuple[Scope, ...] = ("project",) if project else ("user", "project")
    found: dict[Path | None, Target] = {}
    for name in names or known():
        own = [Target(known()[name], scope, machine) for scope in scopes]
        have = [target for target in own if _has(target, entry)]
        for target in have or (own[:1] if names else []):
            # In the home directory a client's two files are often one.
            path = places.configuration(target.client, target.scope, machine)
            found.setdefault(path, target)
    return list(found.values())


def each(targets: list[Target], do: Callable[[Target], Told]) -> int:
    """Do it with each and tell what came of it; the exit code. One that fails ends no other."""
    code = 0
    for target in targets:
        about = {"client": target.client.name, "scope": target.scope}
        try:
            told = do(target)
        except ClientError as error:
            code = FAILED
            if output.as_json():
                output.problem(str(error), kind="client", **about)
            else:
                click.echo(
                    f"{target.client.title}: failed\n  {output.sentence(str(error))}", err=True
                )
            continue
        if output.as_json():
            output.row({**about, **told.facts})
        else:
            lines = [f"{target.client.title}: {told.line}", *(f"  {line}" for line in told.below)]
            click.echo("\n".join(lines))
    return code


def answered(handshake: Handshake) -> tuple[str, dict[str, object], list[str]]:
    """What a tried entry answered: in words, as facts, and what it said besides."""
    cost = token_cost.listed(handshake.tools)
    about = "" if token_cost.exact() else "about "
    facts = {
        "server": handshake.version,
        "protocol": handshake.protocol,
        "tools": len(handshake.tools),
        "tokens": cost,
        "notes": list(handshake.notes),
    }
    said = [f"The server says: {note}" for note in handshake.notes]
    return f"{len(handshake.tools)} tools, {about}{cost:,} tokens", facts, said


_WHICH = "Which? Numbers or names, with commas, or all: "
_WHERE = "Type user or project: "


def _picked(here: list[str]) -> list[str]:
    lines = [f"{number}  {known()[name].title}" for number, name in enumerate(here, 1)]
    text = "\n".join(["Found on this machine:", "", *lines])
    while True:
        words = _asked(text, _WHICH).replace(",", " ").lower().split()
        if words == ["all"]:
            return here
        picked = [
            here[int(word) - 1] if word.isdigit() and 0 < int(word) <= len(here) else word
            for word in words
        ]
        if unknown := [word for word in picked if word not in known()]:
            text = f"There is no {', '.join(unknown)}."
            continue
        return list(dict.fromkeys(picked))


def _asked(text: str, prompt: str) -> str:
    try:
        return terminal.ask(text, prompt)
    except NoTerminal as error:
        raise NoTerminal(f"{error}; name the clients: {', '.join(known())}") from None


def _scope(project: bool) -> Scope:
    return "project" if project else "user"


def _has(target: Target, entry: str) -> bool:
    try:
        return installation.has(target, entry)
    except ClientError:
        # It is told of when it is looked at.
        return True
