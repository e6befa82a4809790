"""Input schemas that every client accepts, and how operations read in a line."""

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.signature import argument_lines, kind, signature

#: What the schemas are made of; anything else is refused by one client or another.
KEYWORDS = {
    "type", "properties", "items", "additionalProperties", "required", "enum", "anyOf", "minimum",
    "description",
}  # fmt: skip
TYPES = {"string": str, "integer": int, "number": float, "boolean": bool}
PROPERTY = re.compile(r"[a-zA-Z0-9_.-]{1,64}")
DEEPEST = 11


def nested(schema: Any, depth: int = 1) -> Iterator[tuple[int, dict[str, Any]]]:
    """`schema` and every schema in it, each with its depth."""
    yield depth, schema
    below = [*schema.get("properties", {}).values(), *schema.get("anyOf", ())]
    below += [schema[key] for key in ("items", "additionalProperties") if schema.get(key)]
    for inner in below:
        yield from nested(inner, depth + 1)


def defects(schema: dict[str, Any]) -> Iterator[str]:
    """What keeps one schema, taken by itself, from being portable."""
    if unknown := set(schema) - KEYWORDS:
        yield f"holds {sorted(unknown)}"
    if not isinstance(schema.get("type", ""), str):
        yield "has several types"
    if not schema.get("type") and not schema.get("anyOf"):
        yield "has no type"
    if schema.get("type") == "array" and not isinstance(schema.get("items"), dict):
        yield "is an array of nothing"
    for name in schema.get("properties", ()):
        if not PROPERTY.fullmatch(name):
            yield f"has a property {name}"
    for name in schema.get("required", ()):
        if name not in schema["properties"]:
            yield f"requires {name} and does not have it"
    for member in schema.get("enum", ()):
        if not isinstance(member, TYPES[schema["type"]]):
            yield f"has a member {member!r} that is no {schema['type']}"


def test_every_input_schema_is_portable(catalog: Catalog) -> None:
    problems = []
    for name, operation in catalog.items():
        root = operation.input_schema
        if root["type"] != "object" or "anyOf" in root or root["additionalProperties"] is not False:
            problems.append(f"{name}: the root is no closed object")
        if (size := len(json.dumps(root))) > 16_000:
            problems.append(f"{name}: {size} characters")
        for depth, schema in nested(root):
            problems += [f"{name}: {defect}" for defect in defects(schema)]
            if depth > DEEPEST:
                problems.append(f"{name}: {depth} levels")
        jsonschema_rs.meta.validate(
            {**root, "$schema": "https://json-schema.org/draft/2020-12/schema"}
        )
    assert not problems, "\n".join(problems)


def test_recursive_schemas_end_in_a_plain_object(catalog: Catalog) -> None:
    """NodeExpression holds itself; the published form holds it twice."""
    definition = catalog["SaveRelationDefinition"].input_schema["properties"]["relationDefinition"]
    first = definition["properties"]["complexDefinition"]
    second = first["properties"]["children"]["items"]
    assert second["properties"]["children"] == {"type": "array", "items": {"type": "object"}}


def test_only_arguments_that_exist_are_required(catalog: Catalog) -> None:
    for operation in catalog.values():
        properties = operation.input_schema["properties"]
        assert set(operation.places) == set(properties)
        in_path = {name for name, place in operation.places.items() if place.where == "path"}
        assert in_path <= set(operation.input_schema.get("required", ()))
        assert all(name in properties for group in operation.one_of for name in group)


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"type": "string"}, "string"),
        ({"type": "string", "enum": ["a", "b"]}, '"a" | "b"'),
        ({"type": "array", "items": {"type": "string"}}, "string[]"),
        ({"type": "array", "items": {"type": "string", "enum": ["a", "b"]}}, '("a" | "b")[]'),
        ({"type": "object"}, "object"),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "map of integer"),
        ({"type": "object", "properties": {"a": {"type": "boolean"}}}, "{a: boolean}"),
        ({"anyOf": [{"type": "string"}, {"type": "number"}]}, "string | number"),
        ({}, "any"),
    ],
)
def test_a_type_in_short(schema: dict[str, Any], text: str) -> None:
    assert kind(schema) == text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("LoadUser", "LoadUser(loginId | userId)"),
        ("LoadAllTenants", "LoadAllTenants()"),
        ("UsersAuthHistory", "UsersAuthHistory(userIds: string[])"),
        ("ImportLists", "ImportLists(lists: object[])"),
    ],
)
def test_a_signature(catalog: Catalog, name: str, text: str) -> None:
    assert signature(catalog[name]) == text


def test_a_long_signature_is_cut_and_says_so(catalog: Catalog) -> None:
    operation = catalog["SearchUsers"]
    shown = signature(operation, most=3)
    assert shown.count(": ") == 3
    assert shown.endswith(f", +{len(operation.places) - 3} more)")


def test_the_required_arguments_come_first(catalog: Catalog) -> None:
    for operation in catalog.values():
        required = operation.input_schema.get("required", ())
        shown = signature(operation, most=len(operation.places)).partition("(")[2]
        for position, name in enumerate(required):
            assert shown.split(", ")[position].startswith(f"{name}: ")


def test_every_argument_has_a_line(catalog: Catalog) -> None:
    for operation in catalog.values():
        required = operation.input_schema.get("required", ())
        starts = [f"{n}: " if n in required else f"{n}?: " for n in operation.places]
        lines = argument_lines(operation)
        assert len(lines) == len(starts)
        assert all(line.startswith(start) for line, start in zip(lines, starts, strict=True))


def test_old_names_lead_to_the_operation(catalog: Catalog) -> None:
    renamed = [o for o in catalog.values() if o.operation_id != o.name]
    assert len(renamed) == 14
    for operation in renamed:
        found = catalog.find(operation.operation_id)
        assert found is not None
        # An id that two operations had stays with the one that kept it.
        kept = operation.operation_id in catalog
        assert found.name == (operation.operation_id if kept else operation.name)
    newer = catalog.find("SearchUsers")
    assert newer is not None
    assert newer.path.startswith("/v2/")


def test_an_unknown_name_is_not_found(catalog: Catalog) -> None:
    assert catalog.find("DeleteEverything") is None
    assert catalog.find("") is None


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("deleteuser", "DeleteUser"), ("DeletUser", "DeleteUser"), ("SearchTenant", "SearchTenants")],
)
def test_a_wrong_name_is_answered_with_the_nearest(
    catalog: Catalog, typed: str, meant: str
) -> None:
    assert catalog.nearest(typed)[0] == meant
    assert len(catalog.nearest(typed)) <= 3


@pytest.mark.parametrize("name", ["", "?" * 20, "x" * 1_000_000])
def test_a_name_like_no_other_has_no_neighbours(catalog: Catalog, name: str) -> None:
    assert catalog.nearest(name) == []
