"""Compile ``tool_specs`` to the one compact catalog that the server reads.

Every inconsistency is an error here, with file and line: an operation without a record, a record
without an operation, a recipe that names an unknown operation or argument.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from descope_mcp.catalog import pagination, prompt
from descope_mcp.catalog.arguments import validation
from descope_mcp.catalog.build import openapi, phrasings, probes
from descope_mcp.catalog.build.argument_meanings.explanations import Explanations
from descope_mcp.catalog.build.argument_meanings.marks import read_meanings
from descope_mcp.catalog.build.argument_meanings.rules import follow
from descope_mcp.catalog.build.argument_meanings.units import ArgumentUnits
from descope_mcp.catalog.build.openapi import Contract, Endpoint
from descope_mcp.catalog.build.record_checks import overwriting
from descope_mcp.catalog.build.record_checks.consistency import Consistency
from descope_mcp.catalog.build.record_checks.secret_fields import holders
from descope_mcp.catalog.build.reports import Reports
from descope_mcp.catalog.build.yaml_source import line_of, read_toolset, read_yaml
from descope_mcp.catalog.errors import InvalidArguments, RepairError, SpecError
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.operation_record.record import Record, Toolset
from descope_mcp.catalog.schemas import input_schema as schema
from descope_mcp.catalog.search import index as search_index
from descope_mcp.catalog.secret_kinds import read_kinds

#: So many operations that often come next are named.
_MOST_NEXT = 3


def compile_catalog(specs: Path) -> dict[str, Any]:
    """Read and check everything below `specs`.

    Returns:
        ``{"operations": {name: ...}, "reports": {name: ...}, "explanations": {name: ...},
        "toolsets": [...], "aliases": {old name: name}, "errors": {code: {meaning, remedy}},
        "synonyms": {group: {concept: words}}, "times": {field: unit}, "last": [field],
        "prompts": {name: ...}, "index": ...}`` as plain JSON data. An operation is an ``Operation``
        without its empty fields, a report a ``Report`` likewise, an explanation an ``Explanation``,
        the index what `search_index.build` returns; these and the prompts are JSON texts of their
        own, so that a start parses none.

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
    kinds, surplus = read_kinds(specs / "handles.yaml", records, endpoints)
    problems += surplus
    meanings = read_meanings(specs / "meanings.yaml")
    answers = read_yaml(specs / "answers.yaml")
    problems += _nameless(answers, records, specs / "answers.yaml")
    prompts = read_yaml(specs / "prompts.yaml")
    place = partial(_line, specs / "prompts.yaml")
    problems += prompt.problems(prompts, records, place)
    units = ArgumentUnits(specs / "moments.yaml", answers["times"])
    explanations = Explanations(specs, spec)
    looked_at = {
        t.toolset: [name for name, record in t.operations.items() if not record.draft]
        for t in toolsets.values()
    }
    problems += phrasings.problems(specs, looked_at)
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
            fitting = {
                "kinds": kinds.of.get(name, {}),
                "accepts": kinds.accepts.get(name, {}),
                "next": answers["next"].get(name, []),
                "other_forms": answers["other_forms"].get(name, []),
            }
            own, _ = schema.arguments(endpoint, spec.schemas)
            marks, unmarked = meanings.marks(name, record, own)
            fitting["marks"] = {
                meaning: m.model_dump(mode="json", exclude_defaults=True)
                for meaning, m in marks.items()
            }
            if (named := record.overwrites) and (update := records.get(named.operation)):
                schema_of = {"type": "object", "properties": own}
                same = overwriting.overwriting(record, update, schema_of)
                fitting["overwriting"] = same.model_dump(mode="json", exclude_defaults=True)
            more = follow(record, own, marks, meanings.entries)
            record = record.model_copy(update={"when": (*record.when, *more)})
            if record.effect == "read":
                fitting |= _list(spec, endpoint, answers["page_sizes"].get(name, {}))
            compiled = _operation(spec, endpoint, record, toolset.toolset, fitting)
            compiled["moments"], unsaid = units.of(name, compiled["input_schema"])
            unexplained = explanations.add(name, toolset.toolset, compiled["input_schema"])
            operations[name] = compiled
            if record.draft:
                continue
            problems += unsaid
            problems += [
                f"{line_of(path, ('operations', name))}: {name}: {text}"
                for text in (*unmarked, *unexplained, *kinds.untold(name, record))
            ]
            if not record.says and (record.can_ask or _of_many(record, compiled["input_schema"])):
                # Only now is known all that can make a person be asked.
                where = line_of(path, ("operations", name))
                problems.append(f"{where}: {name}: people can be asked about it; says is missing")
            problems += [
                f"{line_of(path, ('operations', name, 'examples', index))}: {name}: {text}"
                for index, text in _misfits(compiled)
            ]
    toolset_names = {t.toolset for t in toolsets.values()}
    reports, wrong = Reports(spec, endpoints, records, toolset_names).read(specs / "reports")
    problems += wrong
    problems += probes.problems(toolsets, operations)
    problems += units.surplus()
    problems += explanations.surplus(records)
    problems += meanings.surplus(records)
    if problems:
        raise SpecError("\n".join(problems))
    for name, reads in explanations.next_reads(records).items():
        operations[name].setdefault("next", reads[:_MOST_NEXT])
    synonyms = read_yaml(specs / "synonyms.yaml")
    titles = {t.toolset: t.title for t in toolsets.values()}
    ordered = {e.name: operations[e.name] for e in spec.endpoints.values()}
    return {
        "operations": {name: _json(operation) for name, operation in ordered.items()},
        "explanations": explanations.compiled(records),
        "reports": {name: _json(report) for name, report in reports.items()},
        "toolsets": [
            {
                "toolset": t.toolset,
                "title": t.title,
                "about": t.about,
                "operations": [*t.operations],
                "probe": t.probe.model_dump(mode="json") if t.probe else {},
                "reports": [n for n, report in reports.items() if report["toolset"] == t.toolset],
            }
            for t in toolsets.values()
        ],
        "aliases": {
            old: e.name for e in endpoints.values() for old in e.old_names if old not in endpoints
        },
        "errors": read_yaml(specs / "errors.yaml"),
        "synonyms": synonyms,
        "times": answers["times"],
        "last": answers["last"],
        "prompts": _json(prompts),
        "index": _json(search_index.build({**ordered, **reports}, titles, synonyms)),
    }


