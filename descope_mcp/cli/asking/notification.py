"""Telling a person at this machine that something waits: a bell, and a desktop notification."""

from __future__ import annotations

import html
import os
import shutil
import subprocess
import sys

from descope_mcp.cli.asking import terminal

_SECONDS = 5
_TITLE = "Descope: a person is asked"


def notify(text: str) -> None:
    """Ring the bell of the terminal and show `text` on the desktop, where there is one.

    Raises:
        NoTerminal: there is no terminal.
    """
    with terminal.screen() as screen:
        screen.write("\a")
    command = _command(text)
    if command:
        quiet = subprocess.DEVNULL
        try:
            subprocess.run(  # noqa: S603 - one of two programs; the text is an argument
                command, stdin=quiet, stdout=quiet, stderr=quiet, timeout=_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            # A desktop that does not answer keeps nobody from being asked in the terminal.
            return


def _command(text: str) -> list[str]:
    """What shows a notification here, [] where nothing does. The text is no part of a program."""
    if sys.platform == "darwin" and shutil.which("osascript"):
        shows = "display notification (item 2 of argv) with title (item 1 of argv)"
        script = f"on run argv\n{shows}\nend"
        return ["osascript", "-e", script, _TITLE, text]
    desktop = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
    if desktop and shutil.which("notify-send"):
        # The body is markup there (Desktop Notifications Specification, Markup).
        return ["notify-send", "--app-name=descope-mcp", "--", _TITLE, html.escape(text)]
    return []
