"""Input schemas that every client accepts, and how operations read in a line."""

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from descope_mcp.catalog.arguments.validation import check
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.schemas.published import published, shape
from descope_mcp.catalog.schemas.signature import kind, signature
from tests.recorder import sample_arguments

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
        if operation.input_schema["additionalProperties"] is not False:
            problems.append(f"{name}: the checked root is no closed object")
        for root in (operation.input_schema, published(operation.input_schema)):
            if root["type"] != "object" or "anyOf" in root or "properties" not in root:
                problems.append(f"{name}: the root is no object with properties")
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


def words(text: str) -> set[str]:
    return set(re.findall(r"[\w.-]+", text))


def undeclared(full: dict[str, Any], shown: dict[str, Any], path: str = "") -> Iterator[str]:
    """What of the checked schema the published one does not say, or says more strictly."""
    for keyword in ("type", "enum", "minimum"):
        if shown.get(keyword) != full.get(keyword):
            yield f"{path}: another {keyword}"
    if "properties" in full and "properties" not in shown:
        told = words(shown["description"])
        inside = (s["properties"] for _, s in nested(full) if "properties" in s)
        yield from (f"{path}.{name}: not told" for names in inside for name in set(names) - told)
        return
    fields, told_fields = full.get("properties", {}), shown.get("properties", {})
    if list(fields) != list(told_fields) or full.get("required") != shown.get("required"):
        yield f"{path}: other fields"
    pairs = [(value, told_fields[name], f"{path}.{name}") for name, value in fields.items()]
    pairs += [
        (full[key], shown[key], f"{path}[]")
        for key in ("items", "additionalProperties")
        if isinstance(full.get(key), dict)
    ]
    pairs += [
        (one, other, path)
        for one, other in zip(full.get("anyOf", ()), shown.get("anyOf", ()), strict=True)
    ]
    for one, other, place in pairs:
        yield from undeclared(one, other, place)


def test_every_argument_stays_in_what_is_published(catalog: Catalog) -> None:
    lost = [
        f"{name}{problem}"
        for name, operation in catalog.items()
        for problem in undeclared(operation.input_schema, published(operation.input_schema))
    ]
    assert not lost, "\n".join(lost)


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in a value, from the outside in."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value:
        if isinstance(inner, (dict, list)):
            yield from objects(inner)


def test_the_published_form_takes_what_the_server_takes_and_the_server_checks_the_rest(
    catalog: Catalog,
) -> None:
    checked = 0
    for name, operation in catalog.items():
        loose = jsonschema_rs.Draft202012Validator(published(operation.input_schema))
        arguments = sample_arguments(operation)
        assert loose.is_valid(arguments), name
        assert operation.validator.is_valid(arguments), name
        for one in objects(arguments):
            if one:  # the sample leaves objects that take anything empty
                one["surplus"] = "x"
                assert not operation.validator.is_valid(arguments), f"{name}: {one}"
                del one["surplus"]
                checked += 1
    assert checked > len(catalog)


def test_the_shape_of_an_object_in_short() -> None:
    tenant = {
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "roles": {"type": "array", "items": {"type": "string"}},
            "on": {"type": "boolean"},
            "kind": {"type": "string", "enum": ["a", "b"]},
            "more": {"type": "object", "additionalProperties": {"type": "integer"}},
            "any": {"anyOf": [{"type": "string"}, {"type": "number"}]},
        },
    }
    text = "{id, roles[], on: boolean, kind: a|b, more: map of integer, any: string|number}"
    assert shape(tenant) == text
    root = {"type": "object", "properties": {"tenant": {**tenant, "description": "note"}}}
    optional = published(root)["properties"]["tenant"]
    assert optional == {"type": "object", "description": f"note {text}"}
    required = published({**root, "required": ["tenant"]})["properties"]["tenant"]
    assert required == {**tenant, "description": "note"}


def test_gemini_takes_every_declaration(catalog: Catalog) -> None:
    """Its rules for function declarations; clients leave out what it does not know."""
    for name, operation in catalog.items():
        assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}", name)
        for _, schema in nested(published(operation.input_schema)):
            # Beside anyOf nothing may stand; enum only at strings, none of them empty.
            assert "anyOf" not in schema or set(schema) == {"anyOf"}, name
            assert schema.get("type") == "string" or "enum" not in schema, name
            assert all(schema.get("enum", ["full"])), name
            assert schema.get("type") == "object" or "properties" not in schema, name
            assert schema.get("additionalProperties") is not False, name


def test_openai_and_cursor_take_every_name_and_every_toolset(catalog: Catalog) -> None:
    """OpenAI: 64 letters, digits, - and _. Cursor: 60 with the server's name, 40 tools."""
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,46}", name) for name in catalog)
    assert max(len(f"mcp__descope__{name}") for name in catalog) <= 60
    assert max(len(toolset.operations) for toolset in catalog.toolsets) <= 40


def strict(schema: dict[str, Any]) -> dict[str, Any] | None:
    """`schema` as OpenAI's strict mode wants it; None where it cannot say so.

    Every object is closed and requires all of its fields; what was optional may be null.
    Objects that take any field do not exist there, and clients send such tools unstrict.
    """
    out = {key: schema[key] for key in ("type", "enum", "description") if key in schema}
    if "anyOf" in schema:
        return {"anyOf": schema["anyOf"]}
    if schema["type"] == "array":
        items = strict(schema["items"])
        return items and {**out, "items": items}
    if schema["type"] == "object":
        if "properties" not in schema or schema.get("additionalProperties"):
            return None
        fields = {name: strict(value) for name, value in schema["properties"].items()}
        optional = set(fields) - set(schema.get("required", ()))
        for name, field in fields.items():
            if field is None:
                return None
            if name in optional:
                fields[name] = {"anyOf": [field, {"type": "null"}]}
        return {**out, "properties": fields, "required": [*fields], "additionalProperties": False}
    return out


def test_what_strict_mode_makes_of_a_schema_is_accepted(catalog: Catalog) -> None:
    """In strict mode a model sends null for every argument that it leaves out."""
    convertible = 0
    for name, operation in catalog.items():
        converted = strict(published(operation.input_schema))
        full = sample_arguments(operation)
        needed = {*operation.input_schema.get("required", ()), *(g[0] for g in operation.one_of)}
        sent = {key: value if key in needed else None for key, value in full.items()}
        assert check(operation, sent).keys() <= needed | set(operation.nullable), name
        if converted is not None:
            convertible += 1
            assert jsonschema_rs.Draft202012Validator(converted).is_valid(sent), name
    assert convertible > 300


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


def test_a_point_in_time_is_one_in_the_signature(catalog: Catalog) -> None:
    assert signature(catalog["GetModified"]) == "GetModified(since?: time)"


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
