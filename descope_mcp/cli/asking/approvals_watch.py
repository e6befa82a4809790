"""Requests as they come: shown in a line each, and answered by their numbers."""

from __future__ import annotations

import select
import time
from collections.abc import Callable
from pathlib import Path

from descope_mcp.cli.asking.errors import NoTerminal
from descope_mcp.cli.asking.notification import notify
from descope_mcp.store.consent import approvals
from descope_mcp.store.consent.request import Request
from descope_mcp.store.store import Store

_TERMINAL = Path("/dev/tty")
#: Seconds after which it is seen whether the store has changed.
_EVERY = 1.0
#: Seconds after which it is looked into in any case: a pooler may keep what it tells to itself.
_AT_LEAST = 10.0


def watch(store: Store, line: Callable[[Request], str], answer: Callable[[int], None]) -> None:
    """Show what waits and what comes, until the person types q or the input ends.

    Args:
        store: where requests are.
        line: a request in one line.
        answer: puts the question of a request, by its number.

    Raises:
        NoTerminal: nobody is there.
    """
    known: set[int] = set()
    try:
        with (
            _TERMINAL.open("w", encoding="utf-8") as screen,
            _TERMINAL.open("rb", buffering=0) as keys,
            store.changes() as changed,
        ):
            screen.write("Waiting for requests. Type a number to answer one, q to end.\n")
            look, looked = True, 0.0
            while True:
                if look or time.monotonic() > looked + _AT_LEAST:
                    known, looked = _show_new(store, known, line, screen.write), time.monotonic()
                screen.flush()
                if not select.select([keys], [], [], _EVERY)[0]:
                    look = changed(0.0)
                    continue
                look = True
                typed = keys.readline().decode(errors="replace")
                if not typed or typed.strip().lower() in ("q", "quit", "exit"):
                    return
                if typed.strip().isdecimal():
                    answer(int(typed))
                elif typed.strip():
                    screen.write("Type a number, or q.\n")
    except OSError:
        raise NoTerminal("there is no terminal to watch in; run the command in one") from None


def _show_new(
    store: Store, known: set[int], line: Callable[[Request], str], write: Callable[[str], object]
) -> set[int]:
    """Write the requests that were not there before; the numbers of all that wait."""
    waiting = {request.number: request for request in approvals.requests(store, pending=True)}
    new = [waiting[number] for number in sorted(waiting.keys() - known)]
    for request in new:
        write(f"{line(request)}\n")
    if new:
        more = f" and {len(new) - 1} more" if len(new) > 1 else ""
        notify(f"{line(new[0])}{more}")
    return set(waiting)
