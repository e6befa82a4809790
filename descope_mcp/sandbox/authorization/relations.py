"""Relations (tuples) of the FGA operations: storing, deleting and checking them.

A target set is given as ``"targetType": "group#member"`` with the group as target.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from descope_mcp.sandbox.authorization.check import Evaluation, Subject
from descope_mcp.sandbox.authorization.schema import (
    RELATIONS,
    current,
    definitions,
    identified,
    note_change,
    stored_targets,
)
from descope_mcp.sandbox.engine.errors import INVALID_RELATION, DescopeError
from descope_mcp.sandbox.engine.fields import Record, fill, objects
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles, require
from descope_mcp.sandbox.engine.state import State

_TUPLE: Record = {
    "resource": "",
    "resourceType": "",
    "relation": "",
    "target": "",
    "targetType": "",
}


@handles("CreateFGARelations", required=["tuples[]"])
def create_fga_relations(state: State, arguments: Arguments) -> Answer:
    """Store relations that the schema provides for; one that does not fit stops all of them."""
    store(state, [_stored(item) for item in objects(arguments, "tuples")])
    return {}


@handles("DeleteFGARelations", required=["tuples[]"])
def delete_fga_relations(state: State, arguments: Arguments) -> Answer:
    """Delete relations; those that are not there are passed over."""
    remove(state, [_stored(item) for item in objects(arguments, "tuples")])
    return {}


@handles("DeleteAllFGARelations")
def delete_all_fga_relations(state: State, arguments: Arguments) -> Answer:
    """Delete every relation of the project; the schema stays."""
    remove(state, state.all(RELATIONS))
    return {}


@handles("Check", required=["tuples[]"])
def check(state: State, arguments: Arguments) -> Answer:
    """Whether each relation or permission holds, and why."""
    context = fill({"context": {}}, arguments)["context"]
    steps = bool(arguments.get("computePaths"))
    tuples = [fill(_TUPLE, item) for item in objects(arguments, "tuples")]
    return {"tuples": [_checked(Evaluation(state, context), asked, steps) for asked in tuples]}


def _checked(evaluation: Evaluation, asked: Record, with_path: bool) -> Record:
    require(asked, *_TUPLE)
    namespace, _, relation = asked["targetType"].partition("#")
    subject = Subject(asked["target"], namespace, relation)
    path = evaluation.path(asked["resourceType"], asked["resource"], asked["relation"], subject)
    steps = [shown(relation) for relation in path or []]
    info: Record = {
        "direct": steps == [asked],
        "path": None,
        "conditional": evaluation.conditional,
        "missingContext": [] if path is not None else list(evaluation.missing),
        "conditionalErr": evaluation.error,
    }
    if with_path and path is not None:
        info["path"] = {
            "steps": [
                {
                    "stepType": 0,  # an enum whose numbers are not established
                    "tuple": step,
                    "permission": "" if info["direct"] else asked["relation"],
                    "subPaths": [],
                }
                for step in steps
            ]
        }
    return {"allowed": path is not None, "tuple": asked, "info": info}


def store(state: State, relations: list[Record]) -> None:
    """Store relations, in the stored form, that are not there yet.

    Raises:
        DescopeError: the schema has no place for one of them.
    """
    known = definitions(current(state))
    new = []
    for relation in relations:
        name = f"{relation['namespace']}#{relation['relationDefinition']}"
        definition = known.get((relation["namespace"], relation["relationDefinition"]))
        if definition is None:
            raise _misfit(f"the schema has no {name}")
        allowed = set(stored_targets(definition))
        if relation["targetSetResource"]:
            to = (
                relation["targetSetRelationDefinitionNamespace"],
                relation["targetSetRelationDefinition"],
            )
        else:
            to = (relation["targetNamespace"], "")
        if not allowed or not (("", "") in allowed or to in allowed or to == ("", "")):
            kind = "#".join(part for part in to if part) or "anything"
            raise _misfit(f"{name} cannot be given to {kind}")
        own = identified(relation)
        if state.find(RELATIONS, id=own["id"]) is None:
            new.append(state.add(RELATIONS, own))
    if new:
        note_change(state, *new)
        state.record("AuthzRelationsCreated", data={"count": len(new)})


def remove(state: State, relations: list[Record]) -> None:
    """Delete those of `relations` that are stored."""
    ids = [identified(relation)["id"] for relation in relations]
    gone = [state.delete(RELATIONS, i) for i in ids if state.find(RELATIONS, id=i)]
    if gone:
        note_change(state, *gone)
        state.record("AuthzRelationsDeleted", data={"count": len(gone)})


def shown(relation: Mapping[str, Any]) -> Record:
    """A stored relation as the FGA operations have it."""
    parts = (
        relation["targetSetRelationDefinitionNamespace"],
        relation["targetSetRelationDefinition"],
    )
    return {
        "resource": relation["resource"],
        "resourceType": relation["namespace"],
        "relation": relation["relationDefinition"],
        "target": relation["targetSetResource"] or relation["target"],
        "targetType": "#".join(parts) if parts[1] else relation["targetNamespace"],
    }


def _stored(item: Mapping[str, Any]) -> Record:
    asked = fill(_TUPLE, item)
    require(asked, *_TUPLE)
    namespace, _, relation = asked["targetType"].partition("#")
    to: Record = {"target": asked["target"], "targetNamespace": namespace}
    if relation:
        to = {
            "targetSetResource": asked["target"],
            "targetSetRelationDefinition": relation,
            "targetSetRelationDefinitionNamespace": namespace,
        }
    return {
        **RELATIONS.template,
        "resource": asked["resource"],
        "relationDefinition": asked["relation"],
        "namespace": asked["resourceType"],
        **to,
    }


def _misfit(text: str) -> DescopeError:
    return DescopeError(INVALID_RELATION, f"{INVALID_RELATION.description}: {text}")
