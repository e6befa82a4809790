"""The peers' programs, each in an environment of its own: they need other versions of `mcp`.

Kept in ``.cache/peers``; a change of the pins below makes them anew.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

HOME = Path(__file__).parents[2] / ".cache" / "peers"

#: The newest releases when the table was last made. Renew both, then run the benchmark.
FASTMCP = "fastmcp==4.2.3"
IVOTOBY = "@ivotoby/openapi-mcp-server@1.16.1"
_NPM = ("npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock")


class Missing(RuntimeError):
    """An environment that cannot be made here."""


def fastmcp(*, make: bool = True) -> Path:
    """The Python that has fastmcp.

    Raises:
        Missing: it is not there and is not to be made, or cannot be.
    """
    home = HOME / "fastmcp"
    python = home / "bin" / "python"
    if not _is(home, FASTMCP):
        _begin(home, make)
        _run([sys.executable, "-m", "venv", str(home)])
        quiet = ("--quiet", "--disable-pip-version-check")
        _run([str(python), "-m", "pip", "install", *quiet, FASTMCP])
        _note(home).write_text(FASTMCP)
    return python


def ivotoby(*, make: bool = True) -> Path:
    """The script that Node runs as ``@ivotoby/openapi-mcp-server``.

    Raises:
        Missing: it is not there and is not to be made, or cannot be; or there is no Node.
    """
    if not shutil.which("node") or not shutil.which("npm"):
        raise Missing("node and npm are not on this machine")
    home = HOME / "ivotoby"
    if not _is(home, IVOTOBY):
        _begin(home, make)
        home.mkdir(parents=True)
        _run([*_NPM, "--prefix", str(home), IVOTOBY])
        _note(home).write_text(IVOTOBY)
    return home / "node_modules" / "@ivotoby" / "openapi-mcp-server" / "bin" / "mcp-server.js"


def _note(home: Path) -> Path:
    return home / ".installed"


def _is(home: Path, wanted: str) -> bool:
    return _note(home).exists() and _note(home).read_text() == wanted


def _begin(home: Path, make: bool) -> None:
    if not make:
        raise Missing(f"{home} is not there; python -m benchmarks.peers makes it")
    shutil.rmtree(home, ignore_errors=True)
    home.parent.mkdir(parents=True, exist_ok=True)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if done.returncode:
        raise Missing(f"{' '.join(command[:4])} failed: {(done.stderr or done.stdout)[-800:]}")
