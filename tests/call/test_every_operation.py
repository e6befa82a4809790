"""Every operation is called once; what arrives is compared with the contract as published.

The comparison reads `openapi.json` itself and shares nothing with the compiler. Where the contract
is known to be wrong, the exception stands here in full.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

import pytest

from descope_mcp.api.client import Client
from descope_mcp.catalog.arguments.validation import check
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.operation import Operation
from tests.recorder import (
    ACCESS_KEY,
    MANAGEMENT_KEY,
    MOMENT,
    MOMENTS,
    PROJECT,
    SPECS,
    Recorded,
    recording,
    sample_arguments,
)

pytestmark = pytest.mark.anyio

TOKEN = "e30.e30.signature"
AUTHORIZATION = {
    "Descope Project ID": f"Bearer {PROJECT}",
    "Descope Project ID:Refresh JWT": f"Bearer {PROJECT}:{TOKEN}",
    "Descope Project ID:Session JWT": f"Bearer {PROJECT}:{TOKEN}",
    "Descope Project ID:Access Key": f"Bearer {PROJECT}:{TOKEN}",
    "Descope Project ID and Management Key": f"Bearer {PROJECT}:{MANAGEMENT_KEY}",
}
#: A leftover without operationId; the operation is the POST on the same path.
NO_OPERATION = "GET /v1/mgmt/fga/mappable/resources"
#: The contract shows an empty object; the service takes a bare array of user ids.
BARE_ARRAY = {"POST /v1/mgmt/user/history": "userIds"}
#: Body fields that the contract lacks and the official clients send.
UNPUBLISHED = {"POST /v1/mgmt/outbound/app/create/bytemplate": {"templateId"}}
#: Fields of schemas that are known from elsewhere.
UNPUBLISHED_FIELDS = {
    "AttributeMapping": {"phoneNumber"},
    "OAuthUserDataClaimsMapping": {"phoneNumber"},
    "UserMapping": {"phoneNumber"},
}
#: Values whose fields the contract does not tell.
ANYTHING = {"google.protobuf.Any", "google.protobuf.Value"}
PREFIX = "#/components/schemas/"

DOCUMENT: dict[str, Any] = json.loads((SPECS / "openapi.json").read_text(encoding="utf-8"))
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
PUBLISHED: dict[str, dict[str, Any]] = {
    f"{method.upper()} {path}": operation
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if f"{method.upper()} {path}" != NO_OPERATION
}


def text(label: str) -> str:
    """A value that names its place and must be encoded in a path and in a query."""
    return f"{label} ü+&=:;,@$'\""


def labelled(value: Any, label: str) -> Any:
    """`value` with its place for every string, two elements in every list, and true for false."""
    match value:
        case bool():
            return True
        case str():
            return value if value == MOMENT else text(label)
        case list():
            return [labelled(value[0], f"{label}[{index}]") for index in range(2)]
        case dict():
            return {name: labelled(item, f"{label}.{name}") for name, item in value.items()}
    return value


def arguments_of(operation: Operation) -> dict[str, Any]:
    """Every argument of an operation, each string naming the argument that it stands in.

    What the body says again of what stands in the path is the same.
    """
    sampled = sample_arguments(operation)
    in_path = {p.name: name for name, p in operation.places.items() if p.where == "path"}
    labels = {name: in_path.get(operation.places[name].name, name) for name in sampled}
    given = {name: labelled(value, labels[name]) for name, value in sampled.items()}
    return {**given, "credential": TOKEN} if "credential" in given else given


def differences(recorded: Recorded, key: str, call_id: str) -> Iterator[str]:
    """Where a request is not what the contract says for a call with `arguments_of`."""
    published = PUBLISHED[key]
    method, path = key.split(" ")
    parameters = {p["name"]: p for p in published.get("parameters", [])}
    if recorded.method != method:
        yield f"method {recorded.method}"
    segments = [
        text(part.strip("{}")) if part.startswith("{") else part for part in path.split("/")
    ]
    if [unquote(part) for part in recorded.path.split("/")] != segments:
        yield f"path {recorded.path}"
    wanted = [pair for p in parameters.values() if p["in"] == "query" for pair in query_of(p)]
    if sorted(recorded.query) != sorted(wanted):
        yield f"query {recorded.query}, not {wanted}"
    schemes = [name for entry in published.get("security", []) for name in entry]
    bearer = AUTHORIZATION[schemes[-1]] if schemes else None
    if recorded.headers.get("authorization") != bearer:
        yield f"not authorized by {schemes}"
    if recorded.headers.get("x-external-rid") != call_id:
        yield "x-external-rid is not the call's id"
    if "cookie" in recorded.headers:
        yield "a cookie was sent"
    queried = {name for name, p in parameters.items() if p["in"] == "query"}
    yield from body_differences(recorded, key, queried)


def query_of(parameter: Mapping[str, Any]) -> list[tuple[str, str]]:
    name = parameter["name"]
    match parameter["schema"]["type"]:
        case "array":
            return [(name, text(f"{name}[0]")), (name, text(f"{name}[1]"))]
        case "boolean":
            return [(name, "true")]
        case "integer":
            return [(name, "1")]
        case _:
            return [(name, MOMENT if name in MOMENTS else text(name))]


def body_differences(recorded: Recorded, key: str, taken: set[str]) -> Iterator[str]:
    published = PUBLISHED[key].get("requestBody")
    if not published:
        if recorded.body not in (b"", b"{}") or (recorded.body and recorded.method != "POST"):
            yield f"body {recorded.body!r}, and the contract has none"
        return
    if recorded.headers.get("content-type") != "application/json":
        yield f"content type {recorded.headers.get('content-type')}"
    if key in BARE_ARRAY:
        name = BARE_ARRAY[key]
        if recorded.json != [text(f"{name}[0]"), text(f"{name}[1]")]:
            yield f"body {recorded.json}, not a bare array"
        return
    schema, _ = resolved(published["content"]["application/json"]["schema"])
    fields = schema.get("properties", {})
    surplus = set(recorded.json) ^ (set(fields) | UNPUBLISHED.get(key, set()))
    if surplus:
        yield f"body fields {sorted(surplus)}"
    for name in set(recorded.json) & set(fields):
        argument = f"{name}_body" if name in taken else name
        yield from misfits(recorded.json[name], fields[name], argument, ())


def misfits(
    value: Any, schema: Mapping[str, Any], label: str, path: tuple[str, ...]
) -> Iterator[str]:
    """Where `value` is not what `labelled` makes for a published schema."""
    schema, name = resolved(schema)
    if name in ANYTHING:
        return
    if name in path and value == {}:
        return  # a recursive schema ends somewhere
    path = (*path, name)
    kind = schema["type"]
    if kind == "object" and isinstance(value, dict):
        fields = schema.get("properties")
        known = set(fields or ()) | UNPUBLISHED_FIELDS.get(name, set())
        if fields is not None and known != set(value):
            yield f"{label} has the fields {sorted(value)}"
        for key in set(fields or ()) & set(value):
            yield from misfits(value[key], fields[key], f"{label}.{key}", path)
    elif kind == "array" and isinstance(value, list):
        for index, item in enumerate(value):
            yield from misfits(item, schema["items"], f"{label}[{index}]", path)
    elif not (
        (kind == "string" and value == (MOMENT if last_name(label) in MOMENTS else text(label)))
        or (kind == "boolean" and value is True)
        or (kind in ("integer", "number") and type(value) is int)
    ):
        yield f"{label} is {value!r}, not the {kind} that was given"


def last_name(label: str) -> str:
    return label.rpartition(".")[2]


def resolved(schema: Mapping[str, Any]) -> tuple[Mapping[str, Any], str]:
    """What a schema refers to, and its name; "" for a schema in place."""
    if "allOf" in schema:
        (schema,) = schema["allOf"]
    if "$ref" not in schema:
        return schema, ""
    name = schema["$ref"].removeprefix(PREFIX)
    if name not in SCHEMAS:
        # Two references carry a prefix that their schemas do not have.
        name = name.removeprefix("managementv1.")
    return SCHEMAS[name], name


async def test_each_request_is_what_the_contract_says(catalog: Catalog) -> None:
    assert {f"{o.method} {o.path}" for o in catalog.values()} == set(PUBLISHED)
    problems = []
    async with recording() as recorder:
        client: Client = recorder.services(catalog).client
        for name, operation in catalog.items():
            arguments = check(operation, arguments_of(operation))
            await client.run(operation, arguments, call_id=f"call-{name}", repeatable=False)
            key = f"{operation.method} {operation.path}"
            found = differences(recorder.requests[-1], key, f"call-{name}")
            problems += [f"{name}: {problem}" for problem in found]
        await client.close()
    assert not problems, "\n".join(problems)
    assert len(recorder.requests) == len(PUBLISHED) == 458


async def test_a_recovery_code_needs_no_refresh_token(catalog: Catalog) -> None:
    operation = catalog["SignInRecoveryCode"]
    async with recording() as recorder:
        client = recorder.services(catalog).client
        await client.run(operation, {"code": "123"}, call_id="1", repeatable=False)
        await client.close()
    (recorded,) = recorder.requests
    assert recorded.headers["authorization"] == f"Bearer {PROJECT}"
    assert recorded.json == {"code": "123"}


async def test_the_configured_access_key_stands_in(catalog: Catalog) -> None:
    operation = catalog["LoadSCIMResourceTypes"]
    assert operation.schemes == ("access_key",)
    async with recording() as recorder:
        client = recorder.services(catalog).client
        await client.run(operation, {}, call_id="1", repeatable=True)
        await client.close()
    assert recorder.requests[0].headers["authorization"] == f"Bearer {PROJECT}:{ACCESS_KEY}"
