"""The parts of an OpenAPI document that the compiler reads, as OpenAPI 3 forms them.

What has another form is refused before anything is made of it; what is not read may be anything.
"""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter
from typing_extensions import TypedDict

_Schema = TypedDict(
    "_Schema",
    {
        "properties": dict[str, "_Schema"],
        "items": "_Schema",
        "anyOf": list["_Schema"],
        "allOf": list["_Schema"],
        "oneOf": list["_Schema"],
        "additionalProperties": "bool | _Schema",
        "enum": list[Any],
        "required": list[str],
        "$ref": str,
    },
    total=False,
)


class _Media(TypedDict, total=False):
    schema: _Schema


class _Content(TypedDict, total=False):
    content: dict[str, _Media]


_Parameter = TypedDict("_Parameter", {"name": str, "in": str, "schema": _Schema})


class _Operation(TypedDict, total=False):
    operationId: str
    security: list[dict[str, Any]]
    parameters: list[_Parameter]
    requestBody: _Content
    # YAML reads a status as a number.
    responses: dict[str | int, _Content]


class _Path(TypedDict, total=False):
    get: _Operation
    post: _Operation
    put: _Operation
    patch: _Operation
    delete: _Operation


class _Components(TypedDict):
    schemas: dict[str, _Schema]


class _Document(TypedDict):
    paths: dict[str, _Path]
    components: _Components


#: Validates a document that holds paths and schemas.
DOCUMENT: TypeAdapter[Any] = TypeAdapter(_Document)
