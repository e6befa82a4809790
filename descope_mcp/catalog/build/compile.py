"""Compile ``tool_specs`` to the one compact catalog that the server reads.

Every inconsistency is an error here, with file and line: an operation without a record, a record
without an operation, a recipe that names an unknown operation or argument.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

from descope_mcp.catalog import prompt
from descope_mcp.catalog.build import openapi, phrasings, probes
from descope_mcp.catalog.build.argument_meanings.explanations import Explanations
from descope_mcp.catalog.build.argument_meanings.marks import read_meanings
from descope_mcp.catalog.build.argument_meanings.rules import follow
from descope_mcp.catalog.build.argument_meanings.units import ArgumentUnits
from descope_mcp.catalog.build.compiled_operation import (
    changes_many,
    compiled_operation,
    list_facts,
    misfits,
)
from descope_mcp.catalog.build.completeness import nameless, unfounded, unmatched
from descope_mcp.catalog.build.empty_fields import EmptyFields
from descope_mcp.catalog.build.openapi import Contract
from descope_mcp.catalog.build.record_checks import overwriting
from descope_mcp.catalog.build.record_checks.consistency import Consistency
from descope_mcp.catalog.build.reports import Reports
from descope_mcp.catalog.build.yaml_source import line_of, read_toolset, read_yaml
from descope_mcp.catalog.errors import RepairError, SpecError
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
    problems = [*unmatched(spec, toolsets, specs), *unfounded(repairs, spec, toolsets, specs)]
    endpoints = {e.name: e for e in spec.endpoints.values()}
    records = {name: r for t in toolsets.values() for name, r in t.operations.items()}
    check = Consistency(spec, endpoints, records)
    kinds, surplus = read_kinds(specs / "handles.yaml", records, endpoints)
    problems += surplus
    meanings = read_meanings(specs / "meanings.yaml")
    answers = read_yaml(specs / "answers.yaml")
    problems += nameless(answers, records, specs / "answers.yaml")
    prompts = read_yaml(specs / "prompts.yaml")
    place = partial(_line, specs / "prompts.yaml")
    problems += prompt.problems(prompts, records, place)
    units = ArgumentUnits(specs / "moments.yaml", answers["times"])
    empty = EmptyFields(specs / "answers.yaml", answers)
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
            own, _ = spec.arguments(endpoint)
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
                fitting |= list_facts(spec, endpoint, answers["page_sizes"].get(name, {}))
            compiled = compiled_operation(spec, endpoint, record, toolset.toolset, fitting)
            compiled["moments"], unsaid = units.of(name, compiled["input_schema"])
            if record.effect == "read" and (means := empty.of(name, compiled)):
                compiled["empty_means"] = means
            unexplained = explanations.add(name, toolset.toolset, compiled["input_schema"])
            operations[name] = compiled
            if record.draft:
                continue
            problems += unsaid
            problems += [
                f"{line_of(path, ('operations', name))}: {name}: {text}"
                for text in (*unmarked, *unexplained, *kinds.untold(name, record))
            ]
            asks = record.can_ask or changes_many(record, compiled["input_schema"])
            if asks and not record.says:
                # Only now is known all that can make a person be asked.
                where = line_of(path, ("operations", name))
                problems.append(f"{where}: {name}: people can be asked about it; says is missing")
            problems += [
                f"{line_of(path, ('operations', name, 'examples', index))}: {name}: {text}"
                for index, text in misfits(compiled)
            ]
    toolset_names = {t.toolset for t in toolsets.values()}
    reports, wrong = Reports(spec, endpoints, records, toolset_names).read(specs / "reports")
    problems += wrong
    problems += probes.problems(toolsets, operations)
    problems += [*units.surplus(), *empty.surplus()]
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


def _line(path: Path, key: str) -> str:
    return line_of(path, (key,))


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
