"""Whether ``tool_specs`` speaks of all that is in the contract, and of nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from descope_mcp.catalog.build.openapi import Contract
from descope_mcp.catalog.build.yaml_source import line_of
from descope_mcp.catalog.operation_record.record import Record, Toolset
from descope_mcp.catalog.schemas import input_schema as schema


def unmatched(spec: Contract, toolsets: dict[Path, Toolset], specs: Path) -> Iterator[str]:
    """Records without an operation, operations without a record, and double records."""
    seen: dict[str, Path] = {}

    def where(path: Path, name: str) -> str:
        return line_of(path, ("operations", name, "endpoint"))

    for path, toolset in toolsets.items():
        if toolset.toolset != path.stem:
            yield f"{path.name}:1: the toolset is called {toolset.toolset}, the file {path.stem}"
        for name, record in toolset.operations.items():
            endpoint = spec.endpoints.get(record.endpoint)
            if endpoint is None:
                yield f"{where(path, name)}: {name}: the contract has no {record.endpoint}"
            elif endpoint.name != name:
                wrong = f"{record.endpoint} is called {endpoint.name}, not {name}"
                yield f"{where(path, name)}: {wrong}"
            elif name in seen:
                other = where(seen[name], name)
                yield f"{where(path, name)}: {name} has a record in {other} already"
            seen[name] = path
    for endpoint in spec.endpoints.values():
        if endpoint.name not in seen:
            keys = ("paths", endpoint.path, endpoint.method.lower())
            place = line_of(specs / "openapi.json", keys)
            yield f"{place}: {endpoint.key}: {endpoint.name} has no record"


def unfounded(
    repairs: list[dict[str, Any]], spec: Contract, toolsets: dict[Path, Toolset], specs: Path
) -> Iterator[str]:
    """What repairs say about records and recursion, where it is not so."""
    records = {r.endpoint: r for t in toolsets.values() for r in t.operations.values()}
    endpoints = spec.endpoints.values()
    recursive = {e.key for e in endpoints if schema.is_recursive(e.body, spec.schemas)}
    claims: tuple[tuple[str, Callable[[str], bool], str], ...] = (
        ("curated", lambda key: key in records, "no record for"),
        (
            "by_records",
            lambda name: any(getattr(r, name, 0) for r in records.values()),
            "nobody has",
        ),
        ("unrolled", lambda key: key in recursive, "no recursion in"),
    )
    for index, repair in enumerate(repairs):
        for kind, holds, text in claims:
            for number, claim in enumerate(repair.get(kind, [])):
                if not holds(claim):
                    where = line_of(specs / "repairs.yaml", (index, kind, number))
                    yield f"{where}: repair {repair['name']}: {text} {claim}"
    listed = {key for repair in repairs for key in repair.get("unrolled", [])}
    yield from (f"repairs.yaml:1: {key} contains itself; list it" for key in recursive - listed)


def nameless(answers: dict[str, Any], records: dict[str, Record], path: Path) -> Iterator[str]:
    """Operations in ``answers.yaml`` that do not exist."""
    for key in ("page_sizes", "next", "other_forms", "empty_means_in"):
        for name, value in answers[key].items():
            for named in (name, *(value if key == "next" else ())):
                if named not in records:
                    yield f"{line_of(path, (key, name))}: there is no operation {named}"
