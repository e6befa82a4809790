"""By which command this program can be started from anywhere, today and next month.

Clients start servers without the PATH that a shell has, so the command is an absolute path. What
``uvx`` and ``pipx run`` make lies in a cache that may be emptied: there the runner itself is the
command, and it is told which distribution to run.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import sysconfig
from importlib import metadata
from pathlib import Path

from descope_mcp import __version__
from descope_mcp.clients.errors import ClientError

_PROGRAM = "descope-mcp"
#: Parts of the paths of environments that uv and pipx throw away at some time.
_UV_CACHE = ("archive-v0", "environments-v2", "builds-v0")
_PIPX_CACHE = ".cache"


def found() -> tuple[str, ...]:
    """The command and its first arguments.

    Raises:
        ClientError: no way is found that would last.
    """
    parts = Path(sys.prefix).parts
    if any(part in _UV_CACHE for part in parts):
        return (_runner("uvx"), "--from", _requirement(), _PROGRAM)
    if "pipx" in parts and _PIPX_CACHE in parts:
        return (_runner("pipx"), "run", "--spec", _requirement(), _PROGRAM)
    called = Path(sys.argv[0])
    if called.name.startswith(_PROGRAM) and called.exists():
        # The link that a person calls stays when what is behind it is upgraded.
        return (os.path.abspath(called),)
    script = Path(sysconfig.get_path("scripts")) / _PROGRAM
    if script.exists():
        return (str(script),)
    return (sys.executable, "-m", "descope_mcp")


def _runner(name: str) -> str:
    if path := shutil.which(name):
        return os.path.abspath(path)
    raise ClientError(
        f"this program was started by {name}, which is not on the PATH any more; "
        f"install it for good: `pipx install {_PROGRAM}`"
    )


def _requirement() -> str:
    """What was installed: this version, or the file or address that it came from (PEP 610)."""
    try:
        said = metadata.distribution(_PROGRAM).read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        said = None
    origin = json.loads(said) if said else {}
    return str(origin.get("url") or f"{_PROGRAM}=={__version__}")
