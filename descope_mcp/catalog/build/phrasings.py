"""The phrasings of ``tool_specs/phrasings``: how different people ask for an operation."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from descope_mcp.catalog.build.yaml_source import line_of, read_yaml

#: So many ways of asking every operation has.
FEWEST, MOST = 10, 16


def read_phrasings(specs: Path) -> dict[str, list[str]]:
    """The phrasings of every operation, by its name."""
    files = sorted((specs / "phrasings").glob("*.yaml"))
    return {name: said for path in files for name, said in read_yaml(path).items()}


def read_unanswerable(specs: Path) -> list[str]:
    """What people may ask for and no operation does."""
    groups = read_yaml(specs / "search" / "unanswerable.yaml")
    return [said for group in groups.values() for said in group]


def problems(specs: Path, toolsets: Mapping[str, Collection[str]]) -> Iterator[str]:
    """Operations without enough phrasings, phrasings without an operation, and double ones.

    Args:
        specs: the folder of the records.
        toolsets: the operations of each toolset.
    """
    seen: dict[str, str] = {}
    for toolset, operations in toolsets.items():
        path = specs / "phrasings" / f"{toolset}.yaml"
        written = read_yaml(path) if path.exists() else {}
        for name in written:
            if name not in operations:
                yield f"{line_of(path, (name,))}: {toolset} has no operation {name}"
        for name in operations:
            said = written.get(name, [])
            wrong = [
                f"{name}: {text!r} is said of {seen[text]} too" for text in said if text in seen
            ]
            if not FEWEST <= len(said) <= MOST:
                wrong += [f"{name} needs {FEWEST} to {MOST} phrasings, it has {len(said)}"]
            for text in wrong:
                where = line_of(path, (name,)) if path.exists() else f"{path.name}:1"
                yield f"{where}: {text}"
            seen |= dict.fromkeys(said, name)
