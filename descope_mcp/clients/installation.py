"""Putting an entry into a client's configuration, trying it, taking it out.

Each step says what it found and did, or raises and has left the configuration as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from descope_mcp.clients import own_command, places
from descope_mcp.clients.client import Client, Scope
from descope_mcp.clients.configuration_file import ConfigurationFile, of_client
from descope_mcp.clients.difference import alone, difference
from descope_mcp.clients.earlier_entry import is_ours, kept, ours
from descope_mcp.clients.errors import ClientError
from descope_mcp.clients.handshake import Handshake, shaken
from descope_mcp.clients.places import Machine
from descope_mcp.clients.server_entry import ServerEntry, in_words_of, others_of, read_back
from descope_mcp.guard.question import shell_quoting


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
        return of_client(self.client, path)

    @property
    def directory(self) -> Path:
        """Where the client would start a server."""
        return self.machine.project if self.scope == "project" else self.machine.home


@dataclass(frozen=True, slots=True)
class Change:
    """What a file holds and would hold: `difference` shows the entry without its secrets."""

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
        ClientError: the configuration cannot be read, is malformed, or has an entry of that name
            that is not of this server.
    """
    file = target.file
    client = file.client
    found = file.entry(entry.name)
    if found is not None:
        entry = kept(ours(client, file.path, entry.name, found), entry)
    words = {**others_of(client, found), **in_words_of(client, entry)}
    if found is not None and found == words:
        # Also where the file is laid out otherwise than we would.
        content = file.content()
        return Change(file, entry, content, content or b"", "")
    before, after = file.with_entry(entry.name, words)
    shown = difference(client, file.path, entry.name, found, words)
    return Change(file, entry, before, after, shown)


def installed(target: Target, change: Change) -> Installed:
    """Make the change, start the entry as the file has it, and put the file back if it fails.

    What the file was before this server came into it is kept as a copy.

    Raises:
        ClientError: it could not be written, or does not answer.
    """
    file, name = change.file, change.entry.name
    if change.is_none:
        return Installed(_started(target, name), "was there already", file.copy())
    was_there = file.entry(name) is not None
    copy = file.copy() if was_there else file.keep_copy()
    written: bytes | None = None
    try:
        by = _added_by_own_command(target, change)
        if by is None:
            file.write(change.before, change.after)
        written = file.content()
        handshake = _started(target, name)
    except (ClientError, KeyboardInterrupt) as error:
        if written is None and file.content() == change.after:
            # Ctrl-C came just behind the writing.
            written = change.after
        if written is not None:
            file.put_back(name, change.before, written)
        if not was_there and file.content() == change.before:
            file.drop_copy()
        if written is None or isinstance(error, KeyboardInterrupt):
            raise
        raise ClientError(f"{error} ({file.path} is as it was before)") from None
    return Installed(handshake, by or "written", copy)


def tried(target: Target, name: str) -> Handshake:
    """Start the entry as the file has it.

    Raises:
        ClientError: there is none, it is of another server, or it does not answer.
    """
    file = target.file
    found = file.entry(name)
    if found is not None:
        ours(file.client, file.path, name, found)
    return _started(target, name)


def has(target: Target, name: str) -> bool:
    """Whether the configuration has an entry of that name that is of this server.

    Raises:
        ClientError: the configuration cannot be read, or is malformed.
    """
    if target.scope == "project" and not target.client.project:
        return False
    file = target.file
    found = file.entry(name)
    try:
        return is_ours(read_back(file.client, name, found))
    except ClientError:
        return False


def removal(target: Target, name: str) -> Change:
    """What taking the entry out would change.

    Raises:
        ClientError: the configuration cannot be read, is malformed, or has an entry of that name
            that is not of this server.
    """
    file = target.file
    client = file.client
    found = file.entry(name)
    if found is None:
        content = file.content()
        return Change(file, ServerEntry(name, ""), content, content or b"", "")
    entry = ours(client, file.path, name, found)
    before, after = file.without_entry(name)
    return Change(file, entry, before, after, difference(client, file.path, name, found, None))


def removed(target: Target, change: Change) -> str:
    """Take the entry out, and with it the copy of what the file was before it; how.

    Raises:
        ClientError: it could not be written.
    """
    file, entry, command = change.file, change.entry, target.client.command
    by = None
    if command and command.remove:
        line = own_command.removing(command, target.scope, entry)
        if _ran(target, change, [line], lambda: file.entry(entry.name) is None):
            by = f"{command.program} {' '.join(command.remove[:2])}"
    if by is None:
        file.write(change.before, change.after)
    file.drop_copy()
    return by or "written"


def snippet(target: Target, entry: ServerEntry) -> str:
    """The entry as it would stand in a file of its own, to be pasted."""
    client = target.file.client
    return alone(client, entry.name, in_words_of(client, entry))


def _started(target: Target, name: str) -> Handshake:
    file = target.file
    found = file.entry(name)
    if found is None:
        again = shell_quoting.command("install", target.client.name)
        raise ClientError(f"{file.path} has no entry {name}; put it there: `{again}`")
    return shaken(read_back(file.client, name, found), target.directory)


def _added_by_own_command(target: Target, change: Change) -> str | None:
    """Let the client's own command do it; None if it has none, or does not do it well.

    Variables are no arguments that other accounts of this machine should see, and what somebody
    added to an entry it would drop: for these the file itself is edited.
    """
    client, entry, file = change.file.client, change.entry, change.file
    command, found = client.command, file.entry(entry.name)
    if command is None or entry.env or others_of(client, found):
        return None
    lines = [own_command.adding(client, command, target.scope, entry)]
    if found is not None and command.remove:
        lines.insert(0, own_command.removing(command, target.scope, entry))
    if _ran(
        target,
        change,
        lines,
        lambda: read_back(client, entry.name, file.entry(entry.name)) == entry,
    ):
        return f"{command.program} {' '.join(command.add[:2])}"
    return None


def _ran(
    target: Target, change: Change, lines: Sequence[Sequence[str]], is_so: Callable[[], bool]
) -> bool:
    """Run the client's own command, line by line; whether it is so then.

    Else the file is put back, also when somebody interrupts it. Some lose comments.
    """
    program = places.own_program(target.client, target.scope, target.machine)
    if program is None:
        return False
    file, done = change.file, False
    try:
        for line in lines:
            own_command.ran(program, line, target.directory)
        done = is_so() and not file.lost_a_comment(change.before)
    except ClientError:
        pass
    finally:
        if not done:
            file.put_back(change.entry.name, change.before, file.content())
    return done
