"""Pages about operations and toolsets, under the current policy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from descope_mcp.call.services import Services
from descope_mcp.catalog.catalog import ToolsetInfo
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.schemas.argument_lines import argument_lines
from descope_mcp.catalog.schemas.signature import brief
from descope_mcp.guard.policy.decision import Decision, possible, worst


def operation(one: Operation, services: Services, *, schema: bool) -> dict[str, Any]:
    """Everything about one operation.

    Args:
        one: the operation.
        services: the policy and the catalog.
        schema: also the JSON Schema of its arguments, and the fields of those that are folded.
    """
    explained = services.catalog.explanation(one.name)
    page: dict[str, Any] = {
        "name": one.name,
        "title": one.title,
        "description": one.description,
        "endpoint": f"{one.method} {one.path}",
        "toolset": one.toolset,
        "class": one.effect,
        "hazards": list(one.worst_hazards),
        "confirmation": _confirmation(one, services),
        "arguments": argument_lines(one, explained, unfolded=schema),
        "references": [f"{kind}: {explained.reads[kind]}" for kind in explained.references],
        "usedBy": [
            f"{kind} ({', '.join(fields)}): {explained.reads[kind]}"
            for kind, fields in explained.used_by.items()
        ],
        "oneOf": [" or ".join(group) for group in one.one_of],
        "examples": [
            f"{example.say} {json.dumps(example.arguments, ensure_ascii=False)}"
            for example in one.examples
        ],
        "returns": list(one.answer_fields),
        "preview": [step.operation for step in one.preview],
        "undoneBy": list(one.undone_by),
        "lost": one.lost,
        "safer": f"{one.safer.operation}: {one.safer.why}" if one.safer else "",
        "secretFields": list(one.secrets),
        "takesHandles": list(one.accepts),
        "shownOnce": "yes; kept until a person reveals it" if one.once else "",
    }
    if schema:
        page["inputSchema"] = one.input_schema
    return {key: value for key, value in page.items() if value}


def toolset(info: ToolsetInfo) -> dict[str, Any]:
    """What a toolset is about."""
    return {
        "toolset": info.name,
        "title": info.title,
        "about": info.about,
        "operations": len(info.operations),
    }


def overview(info: ToolsetInfo, services: Services) -> dict[str, Any]:
    """A toolset with its operations, one line each."""
    ones = [services.catalog[name] for name in info.operations]
    lines = [
        {"name": o.name, "class": o.effect, "call": brief(o), "title": o.title}
        | ({"note": note} if (note := policy_note(o, services)) else {})
        for o in ones
    ]
    return {**toolset(info), "operations": lines}


def policy_note(one: Operation, services: Services) -> str:
    """What the policy does to calls of an operation at worst; empty where it lets them pass."""
    decision = worst(one, services.policy, services.project)
    if decision.action == "allow":
        return ""
    if decision.action == "deny":
        return f"denied: {decision.reason}"
    return "may ask a person" if one.when else "asks a person"


def as_text(page: Mapping[str, Any]) -> str:
    """A page as lines of text; the JSON Schema is in the structured form only."""
    lines = []
    for key, value in page.items():
        if key == "operations" and isinstance(value, list):
            lines += [_line(row) for row in value]
        elif key in ("arguments", "examples"):
            lines += [f"{key}:", *(f"  {item}" for item in value)]
        elif isinstance(value, list):
            lines.append(f"{key}: {'; '.join(map(str, value))}")
        elif key != "inputSchema":
            lines.append(f"{key}: {value}")
    return "\n".join(lines)


def _line(row: Mapping[str, Any]) -> str:
    note = f" ({row['note']})" if "note" in row else ""
    return f"[{row['class']}] {row['call']} - {row['title']}{note}"


def _confirmation(one: Operation, services: Services) -> str:
    """What will be asked at worst, and whether that depends on the call."""
    decision: Decision = worst(one, services.policy, services.project)
    said = {"allow": "none", "confirm": "a person is asked", "deny": "denied"}[decision.action]
    typed = " and types the target's name" if decision.typed else ""
    met = possible(one, services.policy, services.project)
    depends = ""
    if decision.action != "deny" and (one.when or len(met) > 1):
        denied = any(other.action == "deny" for other in met)
        depends = f"; depends on the arguments{', some are denied' if denied else ''}"
    return f"{said}{typed} ({decision.reason}){depends}"
