"""Clients of other people, which tests drive: pinned beside the test, and kept in ignored folders.

Where no registry can be reached a test that needs them is left out, but in CI, where it fails.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

_NPM = (
    *("npm", "install", "--no-package-lock", "--ignore-scripts", "--omit=optional"),
    *("--no-audit", "--no-fund", "--fetch-retries=1"),
)
_PIP = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries=1")
#: How npm and pip say that nobody answers. Whatever else they complain of is a fault of the pins.
_NO_REGISTRY = (
    *("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ETIMEDOUT", "ENETUNREACH"),
    *("Failed to establish a new connection", "Name or service not known", "timed out"),
)
_PATIENCE = 200


def node(folder: Path) -> str:
    """Node, with the packages of the package.json in `folder`."""
    found = shutil.which("node")
    if not found or not shutil.which("npm"):
        _missing("node and npm are not on this machine")
    wanted = json.loads((folder / "package.json").read_text())["dependencies"]
    if any(_version(folder / "node_modules" / name) != wanted[name] for name in wanted):
        _install(_NPM, folder)
    return str(found)


def python(folder: Path) -> str:
    """A Python of its own, with the packages of the requirements.txt in `folder`."""
    home = folder / ".venv"
    found, note = home / "bin" / "python", home / ".installed"
    wanted = f"{sys.version}\n{(folder / 'requirements.txt').read_text()}"
    if not note.exists() or note.read_text() != wanted:
        shutil.rmtree(home, ignore_errors=True)
        _install((sys.executable, "-m", "venv", str(home)), folder)
        _install((str(found), *_PIP, "-r", "requirements.txt"), folder)
        note.write_text(wanted)
    return str(found)


def _version(package: Path) -> str:
    manifest = package / "package.json"
    return str(json.loads(manifest.read_text())["version"]) if manifest.exists() else ""


def _install(command: Sequence[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_PATIENCE)
    if not done.returncode:
        return
    said = f"{' '.join(command[:3])} in {folder}:\n{done.stdout}{done.stderr}"
    if any(word in said for word in _NO_REGISTRY):
        _missing(f"no registry of packages answers: {said}")
    pytest.fail(said, pytrace=False)


def _missing(reason: str) -> None:
    (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
