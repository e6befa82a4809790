"""Relations by the older authz operations, and the questions that FGA schemas answer as well."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from descope_mcp.sandbox.authorization.check import Evaluation, Subject
from descope_mcp.sandbox.authorization.relations import remove, store
from descope_mcp.sandbox.authorization.schema import CHANGES, RELATIONS
from descope_mcp.sandbox.engine.errors import INVALID, DescopeError
from descope_mcp.sandbox.engine.fields import Record, distinct, fill, integer, objects, strings
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles, require
from descope_mcp.sandbox.engine.state import State

_QUERY: Record = {
    "tenants": [],
    "roles": [],
    "text": "",
    "statuses": [],
    "ssoOnly": False,
    "withTestUser": False,
    "customAttributes": {},
}
_QUESTION: Record = {"resource": "", "relationDefinition": "", "namespace": "", "target": ""}


@handles("CreateRelations", required=["relations[]"])
def create_relations(state: State, arguments: Arguments) -> Answer:
    """Store relations to a target, a target set or the users that a query finds."""
    store(state, [_relation(item) for item in objects(arguments, "relations")])
    return {}


@handles("DeleteRelations", required=["relations[]"])
def delete_relations(state: State, arguments: Arguments) -> Answer:
    """Delete relations; those that are not there are passed over."""
    remove(state, [_relation(item) for item in objects(arguments, "relations")])
    return {}


@handles("DeleteRelationsForResources", required=["resources[]"])
def delete_relations_for_resources(state: State, arguments: Arguments) -> Answer:
    """Delete every relation that has one of the ids as resource, as target or as target set."""
    ids = strings(arguments, "resources")
    ends = ("resource", "target", "targetSetResource")
    remove(state, [r for r in state.all(RELATIONS) if any(r[end] in ids for end in ends)])
    return {}


@handles("DeleteResourceRelationsForResources", required=["resources[]"])
def delete_resource_relations_for_resources(state: State, arguments: Arguments) -> Answer:
    """Delete every relation that has one of the ids as resource."""
    ids = strings(arguments, "resources")
    remove(state, [r for r in state.all(RELATIONS) if r["resource"] in ids])
    return {}


@handles("ResourceRelations", required=["resource"])
def resource_relations(state: State, arguments: Arguments) -> Answer:
    """The relations stored for a resource, of whatever type."""
    asked = fill({"resource": "", "ignoreTargetSetRelations": False}, arguments)
    found = state.all(RELATIONS, resource=asked["resource"])
    if asked["ignoreTargetSetRelations"]:
        found = [relation for relation in found if not relation["targetSetResource"]]
    return {"relations": [_shown(relation) for relation in found]}


@handles("TargetsRelations", required=["targets[]"])
def targets_relations(state: State, arguments: Arguments) -> Answer:
    """The relations stored for targets; those of target sets that they name only if asked for."""
    ids = strings(arguments, "targets")
    ends = ["target"]
    if arguments.get("includeTargetSetRelations"):
        ends.append("targetSetResource")
    found = [r for r in state.all(RELATIONS) if any(r[end] in ids for end in ends)]
    return {"relations": [_shown(relation) for relation in found]}


@handles("HasRelations", required=["relationQueries[]"])
def has_relations(state: State, arguments: Arguments) -> Answer:
    """Which relations hold, stored or derived, and which of them are stored as they are."""
    evaluation = Evaluation(state)
    queries, direct = [], []
    for item in objects(arguments, "relationQueries"):
        asked = fill(_QUESTION, item)
        require(asked, *_QUESTION)
        path = evaluation.path(
            asked["namespace"],
            asked["resource"],
            asked["relationDefinition"],
            Subject(asked["target"]),
        )
        queries.append({**asked, "hasRelation": path is not None})
        direct.append(path is not None and len(path) == 1 and _is_stored(asked, path[0]))
    return {"relationQueries": queries, "directRelations": direct}


@handles("WhoCanAccess", required=["resource", "relationDefinition", "namespace"])
def who_can_access(state: State, arguments: Arguments) -> Answer:
    """Everything that has the relation or permission to the resource."""
    evaluation = Evaluation(state)
    key = (arguments["namespace"], arguments["resource"], arguments["relationDefinition"])
    found = [i for i in evaluation.subjects() if evaluation.path(*key, Subject(i)) is not None]
    return {"targets": found}


@handles("WhatCanTargetAccess", required=["target"])
def what_can_target_access(state: State, arguments: Arguments) -> Answer:
    """Every relation and permission that the target has, stored or derived."""
    evaluation, subject = Evaluation(state), Subject(arguments["target"])
    found = [
        {
            **_shown(RELATIONS.template),
            "resource": resource,
            "relationDefinition": name,
            "namespace": namespace,
            "target": subject.id,
        }
        for namespace, resource in evaluation.resources()
        for name in evaluation.names(namespace)
        if evaluation.path(namespace, resource, name, subject) is not None
    ]
    return {"relations": found}


@handles("WhatCanTargetAccessWithRelation", required=["target", "relationDefinition", "namespace"])
def what_can_target_access_with_relation(state: State, arguments: Arguments) -> Answer:
    """The resources of a type to which the target has one relation or permission."""
    evaluation, subject = Evaluation(state), Subject(arguments["target"])
    namespace, name = arguments["namespace"], arguments["relationDefinition"]
    found = [
        resource
        for of, resource in evaluation.resources()
        if of == namespace and evaluation.path(namespace, resource, name, subject) is not None
    ]
    return {"resources": found}


@handles("GetModified")
def get_modified(state: State, arguments: Arguments) -> Answer:
    """The targets and resources whose relations changed since a time in milliseconds."""
    since = integer(arguments, "since")
    changes = [change for change in state.all(CHANGES) if change["time"] >= since]
    return {
        "targets": distinct(i for change in changes for i in change["targets"]),
        "resources": distinct(i for change in changes for i in change["resources"]),
        "schemaChanged": any(change["schema"] for change in changes),
    }


def _relation(item: Mapping[str, Any]) -> Record:
    """A relation as it is stored, from one of a request."""
    fields = fill({name: "" for name in RELATIONS.template if name != "query"}, item)
    require(fields, "resource", "relationDefinition", "namespace")
    query = fill({"query": {}}, item)["query"]
    ends = [bool(fields["target"]), bool(fields["targetSetResource"]), bool(query)]
    if sum(ends) != 1:
        raise DescopeError(INVALID, "A relation needs a target, a target set or a query")
    return {**fields, "query": fill(_QUERY, query) if query else None}


def _shown(relation: Mapping[str, Any]) -> Record:
    return {name: relation[name] for name in RELATIONS.template}


def _is_stored(asked: Mapping[str, Any], relation: Mapping[str, Any]) -> bool:
    return all(relation[name] == asked[name] for name in _QUESTION)
