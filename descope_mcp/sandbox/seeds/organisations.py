"""The organisations that the sandbox can begin with: built-in ones, always with the same ids.

Others are in seed files (`seed_files`). Keys and other secrets are new at every start: what is
written in one place opens no other sandbox.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.engine.state_file import opened
from descope_mcp.sandbox.seeds.acme import acme
from descope_mcp.sandbox.seeds.b2b import b2b
from descope_mcp.sandbox.seeds.new_project import new_project

if TYPE_CHECKING:
    from descope_mcp.sandbox.seed_files.reading import Begin, Operations

__all__ = ["SEEDS", "acme", "b2b", "begin", "chosen", "new_project", "rename_project"]

#: By the name that the command line takes.
SEEDS: dict[str, Begin] = {"acme": acme, "b2b": b2b, "empty": new_project}


def chosen(name: str, operations: Operations, keys: int | None = None) -> Callable[[], State]:
    """What makes the organisation `name`: one of SEEDS, or that of the file of this name.

    Args:
        name: of either.
        operations: what the calls of a file may name.
        keys: the same number gives the same secrets; None gives new ones every time.

    Raises:
        KeyError: there is no such seed, and it is no name of a file.
        SeedError: something in the file is wrong.
    """
    if name not in SEEDS and not is_file(name):
        raise KeyError(name)
    if name in SEEDS:
        return partial(SEEDS[name], keys=keys)
    from descope_mcp.sandbox.seed_files.reading import read

    return partial(read(Path(name), operations, SEEDS), keys=keys)


def is_file(name: str) -> bool:
    """Whether `name` is meant to be that of a seed file."""
    return name.endswith((".yaml", ".yml")) or "/" in name


@contextmanager
def begin(make: Callable[[], State], file: Path | None = None) -> Iterator[State]:
    """The organisation that `make` gives, or what `file` has kept; it is kept there from now on.

    Raises:
        SeedError: what is made does not fit together.
        StateFileError: the file cannot be used.
    """
    if file is None:
        yield make()
        return
    with opened(file, make) as state:
        yield state


def rename_project(state: State, project_id: str) -> None:
    """Let the project that the sandbox serves have another id, wherever it is named."""
    text = json.dumps(state.export()).replace(state.project_id, project_id)
    state.replace(json.loads(text))
