"""The documentation, built as `scripts/docs` does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def build(root: Path, builder: str, out: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """The site of the tree at `root`, with warnings as errors."""
    options = ("--fresh-env", "--fail-on-warning", "--keep-going", "--quiet")
    where = ("-c", str(root / "docs"), "-d", str(out / "doctrees"))
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "sphinx",
            "-b",
            builder,
            *where,
            *options,
            *more,
            root,
            out / "site",
        ],
        capture_output=True,
        text=True,
        timeout=200,
    )
