"""Examples below the help of every command, from ``examples.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import click


@cache
def examples() -> dict[str, list[str]]:
    """Command lines by the command's words, ``approvals list``."""
    text = Path(__file__).with_name("examples.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def attach(command: click.Command, words: Sequence[str]) -> None:
    """Let the help of `command` and of those below it end with their examples."""
    for path, one in commands(command, words):
        if lines := examples().get(" ".join(path)):
            # \b: as it stands, without wrapping.
            one.epilog = "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])


def commands(
    command: click.Command, words: Sequence[str] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """`command` and all below it that can be run, each with its words."""
    path = tuple(words)
    if not isinstance(command, click.Group):
        yield path, command
        return
    if command.invoke_without_command and path:
        yield path, command
    context = click.Context(command)
    for name in command.list_commands(context):
        below = command.get_command(context, name)
        if below is not None:
            yield from commands(below, (*path, name))
