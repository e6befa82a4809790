"""The first commands of the README."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPTS = Path(__file__).parents[2] / "scripts"


def said(demo: str) -> str:
    done = subprocess.run(
        [sys.executable, str(SCRIPTS / demo)],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout.rstrip()


def test_the_demo_ends_as_it_says() -> None:
    told = said("demo.py")
    assert "users who hold the role: 12 before, 12 after the undo" in told
    assert told.endswith("Declined: nothing. Approved: done. Undone: back.")


def test_the_remote_demo_ends_as_it_says() -> None:
    told = said("demo_http.py")
    assert "signs in as grace and agrees to descope:read descope:destructive" in told
    assert "[person, demo:grace]" in told
    assert told.endswith("Signed in. Asked. Approved: done. Undone: back.")
