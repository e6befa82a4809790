"""Whether a record fits the contract and the other records."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from descope_mcp.catalog import recipe_reference, replacement
from descope_mcp.catalog.build.argument_meanings.marks import arguments_of
from descope_mcp.catalog.build.openapi import Contract, Endpoint
from descope_mcp.catalog.build.record_checks import creation, overwriting, secret_fields, settling
from descope_mcp.catalog.operation_record.recipe import Count, Read, Restore
from descope_mcp.catalog.operation_record.record import Record
from descope_mcp.catalog.operation_record.rule import Rule
from descope_mcp.catalog.schemas import input_schema
from descope_mcp.catalog.wording import consequence_template

MAX_NAME = 46
MAX_SCHEMA = 16_000
MIN_DESCRIPTION_WORDS, MAX_DESCRIPTION_WORDS = 4, 60

#: The schemas of what references can start at, by root.
Roots = dict[str, dict[str, Any]]
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
        if record.draft:
            if record.effect != "destructive" or record.hazards != ("blocked",):
                yield ("draft",), "a draft is destructive and blocked; what was filled in is none"
            return
        properties, places = input_schema.arguments(endpoint, self.spec.schemas)
        own = {"type": "object", "properties": properties}
        yield from _sizes(endpoint, record, own)
        yield from self._arguments(record, own)
        yield from self._secrets(endpoint, record, own)
        yield from self._defines(record, own)
        yield from self._batch(record, own)
        if record.leaves_out and record.effect != "read":
            yield ("leaves_out",), "only a read leaves something out"
        if record.effect == "read" and (record.preview or record.impact or record.restore):
            yield ("effect",), "a read has no preview, impact or restore"
        for index, rule in enumerate(record.when):
            for text in self._rule(rule, own):
                yield ("when", index), text
        yield from self._recipes(endpoint, record, own)
        roots: Roots = {"args": own, "project": {"type": "string"}, **self._seen(record)}
        yield from _words(record, roots)
        yield from ((("settled",), text) for text in settling.problems(record, own, roots))
        yield from creation.problems(endpoint, record, self.records)
        yield from overwriting.problems(endpoint, record, self.records, self.endpoints)
        sent = {name for name, (where, _) in places.items() if where in ("query", "body")}
        held = self._held(record)
        yield from ((("before",), t) for t in replacement.problems(record, own, held, sent))

    def _held(self, record: Record) -> dict[str, Any] | None:
        """The schema of what the preview finds first, of an element where that is a list."""
        step = record.preview[0] if record.preview else None
        if step is None or step.operation not in self.endpoints:
            return None
        answer = input_schema.answer(self.endpoints[step.operation], self.spec.schemas)
        found = input_schema.lookup(answer, step.find)
        return None if found is None else found.get("items", found)

    def _defines(self, record: Record, own: dict[str, Any]) -> Iterator[Problem]:
        """Whoever defines what a role brings says which one, so that a role it hides is noticed."""
        known = {argument.path: argument.parts[-1] for argument in arguments_of(own["properties"])}
        brings = "permissionNames" in known.values()
        if brings and record.worst_effect != "read" and record.defines is None:
            yield (), "takes permissionNames and does not say of which role (defines)"
        if record.defines:
            each = f"{record.defines.each}[]." if record.defines.each else ""
            for name in (record.defines.name, record.defines.tenant, record.defines.permissions):
                if f"{each}{name}" not in known:
                    yield ("defines",), f"there is no argument {each}{name}"

    def _batch(self, record: Record, own: dict[str, Any]) -> Iterator[Problem]:
        """Whether the batch operation takes what the single one takes."""
        batch = record.batch
        if batch is None:
            return
        if batch.operation not in self.endpoints:
            yield ("batch",), f"there is no operation {batch.operation}"
            return
        several, _ = input_schema.arguments(self.endpoints[batch.operation], self.spec.schemas)
        items = several.get(batch.into, {}).get("items")
        if items is None:
            yield ("batch",), f"{batch.operation} has no list {batch.into}"
        elif batch.each and batch.each not in own["properties"]:
            yield ("batch",), f"there is no argument {batch.each}"
        elif not batch.each and not own["properties"].keys() <= items.get("properties", {}).keys():
            yield ("batch",), f"{batch.operation} does not take all of it in {batch.into}"

    def _secrets(
        self, endpoint: Endpoint, record: Record, own: dict[str, Any]
    ) -> Iterator[Problem]:
        answer = input_schema.answer(endpoint, self.spec.schemas)
        for path in record.secrets:
            if input_schema.lookup(answer, path) is None:
                yield ("secrets",), f"the answer has no {path}"
        if record.once and not (record.secrets or record.scan):
            yield ("once",), "a secret that is shown once must be listed in secrets"
        yield from secret_fields.problems(answer, own, record)

    def _arguments(self, record: Record, own: dict[str, Any]) -> Iterator[Problem]:
        groups: list[tuple[str, tuple[str, ...]]] = [("required", record.required)]
        groups += [("notes", tuple(record.notes)), *(("one_of", group) for group in record.one_of)]
        groups += [("leaves_out", (*one.given, *one.unless)) for one in record.leaves_out]
        for key, names in groups:
            for name in names:
                if name not in own["properties"]:
                    yield (key,), f"there is no argument {name}"
        for path in record.secret_arguments:
            if input_schema.lookup(own, path) is None:
                yield ("secret_arguments",), f"there is no argument {path}"
        for name in record.content:
            if name not in own["properties"]:
                yield ("content",), f"there is no argument {name}"

    def _rule(self, rule: Rule, own: dict[str, Any]) -> Iterator[str]:
        paths = rule.paths
        if not paths:
            yield "the rule has no condition"
        if not (rule.effect or rule.add or rule.drop or rule.say or rule.says or rule.refuse):
            yield "the rule has no consequence"
        if rule.meaning:
            yield "rules follow from meanings by themselves"
        for path in paths:
            if input_schema.lookup(own, path) is None:
                yield f"there is no argument {path}"
        for path in rule.empty if rule.effect or rule.add or rule.refuse else ():
            if "properties" in (input_schema.lookup(own, path) or {}).get("items", {}):
                yield f"{path}: an object without a word makes it no less empty; name its fields"

    def _seen(self, record: Record) -> Roots:
        """The schemas of what the preview finds."""
        held = self._held(record)
        found = {
            step.operation: input_schema.lookup(
                input_schema.answer(self.endpoints[step.operation], self.spec.schemas), step.find
            )
            or {}
            for step in record.preview
            if step.operation in self.endpoints
        }
        return {} if held is None else {"before": held, "found": {"properties": found}}

    def _recipes(
        self, endpoint: Endpoint, record: Record, own: dict[str, Any]
    ) -> Iterator[Problem]:
        roots: Roots = {"args": own, "project": {"type": "string"}}
        found: dict[str, Any] = {}
        for index, step in enumerate(record.preview):
            one = {"element": _element(step.each, roots)} if step.each else {}
            seen, problems = self._read(step, step.find, {**roots, **one})
            problems += _dangling(step.each, roots)
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
        yield from ((("target",), text) for text in _dangling(record.target, roots))
        if endpoint.answer:
            roots = {**roots, "answer": input_schema.answer(endpoint, self.spec.schemas)}
        for index, restore in enumerate(record.restore):
            for text in self._restore(restore, roots):
                yield ("restore", index), text
            before = {earlier.operation for earlier in record.restore[:index]}
            for name in sorted({*(restore.after or ())} - before):
                yield ("restore", index), f"there is no {name} before it to come after"
        if record.worst_effect != "read" and not (record.restore or record.update or record.lost):
            yield (), "says neither how it is undone (restore) nor that it cannot be (lost)"
        if record.update and not record.preview:
            yield ("update",), "an update without a preview cannot be undone"

    def _read(
        self, step: Read | Count, path: str, roots: Roots
    ) -> tuple[dict[str, Any], list[str]]:
        """The schema of what a step finds, and the step's problems."""
        endpoint = self.endpoints.get(step.operation)
        if endpoint is None:
            return {}, [f"there is no operation {step.operation}"]
        properties, _ = input_schema.arguments(endpoint, self.spec.schemas)
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
        problems += _dangling([ways, step.match], roots)
        found = input_schema.lookup(input_schema.answer(endpoint, self.spec.schemas), path)
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
        properties, _ = input_schema.arguments(endpoint, self.spec.schemas)
        wanted = {"type": "object", "properties": properties}
        yield from (f"{restore.operation} {text}" for text in _surplus(restore.arguments, wanted))
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
            yield from _dangling(restore.each, roots)
            roots = {**roots, "item": _element(restore.each, roots)}
        if restore.of:
            yield from _dangling(restore.of, roots)
            roots = {**roots, "element": _element(restore.of, roots)}
        one = roots["element" if restore.of else "item"] if restore.each else {}
        yield from (
            f"there is no {field} in what match looks at"
            for field in restore.match
            if input_schema.lookup(one, field) is None
        )
        rest = [restore.match, restore.given, restore.bare, restore.arguments]
        yield from _dangling(rest, roots)
        alike = _alike(restore.arguments, roots) & set(properties)
        if recipe_reference.LIKE in restore.arguments and not alike:
            yield f"{restore.operation} takes no field of what it shall be like"
        sure = {*alike, *(name for name in restore.arguments if name not in restore.optional)}
        yield from (f"{n} is required and not given" for n in record.required if n not in sure)
        yield from (
            f"one of {', '.join(group)} is required and not given"
            for group in record.one_of
            if not sure & set(group)
        )


