"""Whether a record fits the contract and the other records."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from descope_mcp.catalog import schema
from descope_mcp.catalog.contract import Contract, Endpoint
from descope_mcp.catalog.record import COMPARISONS, CONDITIONS, Count, Read, Record, Rule

MAX_NAME = 46
MAX_SCHEMA = 16_000
MIN_DESCRIPTION_WORDS, MAX_DESCRIPTION_WORDS = 4, 60

#: The keys that lead to an entry of the record, and what is wrong there.
Problem = tuple[tuple[Any, ...], str]


@dataclass(frozen=True, slots=True)
class Consistency:
    """Checks records against the contract and against each other, both by operation name."""

    spec: Contract
    endpoints: dict[str, Endpoint]
    records: dict[str, Record]

    def problems(self, endpoint: Endpoint, record: Record) -> Iterator[Problem]:
        """Everything that is wrong with one record."""
        properties, _ = schema.arguments(endpoint, self.spec.schemas)
        own = {"type": "object", "properties": properties}
        yield from _sizes(endpoint, record, own)
        yield from self._arguments(record, own)
        yield from self._secrets(endpoint, record)
        if record.effect == "read" and (record.preview or record.impact or record.restore):
            yield ("effect",), "a read has no preview, impact or restore"
        for index, rule in enumerate(record.when):
            for text in self._rule(rule, own):
                yield ("when", index), text
        yield from self._recipes(record, own)

    def _secrets(self, endpoint: Endpoint, record: Record) -> Iterator[Problem]:
        answer = schema.answer(endpoint, self.spec.schemas)
        for path in record.secrets:
            if schema.lookup(answer, path) is None:
                yield ("secrets",), f"the answer has no {path}"
        if record.once and not (record.secrets or record.scan):
            yield ("once",), "a secret that is shown once must be listed in secrets"

    def _arguments(self, record: Record, own: dict[str, Any]) -> Iterator[Problem]:
        groups = (("required", record.required), ("notes", tuple(record.notes)))
        for key, names in (*groups, *(("one_of", group) for group in record.one_of)):
            for name in names:
                if name not in own["properties"]:
                    yield (key,), f"there is no argument {name}"
        for path in record.secret_arguments:
            if schema.lookup(own, path) is None:
                yield ("secret_arguments",), f"there is no argument {path}"
        for name in record.content:
            if name not in own["properties"]:
                yield ("content",), f"there is no argument {name}"

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

    def _recipes(self, record: Record, own: dict[str, Any]) -> Iterator[Problem]:
        before: dict[str, Any] | None = None
        for index, step in enumerate(record.preview):
            found, problems = self._read(step, step.find, own, before)
            problems += _unknown_fields(step, found)
            problems += [f"{name} is not in match" for name in step.bare if name not in step.match]
            yield from ((("preview", index), text) for text in problems)
            if index == 0:
                before = found
        for index, count in enumerate(record.impact):
            found, problems = self._read(count, count.count, own, before)
            problems += _unknown_fields(count, found)
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
        read = self.records.get(name)
        otherwise = step.otherwise if isinstance(step, Read) else {}
        given = [*step.arguments, *otherwise]
        problems: list[str] = []
        if read and (read.effect != "read" or "reveals_secret" in read.hazards):
            problems.append(f"{name} is no harmless read")
        problems += [f"{name} has no argument {a}" for a in given if a not in properties]
        problems += self._references([step.arguments, step.match, otherwise], own, before)
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


def _sizes(endpoint: Endpoint, record: Record, own: dict[str, Any]) -> Iterator[Problem]:
    if len(endpoint.name) > MAX_NAME:
        yield (), f"the name is longer than {MAX_NAME} characters; rename it in repairs.yaml"
    words = len(record.description.split())
    if not MIN_DESCRIPTION_WORDS <= words <= MAX_DESCRIPTION_WORDS:
        limits = f"{MIN_DESCRIPTION_WORDS} to {MAX_DESCRIPTION_WORDS}"
        yield ("description",), f"{words} words; {limits} are allowed"
    if len(json.dumps(own)) > MAX_SCHEMA:
        yield (), f"the input schema is longer than {MAX_SCHEMA} characters"


def _unknown_fields(step: Read | Count, found: dict[str, Any]) -> list[str]:
    unknown = [field for field in step.match if schema.lookup(found, field) is None]
    return [f"what is found has no {field}" for field in unknown]
