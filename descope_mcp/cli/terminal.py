"""Speaking with a person in the terminal itself: a pipe is no person, and neither is a flag."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TextIO

from descope_mcp.cli.errors import NoTerminal, NotProven
from descope_mcp.store.consent import second_factor as factor
from descope_mcp.store.store import Store

_TERMINAL = Path("/dev/tty")


def ask(text: str, prompt: str) -> str:
    """Show `text`, then what the person types after `prompt`, in one line.

    Blocks. What was typed before the prompt stood there is no answer to it. Ctrl-C ends it.

    Raises:
        NoTerminal: nobody can be asked.
    """
    try:
        with (
            _interruptible(),
            _TERMINAL.open("w", encoding="utf-8") as screen,
            _TERMINAL.open("rb") as keys,
        ):
            _forget_what_was_typed(keys.fileno())
            screen.write(f"{text}\n\n{prompt}" if text else prompt)
            screen.flush()
            return keys.readline().decode(errors="replace").strip()
    except OSError:
        raise NoTerminal("there is no terminal to ask in") from None


@contextmanager
def screen() -> Iterator[TextIO]:
    """The terminal to write to; what is written there goes nowhere else.

    Raises:
        NoTerminal: there is none.
    """
    try:
        with _TERMINAL.open("w", encoding="utf-8") as opened:
            yield opened
    except OSError:
        raise NoTerminal("there is no terminal to show it in") from None


def second_factor(store: Store) -> None:
    """Ask for the six digits, if a second factor is enrolled.

    Raises:
        NotProven: they are wrong, or none count for now.
        NoTerminal: nobody can be asked.
    """
    if factor.enrolled(store):
        _prove(partial(factor.check, store))


def remembered_factor(store: Store) -> None:
    """The same, by what is remembered beside the key: for a store that is not as it was left.

    Raises:
        NotProven: they are wrong, or none count for now.
        NoTerminal: nobody can be asked.
    """
    if factor.remembered(store):
        _prove(partial(factor.check_remembered, store))


def _prove(check: Callable[[str], factor.Checked]) -> None:
    checked = check(ask("", "The six digits (or a recovery code) of your authenticator: "))
    if checked.result != "right":
        raise NotProven(checked.said)
    if checked.recovery is not None:
        with screen() as opened:
            opened.write(f"That recovery code is used up; {checked.recovery} are left.\n")


def _forget_what_was_typed(terminal: int) -> None:
    import termios

    termios.tcflush(terminal, termios.TCIFLUSH)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C end what blocks at once; asyncio would only take note of it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
