"""Speaking with a person in the terminal itself: a pipe is no person, and neither is a flag."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, TextIO

from descope_mcp.cli.asking.errors import NoTerminal, NotProven
from descope_mcp.guard.question.question_data import Disclosure
from descope_mcp.guard.question.renderers import terminal as renderer
from descope_mcp.store.store import Store

if TYPE_CHECKING:
    from descope_mcp.store.consent.second_factor import Checked

_TERMINAL = Path("/dev/tty")
#: So often a name may be typed, and so many lines the prompt and what is around it take.
_TRIES, _PROMPT_LINES = 3, 4
_DIGITS = "The six digits (or a recovery code) of your authenticator: "


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
        raise NoTerminal("there is no terminal to ask in; run the command in one") from None


def hidden(prompt: str) -> str:
    """What the person types after the prompt, which the terminal does not show.

    Raises:
        NoTerminal: nobody can be asked.
    """
    import termios

    try:
        with _TERMINAL.open("rb", buffering=0) as keys:
            shown = termios.tcgetattr(keys.fileno())
            unseen = [*shown[:3], shown[3] & ~termios.ECHO, *shown[4:]]
            termios.tcsetattr(keys.fileno(), termios.TCSAFLUSH, unseen)
            try:
                return ask("", prompt)
            finally:
                termios.tcsetattr(keys.fileno(), termios.TCSAFLUSH, shown)
                with screen() as opened:
                    opened.write("\n")
    except OSError:
        raise NoTerminal("there is no terminal to ask in; run the command in one") from None


def question(said: Disclosure, act: str, more: str = "") -> bool:
    """Ask a question of the guard; whether the answer is a yes.

    Args:
        said: what the person is told.
        act: what a yes does, for the prompt ("run it").
        more: a line below it, on where there is more to read.

    A name that is mistyped is asked for again, three times in all. An empty line, the end of the
    input and "no" are a no.

    Raises:
        NoTerminal: nobody can be asked.
    """
    columns, rows = shutil.get_terminal_size()
    text = renderer.screen(said, width=columns, colours=_colours())
    text = f"{text}\n{more}" if more else text
    if text.count("\n") + _PROMPT_LINES > rows:
        text = f"{text}\n\n{renderer.again(said, width=columns)}"
    if not said.typed:
        return ask(text, f"{act.capitalize()}? Type yes: ").lower() == "yes"
    for _ in range(_TRIES):
        answer = ask(text, f"Type {said.typed} to {act}: ")
        if answer == said.typed:
            return True
        if answer.lower() in ("", "n", "no"):
            return False
        text = f"That is not {said.typed}."
    return False


def _colours() -> bool:
    return "NO_COLOR" not in os.environ and os.environ.get("TERM", "dumb") != "dumb"


def entered() -> bool:
    """Wait until the person presses Enter; False if their input has ended. Not stopped by signals.

    Raises:
        NoTerminal: nobody is there.
    """
    try:
        with _TERMINAL.open("rb", buffering=0) as keys:
            return bool(keys.readline())
    except OSError:
        raise NoTerminal("there is no terminal to read from; run the command in one") from None


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
        raise NoTerminal("there is no terminal to show it in; run the command in one") from None


def digits(store: Store) -> str:
    """The six digits (or a recovery code) that the person types, "" if none are needed.

    Raises:
        NoTerminal: nobody can be asked.
    """
    from descope_mcp.store.consent import second_factor as factor

    return ask("", _DIGITS) if factor.enrolled(store) else ""


def second_factor(store: Store) -> None:
    """Ask for the six digits, if a second factor is enrolled, and use them.

    Raises:
        NotProven: they are wrong, or none count for now.
        NoTerminal: nobody can be asked.
    """
    from descope_mcp.store.consent import second_factor as factor

    if factor.enrolled(store):
        _prove(partial(factor.check, store))


def used_up(recovery: int | None) -> None:
    """Tell a person that a recovery code is used up, if one is, and how many are left."""
    if recovery is not None:
        with screen() as opened:
            opened.write(f"That recovery code is used up; {recovery} are left.\n")


def remembered_factor(store: Store) -> None:
    """The same, by what is remembered beside the key: for a store that is not as it was left.

    Raises:
        NotProven: they are wrong, or none count for now.
        NoTerminal: nobody can be asked.
    """
    from descope_mcp.store.consent import second_factor as factor

    if factor.remembered(store):
        _prove(partial(factor.check_remembered, store))


def account() -> str:
    """Whose account of this machine this is, for the journal and for counting who said yes.

    By the id that the process runs under: LOGNAME and USER are whatever somebody sets them to.
    """
    getuid = getattr(os, "getuid", None)
    if getuid is not None:
        import pwd

        try:
            return pwd.getpwuid(getuid()).pw_name
        except KeyError:
            return f"uid {getuid()}"
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _prove(check: Callable[[str], Checked]) -> None:
    checked = check(ask("", _DIGITS))
    if checked.result != "right":
        raise NotProven(checked.said)
    used_up(checked.recovery)


def _forget_what_was_typed(terminal: int) -> None:
    import termios

    termios.tcflush(terminal, termios.TCIFLUSH)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let a signal that ends the process in order end what blocks at once.

    The handlers that an event loop has would only take note of it.
    """
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def ended(number: int, frame: FrameType | None) -> None:
        noted = before[signal.Signals(number)]
        if callable(noted):
            noted(number, frame)
        raise KeyboardInterrupt

    for number, handler in before.items():
        # Where nothing is in order, SIGTERM ends the process by itself.
        if number == signal.SIGINT or callable(handler):
            signal.signal(number, ended)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
