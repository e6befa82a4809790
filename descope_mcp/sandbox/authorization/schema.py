"""The project's authorization schema, which the FGA and the older authz operations share.

It is stored in the API's form: namespaces (types) with relation definitions (relations and
permissions). A definition is a tree: inner nodes are ``union``, ``intersect`` and ``sub``, leaves
have an expression, whose kind is

- ``self``: relations that are stored. The target fields say what they may lead to, if anything.
- ``targetSet``: who has another relation to the same resource.
- ``relationRight``: who has a relation to what the resource has a relation to (its parent).
- ``relationLeft``: who has a relation to what has a relation to the resource (its children).

Conditions inside a definition are the one thing that the API's form has no place for: they are
kept in the nodes and left out of answers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from descope_mcp.sandbox.authorization.schema_language import parse
from descope_mcp.sandbox.engine.errors import NO_SCHEMA
from descope_mcp.sandbox.engine.fields import Record
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.engine.tables import Table, register

SCHEMA = register(Table("fga_schema", missing=NO_SCHEMA))

#: Stored relations, in the form of the authz operations. Each is its own key (see `identified`).
RELATIONS = register(
    Table(
        "fga_relations",
        template={
            "resource": "",
            "relationDefinition": "",
            "namespace": "",
            "target": "",
            "targetNamespace": "",
            "targetSetResource": "",
            "targetSetRelationDefinition": "",
            "targetSetRelationDefinitionNamespace": "",
            "query": None,
        },
    )
)

#: When which targets and resources, or the schema, were changed.
CHANGES = register(Table("fga_changes", "F"))

#: There is one schema at most.
KEY = "schema"

EMPTY: Record = {"name": "", "namespaces": [], "conditions": []}

Definitions = dict[tuple[str, str], Record]


class Losses(NamedTuple):
    """What a new schema does away with: types, and relations of types that stay."""

    types: list[str]
    relations: list[str]


@handles("GetFGASchema")
def get_fga_schema(state: State, arguments: Arguments) -> Answer:
    """The schema as text and in the API's form; empty if there is none."""
    stored = state.find(SCHEMA, id=KEY)
    return {"dsl": stored["dsl"] if stored else "", "schema": shown(current(state))}


@handles("DryRunSchema", required=["dsl"])
def dry_run_schema(state: State, arguments: Arguments) -> Answer:
    """What `create_fga_schema` would delete; an error if it would fail."""
    lost = losses(current(state), parse(arguments["dsl"]))
    has_deletes = bool(lost.types or lost.relations)
    return {"deletesPreview": {"hasDeletes": has_deletes, **lost._asdict()}}


@handles("CreateFGASchema", required=["dsl"])
def create_fga_schema(state: State, arguments: Arguments) -> Answer:
    """Replace the schema, and delete the relations that it has no place for."""
    dsl = arguments["dsl"]
    save(state, parse(dsl), dsl)
    return {}


def current(state: State) -> Record:
    """The schema, which without one has nothing in it."""
    stored = state.find(SCHEMA, id=KEY)
    return stored["schema"] if stored else EMPTY


def save(state: State, schema: Record, dsl: str) -> None:
    """Make `schema` the project's, and delete the relations of what it no longer has."""
    lost = losses(current(state), schema)
    for relation in state.all(RELATIONS):
        name = f"{relation['namespace']}#{relation['relationDefinition']}"
        if relation["namespace"] in lost.types or name in lost.relations:
            state.delete(RELATIONS, relation["id"])
    replace(state, schema, dsl)
    state.record("AuthzSchemaModified", data={"deleted": [*lost.types, *lost.relations]})


def replace(state: State, schema: Record, dsl: str) -> None:
    """Write the schema alone, and note that it changed."""
    stored = state.find(SCHEMA, id=KEY)
    version = stored["version"] + 1 if stored else 1
    fields = {"schema": schema, "dsl": dsl, "version": version}
    if stored:
        state.change(SCHEMA, stored, fields)
    else:
        state.add(SCHEMA, {"id": KEY, **fields})
    note_change(state, schema=True)


def note_change(state: State, *relations: Mapping[str, Any], schema: bool = False) -> None:
    """Write down for GetModified that relations or the schema changed just now."""
    state.add(
        CHANGES,
        {
            "time": state.now_ms(),
            "targets": sorted({r["target"] or r["targetSetResource"] for r in relations} - {""}),
            "resources": sorted({r["resource"] for r in relations}),
            "schema": schema,
        },
    )


def identified(relation: Mapping[str, Any]) -> Record:
    """A relation with its key, which says all that is in it: so none is stored twice."""
    fields = {name: relation[name] for name in RELATIONS.template}
    return {**fields, "id": json.dumps(list(fields.values()), sort_keys=True)}


def definitions(schema: Mapping[str, Any]) -> Definitions:
    """Every relation definition by namespace and name."""
    return {
        (namespace["name"], definition["name"]): definition
        for namespace in schema["namespaces"]
        for definition in namespace["relationDefinitions"]
    }


def losses(old: Mapping[str, Any], new: Mapping[str, Any]) -> Losses:
    """The types and relations of `old` that are not in `new`, or there have other targets.

    Permissions are not among them, for nothing is stored for them; nor does it matter which
    conditions a relation has.
    """
    types = {n["name"] for n in new["namespaces"]}
    after = definitions(new)
    relations = [
        f"{namespace}#{name}"
        for (namespace, name), definition in definitions(old).items()
        if namespace in types
        and (targets := set(stored_targets(definition)))
        and not (
            (namespace, name) in after and targets == set(stored_targets(after[namespace, name]))
        )
    ]
    return Losses([n["name"] for n in old["namespaces"] if n["name"] not in types], relations)


def stored_targets(definition: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What relations stored for a definition may lead to: type, and relation for a target set.

    A pair of empty strings is anything. Nothing comes for a permission.
    """
    for expression in _expressions(definition["complexDefinition"]):
        if expression is None:
            yield "", ""
        elif expression["neType"] == "self":
            yield (
                expression["targetRelationDefinitionNamespace"],
                expression["targetRelationDefinition"],
            )


def _expressions(node: Mapping[str, Any] | None) -> Iterator[Mapping[str, Any] | None]:
    """The expressions of all leaves; a definition without a tree has None as its only one."""
    if node is None or node["nType"] == "child":
        yield node["expression"] if node else None
    else:
        for child in node["children"]:
            yield from _expressions(child)


def shown(schema: Mapping[str, Any]) -> Record:
    """The schema as answers have it."""
    namespaces = [
        {
            "name": namespace["name"],
            "relationDefinitions": [
                {**d, "complexDefinition": _shown_node(d["complexDefinition"])}
                for d in namespace["relationDefinitions"]
            ],
        }
        for namespace in schema["namespaces"]
    ]
    return {**schema, "namespaces": namespaces}


def _shown_node(node: Mapping[str, Any] | None) -> Record | None:
    if node is None:
        return None
    children = [_shown_node(child) for child in node["children"]]
    return {"nType": node["nType"], "children": children, "expression": node["expression"]}
