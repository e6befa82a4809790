"""Speaking with a person in the terminal itself: a pipe is no person, and neither is a flag."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
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
    if not factor.enrolled(store):
        return
    match factor.check(store, ask("", "The six digits of your authenticator: ")):
        case "wrong":
            raise NotProven("the digits are wrong, or were used before")
        case "locked":
            raise NotProven("too many wrong codes; none counts for five minutes to an hour")


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
