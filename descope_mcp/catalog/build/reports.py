"""Compiles ``tool_specs/reports``: records of reports, checked against the contract.

A read that does not exist or changes something, a column that the contract does not know, a query
that does not fit its tables: each is an error with file and line.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from descope_mcp.catalog.arguments import validation
from descope_mcp.catalog.build.openapi import Contract, Endpoint
from descope_mcp.catalog.build.record_checks.consistency import (
    MAX_DESCRIPTION_WORDS,
    MAX_NAME,
    MIN_DESCRIPTION_WORDS,
)
from descope_mcp.catalog.build.yaml_source import line_of, read_model, read_yaml
from descope_mcp.catalog.errors import InvalidArguments
from descope_mcp.catalog.json_path import split
from descope_mcp.catalog.operation_record.record import Record
from descope_mcp.catalog.recipe_reference import all_in
from descope_mcp.catalog.reports import tables as report_tables
from descope_mcp.catalog.reports.record import (
    ARGUMENTS,
    COLUMNS,
    MISSING,
    ROWS,
    ReportRecord,
    Source,
)
from descope_mcp.catalog.reports.report import Report
from descope_mcp.catalog.schemas import input_schema

#: The file of the queries that several reports use.
_SHARED = "shared"


@dataclass(frozen=True, slots=True)
class Reports:
    """Compiles reports on what the catalog has otherwise."""

    spec: Contract
    endpoints: Mapping[str, Endpoint]
    records: Mapping[str, Record]
    toolsets: Collection[str]

    def read(self, folder: Path) -> tuple[dict[str, dict[str, Any]], list[str]]:
        """The compiled reports by name, and everything that is wrong with them.

        Raises:
            SpecError: a file has not the form of a report.
        """
        compiled: dict[str, dict[str, Any]] = {}
        problems: list[str] = []
        shared = read_yaml(folder / f"{_SHARED}.yaml") if folder.is_dir() else {}
        paths = [path for path in sorted(folder.glob("*.yaml")) if path.stem != _SHARED]
        known = {*self.records, *(path.stem for path in paths)}
        for path in paths:
            record = read_model(path, ReportRecord)
            problems += [
                f"{line_of(path, ('next',))}: {path.stem}: there is no operation {name}"
                for name in record.next
                if name not in known
            ]
            report = _compiled(path.stem, record, shared)
            problems += [
                f"{line_of(path, keys)}: {path.stem}: {text}"
                for keys, text in self._problems(record, report)
            ]
            # The search asks for what is always the same too.
            always = {"effect": report.effect, "plane": report.plane}
            compiled[path.stem] = always | report.model_dump(mode="json", exclude_defaults=True)
        return compiled, problems

    def _problems(self, record: ReportRecord, report: Report) -> Iterator[tuple[Any, str]]:
        if report.name in self.endpoints or len(report.name) > MAX_NAME:
            yield (), f"the name is an operation's, or longer than {MAX_NAME} characters"
        if record.toolset not in self.toolsets:
            yield ("toolset",), f"there is no toolset {record.toolset}"
        words = len(record.description.split())
        if not MIN_DESCRIPTION_WORDS <= words <= MAX_DESCRIPTION_WORDS:
            limits = f"{MIN_DESCRIPTION_WORDS} to {MAX_DESCRIPTION_WORDS}"
            yield ("description",), f"{words} words; {limits} are allowed"
        for name in {*record.required, *(n for g in record.one_of for n in g)}:
            if name not in record.arguments:
                yield ("arguments",), f"there is no argument {name}"
        for name, source in record.reads.items():
            for text in self._source(name, source, record):
                yield ("reads", name), text
        yield from _queries(record, report)
        for index, example in enumerate(record.examples):
            try:
                validation.check(report, example.arguments)
            except InvalidArguments as error:
                yield ("examples", index), str(error)

    def _source(self, name: str, source: Source, record: ReportRecord) -> Iterator[str]:
        endpoint = self.endpoints.get(source.operation)
        operation = self.records.get(source.operation)
        if endpoint is None or operation is None:
            yield f"there is no operation {source.operation}"
            return
        if operation.worst_effect != "read" or "reveals_secret" in operation.worst_hazards:
            yield f"{source.operation} is no harmless read"
        taken, _ = self.spec.arguments(endpoint)
        for argument in source.arguments:
            if argument not in taken:
                yield f"{source.operation} has no argument {argument}"
        found = input_schema.lookup(self.spec.answer(endpoint), source.rows)
        element = (found or {}).get("items", found)
        if element is None:
            yield f"the answer of {source.operation} has no {source.rows}"
        elif element.get("type") != "string":
            for column in source.columns:
                if input_schema.lookup(element, column) is None:
                    yield f"{source.rows} of {source.operation} have no {column}"
        earlier = list(record.reads)[: list(record.reads).index(name)]
        yield from _dangling(source, record, earlier)


def _dangling(source: Source, record: ReportRecord, earlier: list[str]) -> Iterator[str]:
    """The references of a read that lead nowhere."""
    try:
        references = all_in([source.arguments, source.given])
    except ValueError as error:
        yield f"{error} is no reference"
        return
    for one in references:
        head, _, rest = one.path.partition(".")
        name, column = split(head)[0], split(rest.partition(".")[0])[0]
        if one.root == "found" and name in earlier:
            if column not in record.reads[name].columns:
                yield f"the read {name} keeps no {column}"
        elif one.root != "project" and not (one.root == "args" and name in record.arguments):
            yield f"${one.root}.{one.path} leads nowhere; what is found comes from reads before"


def _compiled(name: str, record: ReportRecord, shared: Mapping[str, str]) -> Report:
    arguments = {
        argument: {"type": one.type, "description": one.note}
        for argument, one in record.arguments.items()
    }
    schema: dict[str, Any] = {"type": "object", "properties": arguments}
    if record.required:
        schema["required"] = list(record.required)
    schema["additionalProperties"] = False
    facts = record.model_dump(exclude={"arguments", "uses", "views"})
    views = {view: shared[view] for view in record.uses if view in shared} | record.views
    table = [COLUMNS, ROWS] if record.table else []
    return Report(
        **facts,
        name=name,
        operation_id=name,
        idempotent=True,
        input_schema=schema,
        views=views,
        answer_fields=(*record.sections, *table),
        rows=ROWS if record.table else "",
    )


def _queries(record: ReportRecord, report: Report) -> Iterator[tuple[Any, str]]:
    """What SQLite says against the queries, on tables that are empty."""
    surplus = {ARGUMENTS, MISSING} & {*record.reads, *report.views}
    if surplus or {*record.reads} & {*report.views}:
        yield (), "two tables have the same name"
        return
    if absent := [view for view in record.uses if view not in report.views]:
        yield ("uses",), f"{_SHARED}.yaml has no {', '.join(absent)}"
    if not (record.sections or record.table):
        yield (), "it answers nothing: neither sections nor a table"
    for key, one in _one_by_one(report):
        try:
            report_tables.answer(one, {}, {}, ())
        except sqlite3.Error as error:
            yield key, f"the query does not fit the tables: {error}"


def _one_by_one(report: Report) -> Iterator[tuple[Any, Report]]:
    """The report once with each of its queries."""
    bare = report.model_copy(update={"sections": {}, "table": ""})
    for name, section in report.sections.items():
        yield ("sections", name), bare.model_copy(update={"sections": {name: section}})
    if report.table:
        yield ("table",), bare.model_copy(update={"table": report.table})
