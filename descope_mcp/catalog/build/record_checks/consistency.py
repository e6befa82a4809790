"""Whether a record fits the contract and the other records."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from descope_mcp.catalog import replacement
from descope_mcp.catalog.build.argument_meanings.marks import arguments_of
from descope_mcp.catalog.build.openapi import Contract, Endpoint
from descope_mcp.catalog.build.record_checks import creation, overwriting, secret_fields, settling
from descope_mcp.catalog.build.record_checks.recipe_schemas import Roots, dangling
from descope_mcp.catalog.build.record_checks.recipes import Problem, Recipes
from descope_mcp.catalog.operation_record.record import Record
from descope_mcp.catalog.operation_record.rule import Rule
from descope_mcp.catalog.schemas import input_schema
from descope_mcp.catalog.wording import consequence_template

MAX_NAME = 46
MAX_SCHEMA = 16_000
MIN_DESCRIPTION_WORDS, MAX_DESCRIPTION_WORDS = 4, 60


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
        properties, places = self.spec.arguments(endpoint)
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
        recipes = Recipes(self.spec, self.endpoints, self.records)
        yield from recipes.problems(endpoint, record, own)
        roots: Roots = {"args": own, "project": {"type": "string"}, **recipes.seen(record)}
        yield from _words(record, roots)
        yield from ((("settled",), text) for text in settling.problems(record, own, roots))
        yield from creation.problems(endpoint, record, self.records)
        yield from overwriting.problems(endpoint, record, self.records, self.endpoints)
        sent = {name for name, (where, _) in places.items() if where in ("query", "body")}
        held = recipes.held(record)
        yield from ((("before",), t) for t in replacement.problems(record, own, held, sent))

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
        several, _ = self.spec.arguments(self.endpoints[batch.operation])
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
        answer = self.spec.answer(endpoint)
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
        yield from ((keys, problem) for problem in dangling(references, roots))
        for one in named:
            if not one.startswith("$") and one not in known:
                yield keys, f"{{{one}}}: no count of the impact has this key"
