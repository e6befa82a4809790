"""Many faults of the records told by few compilations, of which each takes seconds.

A compilation tells of every fault that it comes to, and stops at some kinds before it comes to the
others. So the faults are put in together, as far as they leave each other room; those that were not
told are put in again without the rest, and what is told of none beside it is put in alone.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection
from pathlib import Path

import pytest

from descope_mcp.catalog.build.compile import compile_catalog
from descope_mcp.catalog.errors import SpecError
from tests.recorder import SPECS

#: Puts a fault into a copy of tool_specs; False where another has left no room for it.
Put = Callable[[Path, str], bool]
#: Whether a fault that is in a copy is told of by these problems.
Told = Callable[[Path, str, str], bool]


def refusal(specs: Path) -> str:
    """What the compiler says of records that it refuses, a line for each problem."""
    with pytest.raises(SpecError) as caught:
        compile_catalog(specs)
    return str(caught.value)


def unheard(
    faults: Collection[str], place: Path, put: Put, told: Told, begun: Path = SPECS
) -> dict[str, str]:
    """The faults that are not told of, by what is said instead when each is put in alone.

    Args:
        faults: their names.
        place: an empty directory, for the copies.
        put: puts one in.
        told: whether it is told of.
        begun: what is copied.
    """
    left, alone = list(faults), False
    found: dict[str, str] = {}
    while left:
        specs = place / f"specs-{len(left)}-{alone}"
        shutil.copytree(begun, specs)
        tried = [fault for fault in (left[:1] if alone else left) if put(specs, fault)]
        assert tried, f"{left[0]} fits nowhere"
        problems = refusal(specs)
        heard = [fault for fault in tried if told(specs, fault, problems)]
        if alone and not heard:
            found[left[0]] = problems
            heard = tried
        alone = not heard
        left = [fault for fault in left if fault not in heard]
    return found