def _repaired(specs: Path, repairs: list[dict[str, Any]]) -> Contract:
    """The contract with its repairs; one that does not fit is named with its line."""
    document = json.loads((specs / "openapi.json").read_text(encoding="utf-8"))
    try:
        return openapi.load(document, repairs)
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


def _line(path: Path, key: str) -> str:
    return line_of(path, (key,))


def _nameless(answers: dict[str, Any], records: dict[str, Record], path: Path) -> Iterator[str]:
    """Operations in ``answers.yaml`` that do not exist."""
    for key in ("page_sizes", "next", "other_forms"):
        for name, value in answers[key].items():
            for named in (name, *(value if key == "next" else ())):
                if named not in records:
                    yield f"{line_of(path, (key, name))}: there is no operation {named}"


def _list(spec: Contract, endpoint: Endpoint, sizes: dict[str, int]) -> dict[str, Any]:
    """What there is to know of the list that a read answers."""
    answer = schema.answer(endpoint, spec.schemas)
    validation, _ = schema.arguments(endpoint, spec.schemas)
    return {
        "rows": pagination.rows(answer),
        "paging": pagination.paging(validation, answer, sizes),
    }


def _of_many(record: Record, input_schema: Mapping[str, Any]) -> bool:
    """Whether a call changes as many things as a list has that it cannot do without."""
    needed = {*input_schema.get("required", ()), *(n for group in record.one_of for n in group)}
    properties = input_schema["properties"]
    lists = [n for n in needed if properties.get(n, {}).get("type") == "array"]
    return record.worst_effect != "read" and bool(lists)


def _operation(
    spec: Contract, endpoint: Endpoint, record: Record, toolset: str, fitting: dict[str, Any]
) -> dict[str, Any]:
    properties, places = schema.arguments(endpoint, spec.schemas)
    if record.update == "replace":
        properties, places = schema.with_replace(properties, places, endpoint.key)
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
    answer = schema.answer(endpoint, spec.schemas)
    returned = answer.get("properties", {})
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
        "redirects": endpoint.redirects,
        "answer_fields": [*returned],
        "holders": holders(answer, input_schema),
        "elements": _elements(returned) if record.effect == "read" else {},
        **fitting,
    }
    return {
        **record.model_dump(mode="json", exclude_defaults=True),
        **{key: value for key, value in facts.items() if value or key == "input_schema"},
        "schemes": facts["schemes"],
        "places": facts["places"],
    }


def _elements(returned: Mapping[str, Any]) -> dict[str, list[str]]:
    """The names inside of the objects in an answer, by the field that holds them."""
    objects = {name: value.get("items", value) for name, value in returned.items()}
    return {name: [*one["properties"]] for name, one in objects.items() if "properties" in one}


def _misfits(compiled: dict[str, Any]) -> Iterator[tuple[int, str]]:
    """The examples that would be refused when called, by their place, and why."""
    for index, example in enumerate(compiled.get("examples", ())):
        try:
            validation.check(Operation.model_validate(compiled), example["arguments"])
        except InvalidArguments as error:
            yield index, str(error)


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _plane(endpoint: Endpoint) -> str:
    if endpoint.path.startswith("/scim/"):
        return "scim"
    return "management" if "/mgmt/" in endpoint.path else "end_user"