def _surplus(value: Any, wanted: dict[str, Any], path: str = "") -> Iterator[str]:
    """The fields that a recipe gives and the request does not take."""
    if isinstance(value, list):
        for item in value:
            yield from _surplus(item, wanted.get("items", {}), path)
    elif isinstance(value, dict) and recipe_reference.EACH in value:
        inner = {key: item for key, item in value.items() if key != recipe_reference.EACH}
        yield from _surplus(inner, wanted.get("items", {}), path)
    elif isinstance(value, dict) and "properties" in wanted:
        for key, item in value.items():
            where = f"{path}.{key}" if path else key
            if key in wanted["properties"]:
                yield from _surplus(item, wanted["properties"][key], where)
            elif key != recipe_reference.LIKE:
                yield f"has no argument {where}"


def _alike(arguments: dict[str, Any], roots: Roots) -> set[str]:
    """The fields of the objects that a call's arguments shall be like."""
    likes = arguments.get(recipe_reference.LIKE, [])
    texts = likes if isinstance(likes, list) else [likes]
    return {name for text in texts for name in _at(text, roots).get("properties", {})}


def _element(text: str, roots: Roots) -> dict[str, Any]:
    """The schema of an element of what a reference leads to, or of that itself if it is no list."""
    found = _at(text, roots)
    element: dict[str, Any] = found.get("items", found)
    return element


