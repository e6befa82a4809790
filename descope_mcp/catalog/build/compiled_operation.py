"""One operation as the catalog has it: what its record says, with the contract's facts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from descope_mcp.catalog import pagination
from descope_mcp.catalog.arguments import validation
from descope_mcp.catalog.build.openapi import Contract, Endpoint
from descope_mcp.catalog.build.record_checks.secret_fields import holders
from descope_mcp.catalog.errors import InvalidArguments
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.operation_record.record import Record
from descope_mcp.catalog.schemas import input_schema as schema


def compiled_operation(
    spec: Contract, endpoint: Endpoint, record: Record, toolset: str, fitting: dict[str, Any]
) -> dict[str, Any]:
    """An ``Operation`` without its empty fields; `fitting` is what other files say of it."""
    properties, places = spec.arguments(endpoint)
    if record.update == "replace":
        properties, places = schema.with_replace(properties, places, endpoint.key)
    for name, note in record.notes.items():
        if name in properties:
            properties[name] = {**properties[name], "description": note}
    required = [*(n for n, (where, _) in places.items() if where == "path"), *record.required]
    if places.get("credential", ("", ""))[1] in ("refresh_jwt", "session_jwt"):
        required += [] if "project" in endpoint.schemes else ["credential"]
    input_schema: dict[str, Any] = {"type": "object", "properties": properties}
    if required:
        input_schema["required"] = list(dict.fromkeys(required))
    input_schema["additionalProperties"] = False
    answer = spec.answer(endpoint)
    returned = answer.get("properties", {})
    facts = {
        "name": endpoint.name,
        "operation_id": endpoint.operation_id,
        "toolset": toolset,
        "method": endpoint.method,
        "path": endpoint.path,
        "schemes": list(endpoint.schemes),
        "plane": _plane(endpoint),
        "input_schema": input_schema,
        "places": {name: list(place) for name, place in places.items()},
        "nullable": schema.nullable(endpoint, spec.schemas),
        "array_body": endpoint.wire.array_body,
        "unwrapped": endpoint.wire.unwrapped,
        "redirects": endpoint.redirects,
        "answer_fields": [*returned],
        "holders": holders(answer, input_schema),
        "elements": _elements(returned) if record.effect == "read" else {},
        **fitting,
    }
    return {
        **record.model_dump(mode="json", exclude_defaults=True),
        **{key: value for key, value in facts.items() if value or key == "input_schema"},
        "schemes": facts["schemes"],
        "places": facts["places"],
    }


def _elements(returned: Mapping[str, Any]) -> dict[str, list[str]]:
    """The names inside of the objects in an answer, by the field that holds them."""
    objects = {name: value.get("items", value) for name, value in returned.items()}
    return {name: [*one["properties"]] for name, one in objects.items() if "properties" in one}


def _plane(endpoint: Endpoint) -> str:
    if endpoint.path.startswith("/scim/"):
        return "scim"
    return "management" if "/mgmt/" in endpoint.path else "end_user"


def list_facts(spec: Contract, endpoint: Endpoint, sizes: dict[str, int]) -> dict[str, Any]:
    """What there is to know of the list that a read answers."""
    answer = spec.answer(endpoint)
    validation, _ = spec.arguments(endpoint)
    return {
        "rows": pagination.rows(answer),
        "paging": pagination.paging(validation, answer, sizes),
    }


def changes_many(record: Record, input_schema: Mapping[str, Any]) -> bool:
    """Whether a call changes as many things as a list has that it cannot do without."""
    needed = {*input_schema.get("required", ()), *(n for group in record.one_of for n in group)}
    properties = input_schema["properties"]
    lists = [n for n in needed if properties.get(n, {}).get("type") == "array"]
    return record.worst_effect != "read" and bool(lists)


def misfits(compiled: dict[str, Any]) -> Iterator[tuple[int, str]]:
    """The examples that would be refused when called, by their place, and why."""
    for index, example in enumerate(compiled.get("examples", ())):
        try:
            validation.check(Operation.model_validate(compiled), example["arguments"])
        except InvalidArguments as error:
            yield index, str(error)
