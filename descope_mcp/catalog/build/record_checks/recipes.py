"""Whether the recipes of a record fit the contract: what is read, counted and called to undo."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from descope_mcp.catalog import recipe_reference
from descope_mcp.catalog.build.openapi import Contract, Endpoint
from descope_mcp.catalog.build.record_checks.recipe_schemas import (
    Roots,
    dangling,
    element_of,
    like_fields,
    surplus,
)
from descope_mcp.catalog.operation_record.recipe import Count, Read, Restore
from descope_mcp.catalog.operation_record.record import Record
from descope_mcp.catalog.schemas import input_schema

#: The keys that lead to an entry of the record, and what is wrong there.
Problem = tuple[tuple[Any, ...], str]


@dataclass(frozen=True, slots=True)
class Recipes:
    """The recipes of records, checked against the contract and the records, by operation name."""

    spec: Contract
    endpoints: dict[str, Endpoint]
    records: dict[str, Record]

    def seen(self, record: Record) -> Roots:
        """The schemas of what the preview finds."""
        held = self.held(record)
        found = {
            step.operation: input_schema.lookup(
                self.spec.answer(self.endpoints[step.operation]), step.find
            )
            or {}
            for step in record.preview
            if step.operation in self.endpoints
        }
        return {} if held is None else {"before": held, "found": {"properties": found}}

    def held(self, record: Record) -> dict[str, Any] | None:
        """The schema of what the preview finds first, of an element where that is a list."""
        step = record.preview[0] if record.preview else None
        if step is None or step.operation not in self.endpoints:
            return None
        answer = self.spec.answer(self.endpoints[step.operation])
        found = input_schema.lookup(answer, step.find)
        return None if found is None else found.get("items", found)

    def problems(
        self, endpoint: Endpoint, record: Record, own: dict[str, Any]
    ) -> Iterator[Problem]:
        """Everything that is wrong with the recipes of one record."""
        roots: Roots = {"args": own, "project": {"type": "string"}}
        found: dict[str, Any] = {}
        for index, step in enumerate(record.preview):
            one = {"element": element_of(step.each, roots)} if step.each else {}
            seen, problems = self._read(step, step.find, {**roots, **one})
            problems += dangling(step.each, roots)
            element = seen.get("items", seen)
            problems += _unknown_fields(step, element)
            fields = (*step.bare, *step.either)
            problems += [f"{name} is not in match" for name in fields if name not in step.match]
            yield from ((("preview", index), text) for text in problems)
            found[step.operation] = seen
            roots = {"before": element, **roots, "found": {"properties": found}}
        for index, count in enumerate(record.impact):
            seen, problems = self._read(count, count.count, roots)
            problems += _unknown_fields(count, seen.get("items", seen))
            yield from ((("impact", index), text) for text in problems)
        if record.safer and record.safer.operation not in self.endpoints:
            yield ("safer", "operation"), f"there is no operation {record.safer.operation}"
        yield from ((("target",), text) for text in dangling(record.target, roots))
        if endpoint.answer:
            roots = {**roots, "answer": self.spec.answer(endpoint)}
        for index, restore in enumerate(record.restore):
            for text in self._restore(restore, roots):
                yield ("restore", index), text
            before = {earlier.operation for earlier in record.restore[:index]}
            for name in sorted({*(restore.after or ())} - before):
                yield ("restore", index), f"there is no {name} before it to come after"
        if record.worst_effect != "read" and not (record.restore or record.update or record.lost):
            yield (), "says neither how it is undone (restore) nor that it cannot be (lost)"
        if record.lost.startswith("Nothing"):
            yield ("lost",), "names what does not come back; leave it out where that is nothing"
        if record.update and not record.preview:
            yield ("update",), "an update without a preview cannot be undone"

    def _read(
        self, step: Read | Count, path: str, roots: Roots
    ) -> tuple[dict[str, Any], list[str]]:
        """The schema of what a step finds, and the step's problems."""
        endpoint = self.endpoints.get(step.operation)
        if endpoint is None:
            return {}, [f"there is no operation {step.operation}"]
        properties, _ = self.spec.arguments(endpoint)
        name = endpoint.name
        read = self.records.get(name)
        ways = [step.arguments, step.narrow]
        ways += step.otherwise if isinstance(step, Read) else ()
        problems: list[str] = []
        if read and (read.effect != "read" or "reveals_secret" in read.hazards):
            problems.append(f"{name} is no harmless read")
        problems += [
            f"{name} has no argument {a}" for way in ways for a in way if a not in properties
        ]
        problems += dangling([ways, step.match], roots)
        found = input_schema.lookup(self.spec.answer(endpoint), path)
        if found is None:
            return {}, [*problems, f"the answer of {name} has no {path}"]
        return found, problems

    def _restore(self, restore: Restore, roots: Roots) -> Iterator[str]:
        """What is wrong with one call of an undo."""
        endpoint = self.endpoints.get(restore.operation)
        record = self.records.get(restore.operation)
        if endpoint is None or record is None:
            yield f"there is no operation {restore.operation}"
            return
        if record.worst_effect == "read":
            yield f"{restore.operation} only reads"
        properties, _ = self.spec.arguments(endpoint)
        wanted = {"type": "object", "properties": properties}
        yield from (f"{restore.operation} {text}" for text in surplus(restore.arguments, wanted))
        yield from (
            f"{n} is not in arguments" for n in restore.optional if n not in restore.arguments
        )
        own = roots["args"].get("properties", {})
        yield from (
            f"there is no argument {n}"
            for n in (*restore.is_true, *restore.not_true)
            if own.get(n, {}).get("type") != "boolean"
        )
        if not restore.each and (restore.of or restore.match or restore.joined):
            yield "of, match and joined need each"
        if restore.each:
            yield from dangling(restore.each, roots)
            roots = {**roots, "item": element_of(restore.each, roots)}
        if restore.of:
            yield from dangling(restore.of, roots)
            roots = {**roots, "element": element_of(restore.of, roots)}
        one = roots["element" if restore.of else "item"] if restore.each else {}
        yield from (
            f"there is no {field} in what match looks at"
            for field in restore.match
            if input_schema.lookup(one, field) is None
        )
        rest = [restore.match, restore.given, restore.bare, restore.arguments]
        yield from dangling(rest, roots)
        alike = like_fields(restore.arguments, roots) & set(properties)
        if recipe_reference.LIKE in restore.arguments and not alike:
            yield f"{restore.operation} takes no field of what it shall be like"
        sure = {*alike, *(name for name in restore.arguments if name not in restore.optional)}
        yield from (f"{n} is required and not given" for n in record.required if n not in sure)
        yield from (
            f"one of {', '.join(group)} is required and not given"
            for group in record.one_of
            if not sure & set(group)
        )


def _unknown_fields(step: Read | Count, found: dict[str, Any]) -> list[str]:
    unknown = [field for field in step.match if input_schema.lookup(found, field) is None]
    return [f"what is found has no {field}" for field in unknown]