def _dangling(value: Any, roots: Roots) -> list[str]:
    """What is wrong with the references in a recipe's value."""
    if isinstance(value, dict) and recipe_reference.EACH in value:
        roots = {**roots, "element": _element(value[recipe_reference.EACH], roots)}
    if isinstance(value, dict):
        return [problem for item in value.values() for problem in _dangling(item, roots)]
    if isinstance(value, (list, tuple)):
        return [problem for item in value for problem in _dangling(item, roots)]
    try:
        ones = recipe_reference.all_in(value)
    except ValueError:
        return [f"{value} is no reference"]
    problems = [f"{value}: there is no {one.root} here" for one in ones if one.root not in roots]
    known = [one for one in ones if one.path and one.root in roots]
    lost = [one for one in known if input_schema.lookup(roots[one.root], one.path) is None]
    return [*problems, *(f"{value} leads nowhere" for _ in lost)]


def _at(text: str, roots: Roots) -> dict[str, Any]:
    """The schema of what a reference leads to; empty for one that leads nowhere."""
    try:
        one = recipe_reference.all_in(text)[0]
    except (ValueError, IndexError):
        return {}
    return input_schema.lookup(roots.get(one.root, {}), one.path) or {}


def _sizes(endpoint: Endpoint, record: Record, own: dict[str, Any]) -> Iterator[Problem]:
    if len(endpoint.name) > MAX_NAME:
        yield (), f"the name is longer than {MAX_NAME} characters; rename it in repairs.yaml"
    words = len(record.description.split())
    if not MIN_DESCRIPTION_WORDS <= words <= MAX_DESCRIPTION_WORDS:
        limits = f"{MIN_DESCRIPTION_WORDS} to {MAX_DESCRIPTION_WORDS}"
        yield ("description",), f"{words} words; {limits} are allowed"
    if len(json.dumps(own)) > MAX_SCHEMA:
        yield (), f"the input schema is longer than {MAX_SCHEMA} characters"


def _words(record: Record, roots: Roots) -> Iterator[Problem]:
    """What is wrong with the words of the consequence; `roots` is what they can refer to."""
    known = {count.key for count in record.impact if count.key}
    known |= {consequence_template.TARGET} if record.target else set()
    compares = record.update or record.before or record.content
    known |= {consequence_template.CHANGES} if compares else set()
    ways: list[tuple[tuple[Any, ...], str]] = [(("says",), record.says)]
    ways += [(("when", index), rule.says) for index, rule in enumerate(record.when)]
    for keys, text in ways:
        try:
            named = list(consequence_template.sources(text))
        except ValueError as error:
            yield keys, str(error)
            continue
        if text.endswith("."):
            yield keys, "the words of the consequence end without a full stop"
        references = [one for one in named if one.startswith("$")]
        yield from ((keys, problem) for problem in _dangling(references, roots))
        for one in named:
            if not one.startswith("$") and one not in known:
                yield keys, f"{{{one}}}: no count of the impact has this key"


def _unknown_fields(step: Read | Count, found: dict[str, Any]) -> list[str]:
    unknown = [field for field in step.match if input_schema.lookup(found, field) is None]
    return [f"what is found has no {field}" for field in unknown]
