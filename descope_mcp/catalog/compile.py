"""Compile ``tool_specs`` to the one compact catalog that the server reads.

Every inconsistency is an error here, with file and line: an operation without a record, a record
without an operation, a recipe that names an unknown operation or argument.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from descope_mcp.catalog import contract, schema, search
from descope_mcp.catalog.contract import Contract, Endpoint
from descope_mcp.catalog.errors import RepairError, SpecError
from descope_mcp.catalog.record import COMPARISONS, CONDITIONS, Count, Read, Record, Rule, Toolset
from descope_mcp.catalog.source import line_of, read_toolset, read_yaml

MAX_NAME = 46
MAX_SCHEMA = 16_000
MAX_DESCRIPTION_WORDS = 60


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
    problems = [*_unmatched(spec, toolsets, specs), *_uncurated(repairs, toolsets, specs)]
    endpoints = {e.name: e for e in spec.endpoints.values()}
    check = _Check(spec, endpoints)
    operations: dict[str, Any] = {}
    for path, toolset in toolsets.items():
        for name, record in toolset.operations.items():
            endpoint = spec.endpoints.get(record.endpoint)
            if endpoint is None or endpoint.name != name:
                continue
            problems += [
                f"{line_of(path, ('operations', name, *keys))}: {name}: {text}"
                for keys, text in check.record(endpoint, record)
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


def _uncurated(
    repairs: list[dict[str, Any]], toolsets: dict[Path, Toolset], specs: Path
) -> Iterator[str]:
    """Repairs that rely on a record's text which is not there."""
    written = {r.endpoint for t in toolsets.values() for r in t.operations.values()}
    for index, repair in enumerate(repairs):
        for number, key in enumerate(repair.get("curated", [])):
            if key not in written:
                where = line_of(specs / "repairs.yaml", (index, "curated", number))
                yield f"{where}: repair {repair['name']}: no record for {key}"


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


class _Check:
    """The checks of one record against the contract; each yields ``(keys, problem)``."""

    def __init__(self, spec: Contract, endpoints: dict[str, Endpoint]) -> None:
        self.spec = spec
        self.endpoints = endpoints

    def record(self, endpoint: Endpoint, record: Record) -> Iterator[tuple[tuple[Any, ...], str]]:
        properties, _ = schema.arguments(endpoint, self.spec.schemas)
        own = {"type": "object", "properties": properties}
        if len(endpoint.name) > MAX_NAME:
            yield (), f"the name is longer than {MAX_NAME} characters; rename it in repairs.yaml"
        words = len(record.description.split())
        if not 4 <= words <= MAX_DESCRIPTION_WORDS:
            yield ("description",), f"{words} words; 4 to {MAX_DESCRIPTION_WORDS} are allowed"
        if len(json.dumps(own)) > MAX_SCHEMA:
            yield (), f"the input schema is longer than {MAX_SCHEMA} characters"
        yield from self._arguments(record, own)
        answer = schema.answer(endpoint, self.spec.schemas)
        for path in record.secrets:
            if schema.lookup(answer, path) is None:
                yield ("secrets",), f"the answer has no {path}"
        if record.once and not (record.secrets or record.scan):
            yield ("once",), "a secret that is shown once must be listed in secrets"
        if record.effect == "read" and (record.preview or record.impact or record.restore):
            yield ("effect",), "a read has no preview, impact or restore"
        for index, rule in enumerate(record.when):
            for text in self._rule(rule, own):
                yield ("when", index), text
        yield from self._recipes(record, own)

    def _arguments(
        self, record: Record, own: dict[str, Any]
    ) -> Iterator[tuple[tuple[Any, ...], str]]:
        groups = (("required", record.required), ("notes", tuple(record.notes)))
        for key, names in (*groups, *(("one_of", group) for group in record.one_of)):
            for name in names:
                if name not in own["properties"]:
                    yield (key,), f"there is no argument {name}"
        for path in record.secret_arguments:
            if schema.lookup(own, path) is None:
                yield ("secret_arguments",), f"there is no argument {path}"

    def _rule(self, rule: Rule, own: dict[str, Any]) -> Iterator[str]:
        conditions = [*CONDITIONS, *COMPARISONS]
        paths = [path for name in conditions for path in getattr(rule, name)]
        if not paths:
            yield "the rule has no condition"
        if not (rule.effect or rule.add or rule.drop or rule.say or rule.refuse):
            yield "the rule has no consequence"
        for path in paths:
            if schema.lookup(own, path) is None:
                yield f"there is no argument {path}"

    def _recipes(
        self, record: Record, own: dict[str, Any]
    ) -> Iterator[tuple[tuple[Any, ...], str]]:
        before: dict[str, Any] | None = None
        for index, step in enumerate(record.preview):
            found, problems = self._read(step, step.find, own, before)
            problems += _unknown_fields(step, found)
            problems += [f"{name} is not in match" for name in step.bare if name not in step.match]
            yield from ((("preview", index), text) for text in problems)
            if index == 0:
                before = found
        for index, count in enumerate(record.impact):
            _, problems = self._read(count, count.count, own, before)
            yield from ((("impact", index), text) for text in problems)
        for name in record.restore:
            if name not in self.endpoints:
                yield ("restore",), f"there is no operation {name}"
        if record.safer and record.safer.operation not in self.endpoints:
            yield ("safer", "operation"), f"there is no operation {record.safer.operation}"
        yield from ((("target",), t) for t in self._references(record.target, own, before))

    def _read(
        self, step: Read | Count, path: str, own: dict[str, Any], before: dict[str, Any] | None
    ) -> tuple[dict[str, Any], list[str]]:
        """The schema of what a step finds (a list's element), and the step's problems."""
        endpoint = self.endpoints.get(step.operation)
        if endpoint is None:
            return {}, [f"there is no operation {step.operation}"]
        properties, _ = schema.arguments(endpoint, self.spec.schemas)
        name = endpoint.name
        problems = [f"{name} has no argument {a}" for a in step.arguments if a not in properties]
        problems += self._references([step.arguments, step.match], own, before)
        found = schema.lookup(schema.answer(endpoint, self.spec.schemas), path)
        if found is None:
            return {}, [*problems, f"the answer of {name} has no {path}"]
        return found.get("items", found), problems

    def _references(
        self, value: Any, own: dict[str, Any], before: dict[str, Any] | None
    ) -> Iterator[str]:
        """The references in a recipe's value that lead nowhere; `before` is None until read."""
        if isinstance(value, dict):
            for item in value.values():
                yield from self._references(item, own, before)
        elif isinstance(value, list):
            for item in value:
                yield from self._references(item, own, before)
        elif isinstance(value, str) and value.startswith("$"):
            root, _, path = value[1:].partition(".")
            roots = {"args": own, "before": before, "project": {"type": "string"}}
            where = roots.get(root)
            if root not in roots:
                yield f"{value} is no reference; use $args, $before or $project"
            elif where is None:
                yield f"{value}: nothing has been read before"
            elif path and schema.lookup(where, path) is None:
                yield f"{value} leads nowhere"


def _unknown_fields(step: Read, found: dict[str, Any]) -> list[str]:
    unknown = [field for field in step.match if schema.lookup(found, field) is None]
    return [f"what is found has no {field}" for field in unknown]
