"""Where a client's configuration is on this machine, and whether the client is there at all."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from descope_mcp.clients.client import Client, Scope

_VARIABLE = re.compile(r"\{(\w+)\|([^}]*)\}")


def _platform() -> str:
    return {"darwin": "macos", "win32": "windows"}.get(sys.platform, "linux")


@dataclass(frozen=True, slots=True)
class Machine:
    """Whose machine it is: platform, home directory, environment, and the project at hand."""

    home: Path = field(default_factory=Path.home)
    project: Path = field(default_factory=Path.cwd)
    platform: str = field(default_factory=_platform)
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)


def configuration(client: Client, scope: Scope, machine: Machine) -> Path | None:
    """The file that holds the client's servers, there or not; None if it has none for the scope."""
    if scope == "project":
        found = [machine.project / name for name in client.project]
    else:
        found = [_expanded(name, machine) for name in client.user[machine.platform]]
    return next((path for path in found if path.exists()), found[-1] if found else None)


def is_installed(client: Client, machine: Machine) -> bool:
    """Whether a program of the client is on the path, or it has left its signs."""
    path = machine.environment.get("PATH")
    return any(shutil.which(name, path=path) for name in client.programs) or any(
        _expanded(sign, machine).exists() for sign in client.signs.get(machine.platform, ())
    )


def own_program(client: Client, scope: Scope, machine: Machine) -> str | None:
    """The client's own command for its servers, if it has one for the scope and it is found."""
    if client.command is None or scope not in client.command.scopes:
        return None
    return shutil.which(client.command.program, path=machine.environment.get("PATH"))


def _expanded(place: str, machine: Machine) -> Path:
    def directory(found: re.Match[str]) -> str:
        return machine.environment.get(found[1]) or found[2]

    path = _VARIABLE.sub(directory, place)
    return machine.home / path[2:] if path.startswith("~/") else _homely(path, machine)


def _homely(path: str, machine: Machine) -> Path:
    return machine.home if path == "~" else Path(path)
