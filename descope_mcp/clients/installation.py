"""Putting an entry into a client's configuration, trying it, taking it out.

Each step says what it found and did, or raises and has left the configuration as it was.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from descope_mcp.clients import own_command, places
from descope_mcp.clients.client import Client, Scope
from descope_mcp.clients.configuration_file import ConfigurationFile
from descope_mcp.clients.errors import ClientError
from descope_mcp.clients.handshake import Handshake, shaken
from descope_mcp.clients.places import Machine
from descope_mcp.clients.server_entry import ServerEntry, in_words_of, others_of, read_back
from descope_mcp.guard.question import shell_quoting
from descope_mcp.settings import CREDENTIALS


@dataclass(frozen=True, slots=True)
class Target:
    """A client's configuration for a scope, on a machine."""

    client: Client
    scope: Scope
    machine: Machine

    @property
    def file(self) -> ConfigurationFile:
        """Where it is.

        Raises:
            ClientError: the client has none for the scope.
        """
        path = places.configuration(self.client, self.scope, self.machine)
        if path is None:
            raise ClientError(
                f"{self.client.title} has no configuration of a project; leave out --project for it"
            )
        return ConfigurationFile(self.client, path)

    @property
    def directory(self) -> Path:
        """Where the client would start a server."""
        return self.machine.project if self.scope == "project" else self.machine.home


@dataclass(frozen=True, slots=True)
class Change:
    """What a file holds and would hold: `difference` shows it without the secrets in it."""

    file: ConfigurationFile
    entry: ServerEntry
    before: bytes | None
    after: bytes
    difference: str

    @property
    def is_none(self) -> bool:
        """Whether the file is already so."""
        return self.before == self.after


@dataclass(frozen=True, slots=True)
class Installed:
    """An entry that was tried: what answered, how it came there, and where what was before is."""

    handshake: Handshake
    by: str
    copy: Path | None


def planned(target: Target, entry: ServerEntry) -> Change:
    """What installing the entry would change. What somebody has added to the entry is kept.

    Raises:
        ClientError: the configuration cannot be read, or is malformed.
    """
    file = target.file
    found = file.entry(entry.name)
    entry = replace(entry, env={**_kept(target.client, entry.name, found), **entry.env})
    words = {**others_of(target.client, found), **in_words_of(target.client, entry)}
    if found is not None and found == words:
        # Also where the file is laid out otherwise than we would.
        before = file.content()
        after = before or b""
    else:
        before, after = file.with_entry(entry.name, words)
    return Change(
        file, entry, before, after, _difference(file, entry.name, before, after, entry.env)
    )


def installed(target: Target, change: Change) -> Installed:
    """Make the change, start the entry as the file has it, and put the file back if it fails.

    Raises:
        ClientError: it could not be written, or does not answer.
    """
    file, name = change.file, change.entry.name
    if change.is_none:
        return Installed(tried(target, name), "was there already", None)
    copy = file.keep_copy()
    by = _by_own_command(target, change)
    if by is None:
        file.write(change.before, change.after)
    written = file.content() or b""
    try:
        handshake = tried(target, name)
    except (ClientError, KeyboardInterrupt) as error:
        file.put_back(name, change.before, written)
        if isinstance(error, KeyboardInterrupt):
            raise
        raise ClientError(f"{error} ({file.path} is as it was before)") from None
    return Installed(handshake, by or "written", copy)


def tried(target: Target, name: str) -> Handshake:
    """Start the entry as the file has it.

    Raises:
        ClientError: there is none, or it does not answer.
    """
    file = target.file
    found = file.entry(name)
    if found is None:
        again = shell_quoting.command("install", target.client.name)
        raise ClientError(f"{file.path} has no entry {name}; put it there: {again}")
    return shaken(read_back(target.client, name, found), target.directory)


def has(target: Target, name: str) -> bool:
    """Whether the configuration has an entry of that name.

    Raises:
        ClientError: the configuration cannot be read, or is malformed.
    """
    if target.scope == "project" and not target.client.project:
        return False
    return target.file.entry(name) is not None


def removal(target: Target, name: str) -> Change:
    """What taking the entry out would change.

    Raises:
        ClientError: the configuration cannot be read, or is malformed.
    """
    file = target.file
    if file.entry(name) is None:
        content = file.content()
        return Change(file, ServerEntry(name, ""), content, content or b"", "")
    before, after = file.without_entry(name)
    return Change(
        file, ServerEntry(name, ""), before, after, _difference(file, name, before, after, {})
    )


def removed(target: Target, change: Change) -> str:
    """Take the entry out; how.

    Raises:
        ClientError: it could not be written.
    """
    file, name, command = change.file, change.entry.name, target.client.command
    file.keep_copy()
    program = places.own_program(target.client, target.scope, target.machine)
    if program and command and command.remove:
        arguments = own_command.removing(command, target.scope, change.entry)
        own_command.ran(program, arguments, target.directory)
        if file.entry(name) is None:
            if not file.lost_a_comment(change.before):
                return f"{command.program} {' '.join(command.remove[:2])}"
            file.write(file.content(), change.before or b"")
    file.write(*file.without_entry(name))
    return "written"


def snippet(target: Target, entry: ServerEntry) -> str:
    """The entry as it would stand in a file of its own, to be pasted."""
    empty = ConfigurationFile(target.client, Path(target.machine.home / "nowhere" / entry.name))
    return empty.with_entry(entry.name, in_words_of(target.client, entry))[1].decode()


def _by_own_command(target: Target, change: Change) -> str | None:
    """Let the client's own command do it; None if it has none, or does not do it well.

    Some lose comments. Variables are no arguments that other accounts of this machine should see,
    and what somebody added to an entry it would drop: for these the file itself is edited.
    """
    client, entry, file = target.client, change.entry, change.file
    program, command = places.own_program(client, target.scope, target.machine), client.command
    found = file.entry(entry.name)
    if program is None or command is None or entry.env or others_of(client, found):
        return None
    if found is not None and command.remove:
        own_command.ran(
            program, own_command.removing(command, target.scope, entry), target.directory
        )
    arguments = own_command.adding(client, command, target.scope, entry)
    own_command.ran(program, arguments, target.directory)
    try:
        done = read_back(client, entry.name, file.entry(entry.name)) == entry
        if done and not file.lost_a_comment(change.before):
            return f"{command.program} {' '.join(command.add[:2])}"
    except ClientError:
        pass
    file.put_back(entry.name, change.before, file.content() or b"")
    return None


def _kept(client: Client, name: str, found: Any) -> Mapping[str, str]:
    """The variables that somebody set in the entry; credentials stay only where asked for."""
    if found is None:
        return {}
    try:
        env = read_back(client, name, found).env
    except ClientError:
        return {}
    return {key: value for key, value in env.items() if key not in CREDENTIALS}


def _difference(
    file: ConfigurationFile,
    name: str,
    before: bytes | None,
    after: bytes,
    env: Mapping[str, str],
) -> str:
    if before == after:
        return ""
    old, new = (before or b"").decode(errors="replace"), after.decode(errors="replace")
    lines = difflib.unified_diff(
        old.splitlines(), new.splitlines(), str(file.path), str(file.path), lineterm="", n=2
    )
    shown = "\n".join(lines)
    hidden = {*file.confidential(name), *(v for k, v in env.items() if k in CREDENTIALS)}
    for secret in sorted(hidden, key=len, reverse=True):
        shown = shown.replace(f'"{secret}"', '"***"').replace(f": {secret}\n", ": ***\n")
    return shown
