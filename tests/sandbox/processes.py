"""The sandbox as a process of its own."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.cli.processes import BASE, PRELOADED, settings_of


@contextmanager
def sandbox(*arguments: str) -> Iterator[dict[str, str]]:
    """The settings that it prints; it is killed at the end."""
    process = subprocess.Popen(
        [PRELOADED, "sandbox", *arguments], stdout=subprocess.PIPE, text=True, env=BASE
    )
    assert process.stdout is not None
    try:
        yield settings_of([process.stdout.readline() for _ in range(3)])
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
