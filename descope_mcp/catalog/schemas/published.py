"""Input schemas as a list of tools shows them: every argument, in as few words as it takes.

A list of tools is paid for with every request to a model, so the published form leaves out what
the server checks anyway. It is never stricter than the checked form (`Operation.validator`):

- every argument is declared, with its type, its note and its enum;
- the fields of an object are declared too where the argument is required, since they have to be
  filled in;
- every other object, and every object in an object, is an ``object`` whose description ends in
  its shape: ``{tenantId, roleNames[], on: boolean}``. A field without a type is a string, one with
  brackets alone a list of strings;
- ``additionalProperties: false`` is not repeated. Undeclared arguments are refused on every level
  all the same. Some of Gemini's clients pass the keyword on, which its API refuses.

``descope_describe`` gives the whole schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def published(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The published form of an operation's input schema."""
    needed = schema.get("required", [])
    properties = schema["properties"].items()
    declared = {name: _declared(value, spelled=name in needed) for name, value in properties}
    out: dict[str, Any] = {"type": "object", "properties": declared}
    if needed:
        out["required"] = needed
    return out


def shape(value: Mapping[str, Any]) -> str:
    """A JSON Schema in short; empty for a string."""
    if "enum" in value:
        return "|".join(map(str, value["enum"]))
    if "anyOf" in value:
        return "|".join(shape(choice) or "string" for choice in value["anyOf"])
    if value.get("type") == "array":
        return f"{shape(value['items']) or 'string'}[]"
    if "properties" in value:
        fields = (_field(name, shape(field)) for name, field in value["properties"].items())
        return f"{{{', '.join(fields)}}}"
    extra = value.get("additionalProperties")
    if isinstance(extra, Mapping):
        return f"map of {inner}" if (inner := shape(extra)) else "map"
    return "" if value["type"] == "string" else str(value["type"])


def _field(name: str, kind: str) -> str:
    if kind in ("", "string[]"):
        return f"{name}{kind.removeprefix('string')}"
    return f"{name}: {kind}"


def _declared(value: Mapping[str, Any], *, spelled: bool) -> dict[str, Any]:
    """An argument or a field; what an object holds is declared if it is `spelled` out."""
    if "properties" in value and not spelled:
        text = f"{value.get('description', '')} {shape(value)}".strip()
        return {"type": "object", "description": text}
    out = dict(value)
    if "properties" in value:
        fields = value["properties"].items()
        out["properties"] = {name: _declared(field, spelled=False) for name, field in fields}
    for inner in ("items", "additionalProperties"):
        if isinstance(value.get(inner), Mapping):
            out[inner] = _declared(value[inner], spelled=spelled)
    if "anyOf" in value:
        # Gemini refuses fields beside anyOf, so that the note goes to the first choice.
        first, *others = (_declared(choice, spelled=spelled) for choice in value["anyOf"])
        note = {"description": value["description"]} if "description" in value else {}
        return {"anyOf": [{**first, **note}, *others]}
    return out
