"""The schema by the older authz operations: JSON in, in whole or one namespace at a time.

They work on the same schema as the FGA ones. What they save has no text, so GetFGASchema has none
for it until CreateFGASchema is called again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from descope_mcp.sandbox.authorization.schema import (
    KEY,
    RELATIONS,
    SCHEMA,
    current,
    identified,
    note_change,
    save,
    shown,
)
from descope_mcp.sandbox.engine.errors import INVALID_SCHEMA, NO_SCHEMA, DescopeError, missing
from descope_mcp.sandbox.engine.fields import Record, fill, objects, one_of
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles, require
from descope_mcp.sandbox.engine.state import State

_EXPRESSION: Record = {
    "neType": "",
    "relationDefinition": "",
    "relationDefinitionNamespace": "",
    "targetRelationDefinition": "",
    "targetRelationDefinitionNamespace": "",
}
_NODE_KINDS = ("child", "union", "intersect", "sub")
_EXPRESSION_KINDS = ("self", "targetSet", "relationLeft", "relationRight")

#: The fields that name a namespace and a relation definition of it.
_PAIRS_OF_RELATION = (
    ("namespace", "relationDefinition"),
    ("targetSetRelationDefinitionNamespace", "targetSetRelationDefinition"),
    ("targetNamespace", ""),
)
_PAIRS_OF_EXPRESSION = (
    ("relationDefinitionNamespace", "relationDefinition"),
    ("targetRelationDefinitionNamespace", "targetRelationDefinition"),
)

#: A definition that is nested deeper is certainly not meant.
_DEEPEST = 50


@handles("LoadSchema")
def load_schema(state: State, arguments: Arguments) -> Answer:
    """The schema in the API's form; empty if there is none."""
    return {"schema": shown(current(state))}


@handles("SaveSchema")
def save_schema(state: State, arguments: Arguments) -> Answer:
    """Overwrite the namespaces that are given; with ``upgrade`` the others go."""
    given = fill({"schema": {}, "upgrade": False}, arguments)
    _require_object(given, "schema")
    schema = fill({"name": "", "namespaces": [], "conditions": []}, given["schema"])
    new = [_namespace(item) for item in objects(schema, "namespaces")]
    conditions = [_condition(item) for item in objects(schema, "conditions")]
    before = current(state)
    if not given["upgrade"]:
        names = {n["name"] for n in new}
        new = [n for n in before["namespaces"] if n["name"] not in names] + new
        known = {c["name"] for c in conditions}
        conditions = [c for c in before["conditions"] if c["name"] not in known] + conditions
    save(state, {"name": schema["name"], "namespaces": new, "conditions": conditions}, "")
    return {}


@handles("DeleteSchema")
def delete_schema(state: State, arguments: Arguments) -> Answer:
    """Delete the schema and every relation."""
    for stored in state.all(SCHEMA):
        state.delete(SCHEMA, stored["id"])
    gone = [state.delete(RELATIONS, relation["id"]) for relation in state.all(RELATIONS)]
    note_change(state, *gone, schema=True)
    state.record("AuthzSchemaDeleted")
    return {}


@handles("SaveNamespace")
def save_namespace(state: State, arguments: Arguments) -> Answer:
    """Add a namespace, or give one new definitions; those that are not mentioned stay."""
    given = fill({"namespace": {}, "oldName": "", "schemaName": ""}, arguments)
    _require_object(given, "namespace")
    new = _namespace(given["namespace"])
    name, old = new["name"], given["oldName"]
    if old and old != name:
        _namespace_of(state, old)
        _ensure_free(name, [n["name"] for n in current(state)["namespaces"]])
        _rename(state, lambda of, d: (name if of == old else of, d))
    present = [n for n in current(state)["namespaces"] if n["name"] == name]
    own = {d["name"]: d for n in [*present, new] for d in n["relationDefinitions"]}
    changed = {"name": name, "relationDefinitions": list(own.values())}
    _save_namespaces(state, given["schemaName"], {name: changed})
    return {}


@handles("DeleteNamespace", required=["name"])
def delete_namespace(state: State, arguments: Arguments) -> Answer:
    """Delete a namespace with its relations."""
    _namespace_of(state, arguments["name"])
    _save_namespaces(state, _schema_name(arguments), {arguments["name"]: None})
    return {}


@handles("SaveRelationDefinition", required=["namespace"])
def save_relation_definition(state: State, arguments: Arguments) -> Answer:
    """Add a definition to a namespace, or replace the one of the same or the old name."""
    given = fill({"relationDefinition": {}, "oldName": ""}, arguments)
    _require_object(given, "relationDefinition")
    new = _definition(given["relationDefinition"])
    name, old, namespace_name = new["name"], given["oldName"], arguments["namespace"]
    if old and old != name:
        own = _definitions_of(_namespace_of(state, namespace_name))
        if old not in own:
            raise DescopeError(NO_SCHEMA, f"Relation definition not found: {old}")
        _ensure_free(name, own)
        _rename(state, lambda of, d: (of, name if (of, d) == (namespace_name, old) else d))
    namespace = _namespace_of(state, namespace_name)
    own = _definitions_of(namespace) | {name: new}
    changed = {**namespace, "relationDefinitions": list(own.values())}
    _save_namespaces(state, _schema_name(arguments), {namespace["name"]: changed})
    return {}


