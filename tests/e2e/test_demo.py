"""The first command of the README."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

DEMO = Path(__file__).parents[2] / "scripts" / "demo.py"


def test_the_demo_ends_as_it_says() -> None:
    done = subprocess.run(
        [sys.executable, str(DEMO)], capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "users who hold the role: 12 before, 12 after the undo" in done.stdout
    assert done.stdout.rstrip().endswith("Declined: nothing. Approved: done. Undone: back.")
