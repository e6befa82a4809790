"""Input schemas: one flat JSON Schema object per operation, without references.

Rules, so that every client and model accepts them: no ``$ref``, no union at the root, every
array has items, no formats, ``additionalProperties: false`` stated at the root. Objects below
the root are closed as well when arguments are checked (`closed`). Recursive shapes are unrolled
`RECURSION` times and end in a plain object. What a list of tools shows of it is in `published`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from descope_mcp.catalog.errors import SpecError
from descope_mcp.catalog.json_path import split

if TYPE_CHECKING:
    from descope_mcp.catalog.build.openapi import Endpoint

#: How often a schema may contain itself before it ends in a plain object.
RECURSION = 2

#: The argument that sends a replace as it is; not given, the guard fills in what is left out.
REPLACE = "replace"
_REPLACES = "clear what is left out"

_PREFIX = "#/components/schemas/"
_CREDENTIALS = {
    "refresh_jwt": "refresh JWT",
    "session_jwt": "session JWT",
    "access_key": "access key, or the configured one",
}


def expand(
    schema: Mapping[str, Any], schemas: Mapping[str, Any], path: tuple[str, ...] = ()
) -> dict[str, Any]:
    """`schema` with its references replaced by what they refer to.

    Raises:
        SpecError: the schema uses a keyword that this module does not know.
    """
    if "allOf" in schema:
        return expand(_only(schema["allOf"]), schemas, path)
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(_PREFIX)
        if path.count(name) >= RECURSION:
            return {"type": "object"}
        return expand(schemas[name], schemas, (*path, name))
    unknown = set(schema) - {
        "type", "properties", "items", "additionalProperties", "enum", "format",
        "default", "nullable", "anyOf", "title",
    }  # fmt: skip
    if unknown:
        raise SpecError(f"the schema keyword {', '.join(sorted(unknown))} is not handled")
    out: dict[str, Any] = {}
    if "type" in schema:
        out["type"] = schema["type"]
    if schema.get("format") == "uint32":
        out["minimum"] = 0
    if "enum" in schema:
        out["enum"] = schema["enum"]
    if "anyOf" in schema:
        out["anyOf"] = [expand(choice, schemas, path) for choice in schema["anyOf"]]
    if schema.get("properties"):
        out["properties"] = {
            name: expand(value, schemas, path) for name, value in schema["properties"].items()
        }
    if "items" in schema:
        out["items"] = expand(schema["items"], schemas, path)
    extra = schema.get("additionalProperties")
    if isinstance(extra, Mapping):
        out["additionalProperties"] = expand(extra, schemas, path)
    return out


def _only(parts: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    if len(parts) != 1:
        raise SpecError("allOf of several schemas is not handled")
    return parts[0]


def is_recursive(
    schema: Mapping[str, Any], schemas: Mapping[str, Any], path: tuple[str, ...] = ()
) -> bool:
    """Whether a schema contains itself."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(_PREFIX)
        return name in path or is_recursive(schemas[name], schemas, (*path, name))
    inner = [*schema.get("properties", {}).values(), *schema.get("allOf", ())]
    inner += [schema[key] for key in ("items", "additionalProperties") if key in schema]
    return any(isinstance(v, Mapping) and is_recursive(v, schemas, path) for v in inner)


def arguments(
    endpoint: Endpoint, schemas: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, tuple[str, str]]]:
    """The properties of an operation's flat input, and where each goes.

    Returns:
        ``(properties, places)``: the JSON Schema of every argument, and for every argument
        ``(place, name on the wire)`` with place one of path, query, body, credential. A body
        field whose name a path or query argument has already taken gets the suffix ``_body``.
    """
    properties: dict[str, Any] = {}
    places: dict[str, tuple[str, str]] = {}
    for parameter in endpoint.parameters:
        name = parameter["name"]
        properties[name] = expand(parameter["schema"], schemas)
        places[name] = (parameter["in"], name)
    body = expand(endpoint.body, schemas) if endpoint.body else {}
    for name, value in body.get("properties", {}).items():
        free = f"{name}_body" if name in properties else name
        properties[free] = value
        places[free] = ("body", name)
    needed = [s for s in endpoint.schemes if s in _CREDENTIALS]
    if needed:
        if "credential" in properties:
            raise SpecError(f"{endpoint.key} has an argument named credential already")
        text = " or ".join(_CREDENTIALS[s] for s in needed)
        properties["credential"] = {"type": "string", "description": text}
        places["credential"] = ("credential", needed[0])
    return properties, places


def with_replace(
    properties: Mapping[str, Any], places: Mapping[str, tuple[str, str]], key: str
) -> tuple[dict[str, Any], dict[str, tuple[str, str]]]:
    """The properties and places of an operation that replaces, with the switch of the guard.

    The switch never reaches the wire: its place is ``guard``.

    Raises:
        SpecError: the operation has an argument of that name.
    """
    if REPLACE in properties:
        raise SpecError(f"{key} has an argument named {REPLACE} already")
    switch = {"type": "boolean", "description": _REPLACES}
    return {**properties, REPLACE: switch}, {**places, REPLACE: ("guard", REPLACE)}


def nullable(endpoint: Endpoint, schemas: Mapping[str, Any]) -> list[str]:
    """The arguments for which null is a value of its own (keep) and not the same as absent."""
    schema = endpoint.body
    if "$ref" in schema:
        schema = schemas[schema["$ref"].removeprefix(_PREFIX)]
    return [n for n, value in schema.get("properties", {}).items() if value.get("nullable")]


def answer(endpoint: Endpoint, schemas: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of the answer in its documented (wrapped) form; empty if there is none."""
    return expand(endpoint.answer, schemas) if endpoint.answer else {}


def lookup(schema: Mapping[str, Any], path: str) -> dict[str, Any] | None:
    """The schema at a dotted path, None if there is none; free objects hold anything."""
    here: dict[str, Any] = dict(schema)
    if path in here.get("properties", {}):
        return dict(here["properties"][path])
    for part in path.split(".") if path else []:
        name, pick = split(part)
        if "anyOf" in here:
            return {}
        if not here.get("properties"):
            extra = here.get("additionalProperties")
            return dict(extra) if isinstance(extra, dict) else {} if _free(here) else None
        if name not in here["properties"]:
            return None
        here = here["properties"][name]
        if pick:
            if here.get("type") != "array":
                return None
            here = here["items"]
    return here


def _free(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") in (None, "object")


def closed(schema: Mapping[str, Any]) -> dict[str, Any]:
    """`schema` with every object that lists its properties closed to others."""
    out = dict(schema)
    if "properties" in schema:
        out["properties"] = {name: closed(value) for name, value in schema["properties"].items()}
        out.setdefault("additionalProperties", False)
    if "items" in schema:
        out["items"] = closed(schema["items"])
    if isinstance(schema.get("additionalProperties"), Mapping):
        out["additionalProperties"] = closed(schema["additionalProperties"])
    if "anyOf" in schema:
        out["anyOf"] = [closed(choice) for choice in schema["anyOf"]]
    return out
