"""`descope-mcp secrets`: what was sealed in answers, for the person who may see it."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import NoReturn, TextIO

import click

from descope_mcp import settings
from descope_mcp.cli import options, wiring
from descope_mcp.cli.asking import terminal
from descope_mcp.cli.asking.errors import NotProven
from descope_mcp.cli.display import output, tables
from descope_mcp.cli.display.times import shown
from descope_mcp.cli.main import FAILED, REFUSED
from descope_mcp.cli.new_files import new_file
from descope_mcp.guard import reveal
from descope_mcp.guard.decide import Decider, NotDecided
from descope_mcp.guard.question.quoting import quoted
from descope_mcp.store.errors import StoreError
from descope_mcp.store.secrets import sealed
from descope_mcp.store.store import Store

#: Seconds for a command that takes a secret. The store waits for it.
_PATIENCE = 30


@click.group("secrets")
def command() -> None:
    """List, reveal, save, send or forget the secrets kept in place of [sealed:...]."""


@command.command("list")
@options.as_json
def list_(as_json: bool) -> None:
    """Print what is kept, the oldest first; never a value."""
    with _store() as store:
        found = sealed.kept(store)
    if as_json:
        for secret in found:
            output.row(asdict(secret))
        return
    tables.show(
        ("handle", "operation", "field", "project", "age", "until"),
        ((_line(secret), _cells(secret)) for secret in found),
        nothing="Nothing is kept.",
    )


@command.command("reveal")
@click.argument("handle")
@options.json_lines
def reveal_(handle: str) -> None:
    """Show one secret in the terminal, once, and delete it.

    Exit codes: 0 shown, 1 there is none, 3 no terminal or no yes.
    """
    with _store() as store:
        secret = _find(store, handle)
        _agreed(secret, "It is shown once and then deleted", "Show it?")
        code = terminal.digits(store)
        with (
            _to_be_had(),
            reveal.revealed(store, secret, _decider(), code) as seen,
            terminal.screen() as screen,
        ):
            screen.write(f"{_harmless(seen.value)}\n")
    terminal.used_up(seen.recovery)


@command.command("save")
@click.argument("handle")
@click.argument("file", type=click.Path(path_type=Path))
@options.json_lines
def save(handle: str, file: Path) -> None:
    """Write one secret into a new file that only you can read, unseen, and delete it here.

    FILE must not exist, not as a link either. A person has to agree in the terminal. Exit codes: 0
    written, 1 there is no such secret or the file cannot be made, 3 no terminal or no yes.
    """
    place = Path.cwd() / file
    with _store() as store:
        secret = _find(store, handle)
        text = (
            f"It is written to {quoted(str(place))}, readable by you alone, and deleted here.\n"
            "An agent that works under your account can read that file, too"
        )
        _agreed(secret, text, "Write it?")
        code = terminal.digits(store)
        with (
            _new_file(place, store, secret.handle) as opened,
            _to_be_had(),
            reveal.revealed(store, secret, _decider(), code, act="saved", place=str(place)) as seen,
        ):
            opened.write(seen.value)
            opened.flush()
            os.fsync(opened.fileno())
    terminal.used_up(seen.recovery)
    output.said(f"Written to {place}.", handle=secret.handle, file=str(place))


@command.command("send")
@click.argument("handle")
@options.json_lines
def send(handle: str) -> None:
    """Give one secret to a command that you type in the terminal, unseen, and delete it here.

    The command gets it on standard input, as it is and without a line break; what it prints goes to
    the terminal alone. It runs without a shell. If it fails, the secret is kept. Exit codes: 0 the
    command has it, 1 there is no such secret or the command failed, 3 no terminal or no yes.
    """
    with _store() as store:
        secret = _find(store, handle)
        typed = terminal.ask(_about(secret), "The command that takes it on standard input: ")
        words = _words(typed)
        text = f"The command {quoted(shlex.join(words))} gets it, and it is deleted here"
        _agreed(secret, text, "Send it?")
        code = terminal.digits(store)
        name = Path(words[0]).name
        with (
            _to_be_had(),
            reveal.revealed(store, secret, _decider(), code, act="passed on", place=name) as seen,
        ):
            _run(words, seen.value)
    terminal.used_up(seen.recovery)
    output.said(f"{name} has it.", handle=secret.handle, command=name)


@command.command("forget")
@click.argument("handle")
@options.json_lines
def forget(handle: str) -> None:
    """Delete one secret without showing it.

    Exit codes: 0 deleted, 1 there is none.
    """
    with _store() as store:
        secret = _find(store, handle)
        if not reveal.forget(store, secret, _decider()):
            _missing()
    output.said("Forgotten.", handle=handle)


def _agreed(secret: sealed.Kept, text: str, prompt: str) -> None:
    """Go on only after a person's yes in the terminal."""
    said = f"{_about(secret)}\n{text}; its handle opens nothing any more."
    if terminal.ask(said, f"{prompt} Type yes: ").lower() != "yes":
        output.problem("nothing was done; the secret is still kept", kind="declined")
        sys.exit(REFUSED)