@handles("DeleteRelationDefinition", required=["name", "namespace"])
def delete_relation_definition(state: State, arguments: Arguments) -> Answer:
    """Delete a definition with its relations."""
    namespace = _namespace_of(state, arguments["namespace"])
    kept = [d for d in namespace["relationDefinitions"] if d["name"] != arguments["name"]]
    if len(kept) == len(namespace["relationDefinitions"]):
        raise DescopeError(NO_SCHEMA, f"Relation definition not found: {arguments['name']}")
    changed = {**namespace, "relationDefinitions": kept}
    _save_namespaces(state, _schema_name(arguments), {namespace["name"]: changed})
    return {}


def _require_object(arguments: Mapping[str, Any], name: str) -> None:
    """As `require`, for a field that holds an object."""
    if not arguments[name]:
        raise missing(name)


def _ensure_free(name: str, taken: Iterable[str]) -> None:
    if name in taken:
        raise DescopeError(INVALID_SCHEMA, f"There is a {name} already")


def _schema_name(arguments: Arguments) -> str:
    return str(fill({"schemaName": ""}, arguments)["schemaName"])


def _definitions_of(namespace: Mapping[str, Any]) -> dict[str, Record]:
    return {d["name"]: d for d in namespace["relationDefinitions"]}


def _namespace_of(state: State, name: str) -> Record:
    for namespace in current(state)["namespaces"]:
        if namespace["name"] == name:
            return dict(namespace)
    raise DescopeError(NO_SCHEMA, f"Namespace not found: {name}")


def _save_namespaces(state: State, schema_name: str, changes: Mapping[str, Record | None]) -> None:
    """Save the schema with some namespaces changed, added or, with None, deleted."""
    schema = current(state)
    by_name = {n["name"]: n for n in schema["namespaces"]} | dict(changes)
    namespaces = [namespace for namespace in by_name.values() if namespace]
    new = {**schema, "name": schema_name or schema["name"], "namespaces": namespaces}
    save(state, new, "")


def _rename(state: State, new: Callable[[str, str], tuple[str, str]]) -> None:
    """Let the schema and the stored relations follow new names.

    `new` gives the namespace and the relation definition that take the place of two others.
    """
    for relation in state.all(RELATIONS):
        fields = _renamed(relation, _PAIRS_OF_RELATION, new)
        if fields != relation:
            state.delete(RELATIONS, relation["id"])
            state.add(RELATIONS, identified(fields))
    namespaces = []
    for namespace in current(state)["namespaces"]:
        own = [
            {
                **definition,
                "name": new(namespace["name"], definition["name"])[1],
                "complexDefinition": _renamed_node(definition["complexDefinition"], new),
            }
            for definition in namespace["relationDefinitions"]
        ]
        namespaces.append({"name": new(namespace["name"], "")[0], "relationDefinitions": own})
    stored = state.get(SCHEMA, KEY)
    state.change(SCHEMA, stored, {"schema": {**stored["schema"], "namespaces": namespaces}})


def _renamed_node(node: Record | None, new: Callable[[str, str], tuple[str, str]]) -> Record | None:
    if node is None:
        return None
    expression = node["expression"] and _renamed(node["expression"], _PAIRS_OF_EXPRESSION, new)
    children = [_renamed_node(child, new) for child in node["children"]]
    return {**node, "expression": expression, "children": children}


def _renamed(
    record: Mapping[str, Any],
    pairs: Iterable[tuple[str, str]],
    new: Callable[[str, str], tuple[str, str]],
) -> Record:
    out = dict(record)
    for namespace, definition in pairs:
        names = new(out[namespace], out.get(definition, ""))
        out |= {k: v for k, v in zip((namespace, definition), names, strict=True) if k in out}
    return out


def _namespace(item: Mapping[str, Any]) -> Record:
    namespace = fill({"name": "", "relationDefinitions": []}, item)
    require(namespace, "name")
    own = [_definition(d) for d in objects(namespace, "relationDefinitions")]
    return {"name": namespace["name"], "relationDefinitions": own}


def _definition(item: Mapping[str, Any]) -> Record:
    fields = fill({"name": "", "complexDefinition": {}, "conditionExpr": ""}, item)
    require(fields, "name")
    tree = fields["complexDefinition"]
    return {**fields, "complexDefinition": _node(tree) if tree else None}


def _node(item: Mapping[str, Any], depth: int = 0) -> Record:
    if depth > _DEEPEST:
        raise DescopeError(INVALID_SCHEMA, "The definition is nested too deeply")
    node = fill({"nType": "child", "children": [], "expression": {}}, item)
    one_of("nType", node["nType"], _NODE_KINDS)
    children = [_node(child, depth + 1) for child in objects(node, "children")]
    expression = None
    if node["nType"] == "child":
        expression = fill(_EXPRESSION, node["expression"])
        one_of("neType", expression["neType"], _EXPRESSION_KINDS)
    return {
        "nType": node["nType"],
        "children": children,
        "expression": expression,
        "conditionExpr": "",
    }


def _condition(item: Mapping[str, Any]) -> Record:
    fields = fill({"name": "", "params": [], "expression": "", "builtin": False}, item)
    require(fields, "name", "expression")
    params = [fill({"name": "", "type": ""}, p) for p in objects(fields, "params")]
    return {**fields, "params": params}
