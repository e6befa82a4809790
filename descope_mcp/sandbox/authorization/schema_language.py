"""The FGA schema language, ``model AuthZ 1.0``: types, relations, permissions, conditions.

`parse` gives a schema in the form that the API has for it (see `schema`). The language has no
comments. A ``with`` after a relation holds for the relation, one in a permission for the operand
before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from descope_mcp.sandbox.authorization.expressions import CONSTRAINTS, Unusable
from descope_mcp.sandbox.authorization.expressions import parse as parse_expression
from descope_mcp.sandbox.engine.errors import INVALID_SCHEMA, DescopeError
from descope_mcp.sandbox.engine.fields import Record

# A condition's name is another token than other names: ``with A | b`` is a union if b is a
# permission and a weaker condition if b is one.
_GRAMMAR = r"""
start: HEADER (constraint | condition | type)*
constraint: "constraint" CONDITION [":" (NAME | CONDITION)] ["(" LITERAL ("," LITERAL)* ")"]
condition: "condition" CONDITION "(" [parameter ("," parameter)*] ")" BODY
parameter: NAME NAME
type: "type" NAME (relation | permission)*
relation: "relation" NAME ":" target ("|" target)* ["with" _any]
target: NAME ["#" NAME]
permission: "permission" NAME ":" _union
_union: union | _narrowed
union: _narrowed ("|" _narrowed)+
_narrowed: _operand | intersect | sub
intersect: _narrowed "&" _operand
sub: _narrowed "-" _operand
_operand: own | through | "(" _union ")" | given
own: NAME
through: NAME "." NAME
given: (own | through | "(" _union ")") "with" _any
_any: all | any
any: all ("|" all)+
?all: unary | unary ("&" unary)+ -> both
unary: CONDITION -> condition_name | "!" unary -> negate | "(" _any ")" -> group
HEADER: /model\s+AuthZ\s+1\.0(?!\S)/
LITERAL: /"[^"\n]*"|-?\d+(\.\d+)?|(true|false)\b/
BODY: /\{[^}]*\}/
CONDITION: /(?!)x/
NAME: /[A-Za-z_]\w*/
%ignore /\s+/
"""

_DECLARED = re.compile(r"\b(?:constraint|condition)\s+([A-Za-z_]\w*)")
_PARAMETER_TYPES = ("int", "string", "bool", "double", "list", "ipaddress")


@lru_cache(maxsize=16)
def parse(dsl: str) -> Record:
    """The schema that `dsl` describes.

    Raises:
        DescopeError: it does not follow the grammar, or names a type, a relation or a condition
            that it does not have.
    """
    from lark import Lark, Token, UnexpectedInput

    declared = set(_DECLARED.findall(dsl))

    def classified(token: Token) -> Token:
        return token.update(type="CONDITION") if token in declared else token

    parser = Lark(
        _GRAMMAR,
        parser="earley",
        lexer="basic",
        lexer_callbacks={"NAME": classified},
        maybe_placeholders=True,
    )
    try:
        tree: Any = parser.parse(dsl)
    except UnexpectedInput as error:
        raise _invalid(_message(error, dsl)) from None
    types, constraints, conditions = (
        [c for c in tree.children[1:] if c.data == kind]
        for kind in ("type", "constraint", "condition")
    )
    names = [str(t.children[0]) for t in types]
    _ensure_distinct("type", names)
    targets = {str(t.children[0]): dict(_targets(t)) for t in types}
    for name in names:
        _ensure_known_targets(name, targets)
    given = [*map(_constraint, constraints), *map(_condition, conditions)]
    _ensure_distinct("condition", [c["name"] for c in given])
    return {
        "name": "",
        "namespaces": [_namespace(t, targets) for t in types],
        "conditions": given,
    }


def _message(error: Any, dsl: str) -> str:
    line, column = error.line, error.column
    if not isinstance(line, int) or line < 1:
        return "the schema ends too early" if dsl.strip() else "the schema is empty"
    if line == 1 and column == 1:
        return "the schema must begin with: model AuthZ 1.0"
    rest = dsl.splitlines()[line - 1][column - 1 :].split()
    return f"line {line}, column {column}: {rest[0] if rest else 'this'} is not expected here"


def _invalid(message: str) -> DescopeError:
    return DescopeError(INVALID_SCHEMA, f"{INVALID_SCHEMA.description}: {message}")


def _ensure_distinct(kind: str, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise _invalid(f"there are two {kind}s {name}")


def _targets(type_tree: Any) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Every relation of a type with its targets: type, and relation for a target set."""
    for member in type_tree.children[1:]:
        if member.data == "relation":
            found = [c for c in member.children if getattr(c, "data", "") == "target"]
            yield (
                str(member.children[0]),
                [(str(t.children[0]), str(t.children[1] or "")) for t in found],
            )


