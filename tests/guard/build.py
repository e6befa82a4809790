"""Operations and catalogs made up for one test."""

from __future__ import annotations

from typing import Any

from descope_mcp.catalog.operation import Operation


def operation(name: str = "Act", **changes: Any) -> Operation:
    """A destructive operation of the management plane with string arguments, but for `changes`."""
    arguments = changes.pop("arguments", {"id": {"type": "string"}})
    facts: dict[str, Any] = {
        "endpoint": f"POST /v1/mgmt/{name.lower()}",
        "title": f"{name} on something",
        "description": "Does something to something.",
        "effect": "destructive",
        "name": name,
        "operation_id": name,
        "toolset": "things",
        "method": "POST",
        "path": f"/v1/mgmt/{name.lower()}",
        "schemes": ["management_key"],
        "plane": "management",
        "input_schema": {
            "type": "object",
            "properties": arguments,
            "additionalProperties": False,
        },
        "places": {name: ("body", name) for name in arguments},
    }
    return Operation.model_validate({**facts, **changes})


def rule(**parts: Any) -> dict[str, Any]:
    """A rule that does something and says why."""
    return {"why": "it is so", **parts}
