"""Compile ``tool_specs`` to the one compact catalog that the server reads.

Every inconsistency is an error here, with file and line: an operation without a record, a record
without an operation, a recipe that names an unknown operation or argument.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from descope_mcp.catalog import contract, schema, search
from descope_mcp.catalog.consistency import Consistency
from descope_mcp.catalog.contract import Contract, Endpoint
from descope_mcp.catalog.errors import RepairError, SpecError
from descope_mcp.catalog.record import Record, Toolset
from descope_mcp.catalog.source import line_of, read_toolset, read_yaml


def compile_catalog(specs: Path) -> dict[str, Any]:
    """Read and check everything below `specs`.

    Returns:
        ``{"operations": {name: ...}, "toolsets": [...], "aliases": {old name: name}, "errors":
        {code: {meaning, remedy}}, "synonyms": {word: [word]}, "index": ...}`` as plain JSON data.
        An operation is an ``Operation`` without its empty fields, the index what `search.build`
        returns; both are JSON texts of their own, so that a start parses neither.

    Raises:
        SpecError: anything is missing, surplus or inconsistent; one line per problem.
    """
    repairs = read_yaml(specs / "repairs.yaml")
    spec = _repaired(specs, repairs)
    files = sorted((specs / "operations").glob("*.yaml"))
    toolsets = {path: read_toolset(path) for path in files}
    problems = [*_unmatched(spec, toolsets, specs), *_unfounded(repairs, spec, toolsets, specs)]
    endpoints = {e.name: e for e in spec.endpoints.values()}
    records = {name: r for t in toolsets.values() for name, r in t.operations.items()}
    check = Consistency(spec, endpoints, records)
    operations: dict[str, Any] = {}
    for path, toolset in toolsets.items():
        for name, record in toolset.operations.items():
            endpoint = spec.endpoints.get(record.endpoint)
            if endpoint is None or endpoint.name != name:
                continue
            problems += [
                f"{line_of(path, ('operations', name, *keys))}: {name}: {text}"
                for keys, text in check.problems(endpoint, record)
            ]
            operations[name] = _operation(spec, endpoint, record, toolset.toolset)
    if problems:
        raise SpecError("\n".join(problems))
    ordered = {e.name: operations[e.name] for e in spec.endpoints.values()}
    return {
        "operations": {name: _json(operation) for name, operation in ordered.items()},
        "toolsets": [
            {
                "toolset": t.toolset,
                "title": t.title,
                "about": t.about,
                "operations": [*t.operations],
            }
            for t in toolsets.values()
        ],
        "aliases": {
            old: e.name for e in endpoints.values() for old in e.old_names if old not in endpoints
        },
        "errors": read_yaml(specs / "errors.yaml"),
        "synonyms": read_yaml(specs / "synonyms.yaml"),
        "index": _json(search.build(ordered, {t.toolset: t.title for t in toolsets.values()})),
    }


def _repaired(specs: Path, repairs: list[dict[str, Any]]) -> Contract:
    """The contract with its repairs; one that does not fit is named with its line."""
    document = json.loads((specs / "openapi.json").read_text(encoding="utf-8"))
    try:
        return contract.load(document, repairs)
    except RepairError as error:
        where = line_of(specs / "repairs.yaml", (error.index,))
        raise SpecError(f"{where}: {error}") from None


def _unmatched(spec: Contract, toolsets: dict[Path, Toolset], specs: Path) -> Iterator[str]:
    """Records without an operation, operations without a record, and double records."""
    seen: dict[str, str] = {}
    for path, toolset in toolsets.items():
        if toolset.toolset != path.stem:
            yield f"{path.name}:1: the toolset is called {toolset.toolset}, the file {path.stem}"
        for name, record in toolset.operations.items():
            where = line_of(path, ("operations", name, "endpoint"))
            endpoint = spec.endpoints.get(record.endpoint)
            if endpoint is None:
                yield f"{where}: {name}: the contract has no {record.endpoint}"
            elif endpoint.name != name:
                yield f"{where}: {record.endpoint} is called {endpoint.name}, not {name}"
            elif name in seen:
                yield f"{where}: {name} has a record in {seen[name]} already"
            seen[name] = where
    for endpoint in spec.endpoints.values():
        if endpoint.name not in seen:
            keys = ("paths", endpoint.path, endpoint.method.lower())
            where = line_of(specs / "openapi.json", keys)
            yield f"{where}: {endpoint.key}: {endpoint.name} has no record"


def _unfounded(
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


def _operation(spec: Contract, endpoint: Endpoint, record: Record, toolset: str) -> dict[str, Any]:
    properties, places = schema.arguments(endpoint, spec.schemas)
    for name, note in record.notes.items():
        if name in properties:
            properties[name] = {**properties[name], "description": note}
    required = [*(n for n, (where, _) in places.items() if where == "path"), *record.required]
    if places.get("credential", ("", ""))[1] in ("refresh_jwt", "session_jwt"):
        required += [] if "project" in endpoint.schemes else ["credential"]
    input_schema: dict[str, Any] = {"type": "object", "properties": properties}
    if required:
        input_schema["required"] = list(dict.fromkeys(required))
    input_schema["additionalProperties"] = False
    returned = schema.answer(endpoint, spec.schemas).get("properties", {})
    facts = {
        "name": endpoint.name,
        "operation_id": endpoint.operation_id,
        "toolset": toolset,
        "method": endpoint.method,
        "path": endpoint.path,
        "schemes": list(endpoint.schemes),
        "plane": _plane(endpoint),
        "input_schema": input_schema,
        "places": {name: list(place) for name, place in places.items()},
        "nullable": schema.nullable(endpoint, spec.schemas),
        "array_body": endpoint.wire.array_body,
        "unwrapped": endpoint.wire.unwrapped,
        "answer_fields": [*returned],
    }
    return {
        **record.model_dump(mode="json", exclude_defaults=True),
        **{key: value for key, value in facts.items() if value or key == "input_schema"},
        "schemes": facts["schemes"],
        "places": facts["places"],
    }


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _plane(endpoint: Endpoint) -> str:
    if endpoint.path.startswith("/scim/"):
        return "scim"
    return "management" if "/mgmt/" in endpoint.path else "end_user"