def _ensure_known_targets(name: str, targets: dict[str, dict[str, list[tuple[str, str]]]]) -> None:
    for relation, allowed in targets[name].items():
        for type_name, of_type in allowed:
            if type_name not in targets:
                raise _invalid(f"{name}#{relation} names the unknown type {type_name}")
            if of_type and of_type not in targets[type_name]:
                raise _invalid(f"{name}#{relation} names the unknown {type_name}#{of_type}")


def _namespace(type_tree: Any, targets: dict[str, dict[str, list[tuple[str, str]]]]) -> Record:
    name = str(type_tree.children[0])
    members = type_tree.children[1:]
    names = [str(m.children[0]) for m in members]
    _ensure_distinct(f"definition of {name}#", names)
    definitions = []
    for member in members:
        own = str(member.children[0])
        if member.data == "relation":
            nodes = [_leaf("self", "", "", t, r) for t, r in targets[name][own]]
            condition = member.children[-1]
            text = "" if condition is None or condition.data == "target" else _text(condition)
            node = nodes[0] if len(nodes) == 1 else _inner("union", nodes)
        else:
            node, text = _node(member.children[1], name, targets, names), ""
        definitions.append({"name": own, "complexDefinition": node, "conditionExpr": text})
    return {"name": name, "relationDefinitions": definitions}


def _node(
    tree: Any, name: str, targets: dict[str, dict[str, list[tuple[str, str]]]], names: list[str]
) -> Record:
    """One node of a permission's expression, in the API's form."""
    match tree.data:
        case "own":
            other = str(tree.children[0])
            if other not in names:
                raise _invalid(f"{name} has no relation or permission {other}")
            return _leaf("targetSet", "", "", name, other)
        case "through":
            relation, other = map(str, tree.children)
            if relation not in targets[name]:
                raise _invalid(f"{name} has no relation {relation}")
            nodes = [
                _leaf("relationRight", name, relation, to, other)
                for to in dict.fromkeys(to for to, _ in targets[name][relation])
            ]
            return nodes[0] if len(nodes) == 1 else _inner("union", nodes)
        case "given":
            operand, condition = tree.children
            return {**_node(operand, name, targets, names), "conditionExpr": _text(condition)}
        case kind:
            children = [_node(child, name, targets, names) for child in tree.children]
            return _inner(str(kind), children)


def _leaf(kind: str, namespace: str, relation: str, to_namespace: str, to: str) -> Record:
    expression = {
        "neType": kind,
        "relationDefinition": relation,
        "relationDefinitionNamespace": namespace,
        "targetRelationDefinition": to,
        "targetRelationDefinitionNamespace": to_namespace,
    }
    return {"nType": "child", "children": [], "expression": expression, "conditionExpr": ""}


def _inner(kind: str, children: list[Record]) -> Record:
    return {"nType": kind, "children": children, "expression": None, "conditionExpr": ""}


def _text(tree: Any) -> str:
    """A ``with`` clause as text."""
    parts = [_text(c) if hasattr(c, "data") else str(c) for c in tree.children]
    match tree.data:
        case "any":
            return " | ".join(parts)
        case "both":
            return " & ".join(parts)
        case "negate":
            return f"!{parts[0]}"
        case "group":
            return f"({parts[0]})"
        case _:
            return parts[0]


def _constraint(tree: Any) -> Record:
    name, other, *rest = tree.children
    kind, values = str(other or name), [str(value) for value in rest if value is not None]
    if kind not in CONSTRAINTS:
        raise _invalid(f"{kind} is not a known constraint")
    parameters = CONSTRAINTS[kind].parameters
    if values and parameters[-1][1] != "list" and len(values) != len(parameters) - 1:
        raise _invalid(f"{kind} takes {len(parameters) - 1} fixed values")
    return {
        "name": str(name),
        "params": [{"name": n, "type": t} for n, t in parameters[: 1 if values else None]],
        "expression": f"{kind}({', '.join(values)})",
        "builtin": True,
    }


def _condition(tree: Any) -> Record:
    name, *parameters, body = tree.children
    params = [
        dict(zip(("name", "type"), map(str, p.children), strict=True)) for p in parameters if p
    ]
    if wrong := [p["type"] for p in params if p["type"] not in _PARAMETER_TYPES]:
        raise _invalid(f"{wrong[0]} is not a type of parameter")
    expression = str(body)[1:-1].strip()
    try:
        parse_expression(expression)
    except Unusable as error:
        raise _invalid(f"condition {name}: {error}") from None
    return {"name": str(name), "params": params, "expression": expression, "builtin": False}