def _about(secret: sealed.Kept) -> str:
    project = secret.project or "not set"
    return f"{secret.handle}: {secret.field} of {secret.operation}, project {project}."


@contextmanager
def _to_be_had() -> Iterator[None]:
    """Say so if the secret is gone, or the person's digits do not count."""
    try:
        yield
    except NotDecided as error:
        raise NotProven(str(error)) from None
    except LookupError:
        _missing()


@contextmanager
def _new_file(place: Path, store: Store, handle: str) -> Iterator[TextIO]:
    """A file that was not there; what is in it stays if nothing else has the secret any more."""

    def stays() -> bool:
        # Whatever failed, or was broken off: the store knows whether the deletion came first.
        if _still_kept(store, handle):
            return False
        output.note(f"the file {place} has the secret, which is no longer kept here")
        return True

    try:
        with new_file(place, stays=stays) as opened:
            yield opened
    except click.ClickException as error:
        output.problem(f"{error.message}; the secret is still kept")
        sys.exit(FAILED)


def _still_kept(store: Store, handle: str) -> bool:
    """Whether it surely is."""
    try:
        return reveal.find(store, handle) is not None
    except StoreError:
        return False


def _words(typed: str) -> list[str]:
    try:
        words = shlex.split(typed)
    except ValueError as error:
        raise click.UsageError(f"the command cannot be read: {error}") from None
    if not words:
        output.problem("nothing was done; the secret is still kept", kind="declined")
        sys.exit(REFUSED)
    return words


def _run(words: list[str], value: str) -> None:
    """Run a command that reads `value`, with the terminal and nothing else to print to."""
    with terminal.screen() as screen:
        try:
            done = subprocess.run(  # noqa: S603 - a person has typed it, for this
                words,
                input=value.encode(),
                stdout=screen,
                stderr=screen,
                timeout=_PATIENCE,
                check=False,
            )
            why = f"it ended with {done.returncode}" if done.returncode else ""
        except OSError as error:
            why = error.strerror or type(error).__name__
        except subprocess.TimeoutExpired:
            why = f"it did not end within {_PATIENCE} seconds"
    if why:
        output.problem(
            f"`{Path(words[0]).name}` did not take it ({why}); the secret is still kept.",
            "Try the command by itself first.",
        )
        sys.exit(FAILED)


def _decider() -> Decider:
    return Decider(terminal.account(), "terminal")


def _store() -> closing[Store]:
    return closing(wiring.store(settings.load()))


def _find(store: Store, handle: str) -> sealed.Kept:
    """The secret of a handle that is still there; brackets and name may be left out."""
    return reveal.find(store, handle) or _missing()


def _missing() -> NoReturn:
    output.problem(
        "nothing is kept under this handle; see `descope-mcp secrets list`", kind="unknown_name"
    )
    sys.exit(FAILED)


def _harmless(value: str) -> str:
    """A value as it is, in JSON if it could tell the terminal to do something."""
    return value if value.replace("\n", "").isprintable() else json.dumps(value)


def _line(secret: sealed.Kept) -> str:
    return f"{secret.handle}  {secret.operation} {secret.field}  {_when(secret)}"


def _cells(secret: sealed.Kept) -> tuple[str, ...]:
    until = "revealed or forgotten" if secret.expires is None else tables.age(secret.expires)
    if secret.revealed is not None:
        until = f"revealed, {tables.age(secret.revealed)}"
    age = tables.age(secret.created)
    return secret.handle, secret.operation, secret.field, secret.project, age, until


def _when(secret: sealed.Kept) -> str:
    if secret.revealed is not None:
        return f"revealed {shown(secret.revealed)}"
    end = "until revealed or forgotten"
    if secret.expires is not None:
        end = f"to {shown(secret.expires)}"
    return f"from {shown(secret.created)} {end}"
