"""The organisations that the sandbox can begin with, always with the same ids.

Keys and other secrets are new at every start: what is written in one place opens no other sandbox.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.engine.state_file import opened
from descope_mcp.sandbox.seeds.acme import acme
from descope_mcp.sandbox.seeds.b2b import b2b
from descope_mcp.sandbox.seeds.new_project import new_project

__all__ = ["SEEDS", "acme", "b2b", "begin", "new_project", "rename_project"]

#: By the name that the command line takes.
SEEDS: dict[str, Callable[[], State]] = {"acme": acme, "b2b": b2b, "empty": new_project}


@contextmanager
def begin(name: str, file: Path | None = None) -> Iterator[State]:
    """The organisation `name`, or what `file` has kept; with a file, it is kept from now on.

    Raises:
        KeyError: there is no such seed.
        StateFileError: the file cannot be used.
    """
    if file is None:
        yield SEEDS[name]()
        return
    with opened(file, SEEDS[name]) as state:
        yield state


def rename_project(state: State, project_id: str) -> None:
    """Let the project that the sandbox serves have another id, wherever it is named."""
    text = json.dumps(state.export()).replace(state.project_id, project_id)
    state.replace(json.loads(text))
