"""Deciding who has which relation to what, by the schema, the stored relations and conditions."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from descope_mcp.sandbox.authorization.expressions import Undecided, Unusable, evaluate
from descope_mcp.sandbox.authorization.schema import RELATIONS, current, definitions
from descope_mcp.sandbox.engine.errors import INVALID, DescopeError
from descope_mcp.sandbox.engine.fields import Record
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.users.search import search_users

#: More users than a project in the sandbox has.
_ALL_USERS = 1_000_000

#: How many relations and permissions may follow from one another in one question.
_DEEPEST = 100

_SELF: Record = {
    "neType": "self",
    "targetRelationDefinition": "",
    "targetRelationDefinitionNamespace": "",
}


class Subject(NamedTuple):
    """Whom a question is about: an id and, if known, its type; a target set has a relation too."""

    id: str
    namespace: str = ""
    relation: str = ""

    def means(self, other: Subject) -> bool:
        """Whether both are the same, as far as their types are known."""
        same = (self.id, self.relation) == (other.id, other.relation)
        return same and (not self.namespace or other.namespace in ("", self.namespace))


#: The stored relations that together give a relation; None if nothing gives it.
Path = list[Record] | None


def subject_of(relation: Mapping[str, Any]) -> Subject:
    """What a stored relation leads to."""
    if relation["targetSetResource"]:
        return Subject(
            relation["targetSetResource"],
            relation["targetSetRelationDefinitionNamespace"],
            relation["targetSetRelationDefinition"],
        )
    return Subject(relation["target"], relation["targetNamespace"])


class Evaluation:
    """Answers questions on one state of the schema and the relations.

    Attributes:
        conditional: a condition had a say in an answer.
        missing: the values that conditions needed and `context` does not have.
        error: why a condition could not be evaluated.
    """

    def __init__(self, state: State, context: Mapping[str, Any] | None = None) -> None:
        schema = current(state)
        self.conditional = False
        self.missing: dict[str, None] = {}
        self.error = ""
        self._state = state
        self._context = context or {}
        self._definitions = definitions(schema)
        self._conditions = {c["name"]: c["expression"] for c in schema["conditions"]}
        self._stored: dict[tuple[str, str, str], list[Record]] = defaultdict(list)
        self._matched: dict[str, set[str]] = {}
        self._open: set[tuple[str, str, str, Subject]] = set()
        for relation in state.all(RELATIONS):
            key = (relation["namespace"], relation["resource"], relation["relationDefinition"])
            self._stored[key].append(relation)

    def resources(self) -> list[tuple[str, str]]:
        """Every resource that relations are stored for: type and id."""
        return list(dict.fromkeys((namespace, resource) for namespace, resource, _ in self._stored))

    def names(self, namespace: str) -> list[str]:
        """The relations and permissions of a type."""
        return [name for of, name in self._definitions if of == namespace]

    def subjects(self) -> list[str]:
        """The id of everything that could have a relation, target sets apart."""
        found: dict[str, None] = {}
        for relations in self._stored.values():
            for relation in relations:
                if relation["query"]:
                    found.update(dict.fromkeys(sorted(self._users(relation["query"]))))
                elif relation["target"]:
                    found[relation["target"]] = None
        return list(found)

    def path(self, namespace: str, resource: str, name: str, subject: Subject) -> Path:
        """What gives `subject` the relation or permission `name` to the resource.

        A question that leads back to itself has no answer there.
        """
        definition = self._definitions.get((namespace, name))
        key = (namespace, resource, name, subject)
        if definition is None or key in self._open:
            return None
        if len(self._open) >= _DEEPEST:
            raise DescopeError(INVALID, f"The question is more than {_DEEPEST} relations deep")
        self._open.add(key)
        try:
            node = definition["complexDefinition"]
            found = self._direct(_SELF, key) if node is None else self._node(node, key)
            return self._given(found, definition["conditionExpr"])
        finally:
            self._open.discard(key)

    def _node(self, node: Record, key: tuple[str, str, str, Subject]) -> Path:
        kind, children = node["nType"], node["children"]
        if kind == "child":
            found = self._leaf(node["expression"], key)
        elif kind == "union":
            paths = (self._node(child, key) for child in children)
            found = next((path for path in paths if path is not None), None)
        else:
            found = self._node(children[0], key) if children else None
            for child in children[1:]:
                if found is None:
                    break
                other = self._node(child, key)
                if kind == "intersect":
                    found = None if other is None else found + other
                elif other is not None:
                    found = None
        return self._given(found, node.get("conditionExpr", ""))

    def _leaf(self, expression: Record, key: tuple[str, str, str, Subject]) -> Path:
        namespace, resource, _, subject = key
        other = expression["targetRelationDefinition"]
        match expression["neType"]:
            case "self":
                return self._direct(expression, key)
            case "targetSet":
                return self.path(namespace, resource, other, subject)
            case _:
                for relation, of, near in self._neighbours(expression, namespace, resource):
                    found = self.path(of, near, other, subject)
                    if found is not None:
                        return [relation, *found]
        return None

    def _direct(self, expression: Record, key: tuple[str, str, str, Subject]) -> Path:
        """By a stored relation to the subject, to a set that it is in, or to a query."""
        namespace, resource, name, subject = key
        wanted = (
            expression["targetRelationDefinitionNamespace"],
            expression["targetRelationDefinition"],
        )
        for relation in self._stored.get((namespace, resource, name), ()):
            to = subject_of(relation)
            if wanted[0] and to.namespace and wanted != (to.namespace, to.relation):
                continue
            if relation["query"]:
                if subject.id in self._users(relation["query"]):
                    return [relation]
            elif subject.means(to):
                return [relation]
            elif to.relation:
                found = self.path(to.namespace, to.id, to.relation, subject)
                if found is not None:
                    return [relation, *found]
        return None

    def _neighbours(
        self, expression: Record, namespace: str, resource: str
    ) -> Iterator[tuple[Record, str, str]]:
        """What ``relationRight`` or ``relationLeft`` goes on with: a relation, type and id."""
        name = expression["relationDefinition"]
        of = expression["relationDefinitionNamespace"] or namespace
        wanted = expression["targetRelationDefinitionNamespace"]
        condition = self._definitions.get((of, name), {}).get("conditionExpr", "")
        if expression["neType"] == "relationRight":
            for relation in self._stored.get((of, resource, name), ()):
                to = subject_of(relation)
                if to.namespace in ("", wanted) and self._given([], condition) is not None:
                    yield relation, wanted, to.id
            return
        for (found_of, found_id, found_name), relations in list(self._stored.items()):
            if (found_of, found_name) != (of, name):
                continue
            for relation in relations:
                if subject_of(relation).id == resource and self._given([], condition) is not None:
                    yield relation, wanted or of, found_id

    def _users(self, query: Mapping[str, Any]) -> set[str]:
        """The ids of the users that a query in a relation matches."""
        key = json.dumps(query, sort_keys=True)
        if key not in self._matched:
            found: Any = search_users(
                self._state,
                {
                    **query,
                    "tenantIds": query["tenants"],
                    "roleNames": query["roles"],
                    "limit": _ALL_USERS,
                },
            )
            self._matched[key] = {user["userId"] for user in found["users"]}
        return self._matched[key]

    def _given(self, path: Path, condition: str) -> Path:
        """`path`, if the condition holds. What cannot be decided does not hold."""
        if path is None or not condition:
            return path
        self.conditional = True
        try:
            return path if evaluate(condition, self._holds) else None
        except Undecided:
            return None
        except Unusable as error:
            self.error = str(error)
            return None

    def _holds(self, condition: str) -> Any:
        if condition not in self._conditions:
            raise Unusable(f"{condition} is not a condition of the schema")
        return evaluate(self._conditions[condition], self._value)

    def _value(self, name: str) -> Any:
        if name not in self._context:
            self.missing[name] = None
            raise Undecided
        return self._context[name]
