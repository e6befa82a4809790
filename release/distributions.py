"""Wheel and sdist, built alone and with the same bytes each time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from release import project

_TOOLS = project.ROOT / ".cache" / "release"
_BUILD = "build==1.6.1"


def build(out: Path, epoch: int) -> tuple[Path, Path]:
    """The wheel, made of the sdist, and the sdist, in `out`.

    Args:
        out: an empty folder.
        epoch: seconds since 1970 that files in them bear (SOURCE_DATE_EPOCH).

    Raises:
        CalledProcessError: they cannot be built; it holds what was said.
    """
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch)}
    said([str(_python()), "-m", "build", "--outdir", str(out), str(project.ROOT)], environment)
    (wheel,), (sdist,) = out.glob("*.whl"), out.glob("*.tar.gz")
    return wheel, sdist


def committed() -> int:
    """When the present commit was made."""
    return int(_log("%ct"))


def uncommitted() -> list[str]:
    """Files that are otherwise than in the present commit, or not in it."""
    lines = said(["git", "-C", str(project.ROOT), "status", "--porcelain"]).splitlines()
    return [line[3:] for line in lines]


def commit() -> str:
    """The present commit."""
    return _log("%H")


def _log(what: str) -> str:
    return said(["git", "-C", str(project.ROOT), "log", "-1", f"--format={what}"]).strip()


def _python() -> Path:
    """A Python with the front end of builds, which nothing else here needs."""
    python = _TOOLS / "bin" / "python"
    note = _TOOLS / ".installed"
    if not note.exists() or note.read_text() != _BUILD:
        said([sys.executable, "-m", "venv", "--clear", str(_TOOLS)])
        said([str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", _BUILD])
        note.write_text(_BUILD)
    return python


def said(command: list[str], environment: dict[str, str] | None = None) -> str:
    """What a command says.

    Raises:
        CalledProcessError: it fails; with all that it said.
    """
    done = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, command, done.stdout)
    return done.stdout
