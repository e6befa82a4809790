"""The document that the peers get: the contract with this project's repairs and its names.

As it is published it has dangling references and ids that occur twice, at which converters stop or
of which they lose operations. What is compared is what they make of a sound one.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import yaml

from descope_mcp.catalog.build import openapi

SPECS = Path(__file__).parents[2] / "tool_specs"


def repaired(contract: Path) -> dict[str, Any]:
    """The OpenAPI document of `contract`, repaired, with an operation for each of the catalog."""
    published: dict[str, Any] = json.loads(contract.read_text(encoding="utf-8"))
    repairs = yaml.safe_load((SPECS / "repairs.yaml").read_text(encoding="utf-8"))
    sound = openapi.load(published, repairs)
    document = copy.deepcopy(published)
    document["components"]["schemas"] = sound.schemas
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in sound.endpoints.values():
        operation = dict(published["paths"][endpoint.path][endpoint.method.lower()])
        operation["operationId"] = endpoint.name
        if endpoint.parameters:
            operation["parameters"] = list(endpoint.parameters)
        if endpoint.body:
            operation["requestBody"] = {
                **operation["requestBody"],
                "content": _json(endpoint.body),
            }
        if endpoint.answer:
            ok = {"description": "", "content": _json(endpoint.answer)}
            operation["responses"] = {"200": ok}
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = operation
    document["paths"] = paths
    return document


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
