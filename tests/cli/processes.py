"""The command as a real process, with and without a terminal of its own."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import time
from collections.abc import Mapping, Sequence

from tests.preloaded import COMMAND, PRELOADED
from tests.recorder import EVERY_SERVER, STORE_SETTINGS

__all__ = ["BASE", "COMMAND", "PRELOADED", "run", "run_in_terminal", "settings_of"]

#: Nothing of the environment that tests run in but what a process cannot do without.
BASE = {
    name: os.environ[name] for name in ("PATH", "XDG_CONFIG_HOME", *STORE_SETTINGS)
} | EVERY_SERVER
_PATIENCE = 30
_PROMPTS = (b"Type yes: ", b" to run it: ")


def run(
    *arguments: str, env: Mapping[str, str] | None = None, given: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run the command in a session without a terminal; `given` comes in through a pipe."""
    return subprocess.run(
        [PRELOADED, *arguments],
        env={**BASE, **(env or {})},
        input=given,
        capture_output=True,
        text=True,
        errors="backslashreplace",
        timeout=_PATIENCE,
        start_new_session=True,
    )


def run_in_terminal(
    *arguments: str, typed: bytes, env: Mapping[str, str] | None = None, ahead: bytes = b""
) -> tuple[subprocess.CompletedProcess[str], str]:
    """Run the command with a terminal of its own, and type when it asks.

    Args:
        arguments: of the command.
        typed: what is typed after the question.
        env: settings.
        ahead: what was typed before the process started.

    Returns:
        How it ended, and what the terminal showed. Standard input is a pipe that says yes.
    """
    keyboard, terminal = pty.openpty()
    os.write(keyboard, ahead)
    process = subprocess.Popen(
        [PRELOADED, *arguments],
        env={**BASE, **(env or {})},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        terminal=terminal,
    )
    try:
        shown = _question(keyboard, process)
        os.write(keyboard, typed)
        out, err = process.communicate("yes\nyes\n", timeout=_PATIENCE)
    finally:
        process.kill()
        process.wait()
        os.close(keyboard)
        os.close(terminal)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err), shown


def _question(keyboard: int, process: subprocess.Popen[str]) -> str:
    """What the terminal shows when it waits for an answer."""
    shown = b""
    end = time.monotonic() + _PATIENCE
    while not shown.endswith(_PROMPTS) and process.poll() is None and time.monotonic() < end:
        if select.select([keyboard], [], [], 0.1)[0]:
            shown += os.read(keyboard, 65536)
    return shown.decode(errors="replace").replace("\r\n", "\n")


def settings_of(lines: Sequence[str]) -> dict[str, str]:
    """The variables that `descope-mcp sandbox` prints."""
    return dict(line.strip().split("=", 1) for line in lines)
