"""The tools of both surfaces, as MCP describes them. Annotations follow the worst case.

Every tool says everything about itself: some clients take a hint that is missing for the harmless
value, and directories insist on it. The title stands twice, since clients since 2025-06-18 look for
it beside the name, older ones and directories inside the annotations. None of it costs a model
anything, which reads names, descriptions and schemas.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import mcp_types as types

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.operation_record.effect import EFFECTS, Effect
from descope_mcp.catalog.schemas.published import published
from descope_mcp.guard.policy.decision import Policy, at_worst
from descope_mcp.server.surface import panel

_OPERATION = {"type": "string", "maxLength": 100, "description": "Name from descope_search"}
_ARGUMENTS = {"type": "object", "description": "The operation's arguments"}
#: What is shown of an answer. Operations have arguments of these names, so they stand beside those.
_VIEW = {
    "fields": {
        "type": "string",
        "maxLength": 1000,
        "description": "JMESPath of what to show, as users[].{id: userId} or "
        "count_by(users, &status)",
    },
    "limit": {"type": "integer", "minimum": 1, "description": "Show so many elements"},
}

#: Directories want a tool that calls whatever operation it is given to say of which API, with a
#: link to its documentation.
_RUNS = "Run an operation of the Descope API (https://docs.descope.com/api) of class"
_CALLS: dict[Effect, tuple[str, str]] = {
    "read": ("Read from Descope", f"{_RUNS} read: it changes and sends nothing."),
    "write": (
        "Add or change in Descope",
        f"{_RUNS} write: it adds, changes one thing or sends a message; nothing is lost. A person "
        "is asked where it can give access or create a credential.",
    ),
    "destructive": (
        "Delete or overwrite in Descope",
        f"{_RUNS} destructive: it deletes, overwrites, revokes, cuts off or ends sessions. A "
        "person is asked first and sees what is lost.",
    ),
}


def hub(policy: Policy) -> list[types.Tool]:
    """The tools of the default surface; a read-only server has none that change."""
    classes = EFFECTS[:1] if policy.read_only else EFFECTS
    calls = [
        _tool(
            f"descope_{effect}",
            _CALLS[effect][1],
            {
                "operation": _OPERATION,
                "arguments": _ARGUMENTS,
                **_VIEW,
            },
            ["operation"],
            _annotations(_CALLS[effect][0], effect, idempotent=effect == "read", open_world=True),
        )
        for effect in classes
    ]
    changing = [] if policy.read_only else [_PLAN, _UNDO]
    return [_SEARCH, _DESCRIBE, *calls, *changing, _STATUS]


def endpoints(
    catalog: Catalog, toolsets: Iterable[str], policy: Policy, project: str = ""
) -> list[types.Tool]:
    """One tool per operation and report of the toolsets that the policy does not deny outright."""
    wanted = set(toolsets)
    operations = (catalog[name] for name in (*catalog, *catalog.reports))
    return [
        endpoint(operation)
        for operation in operations
        if ("all" in wanted or operation.toolset in wanted)
        and at_worst(operation, catalog, policy, project).action != "deny"
    ]


def endpoint(operation: Operation) -> types.Tool:
    """An operation as a tool of its own."""
    effect, again = operation.worst_effect, operation.idempotent
    return types.Tool(
        name=operation.name,
        title=operation.title,
        description=operation.description,
        input_schema=published(operation.input_schema),
        annotations=_annotations(operation.title, effect, idempotent=again, open_world=True),
    )


def with_panel(tool: types.Tool) -> types.Tool:
    """A tool with the panel in which its results are shown; none for one that only reads."""
    if tool.annotations is None or tool.annotations.read_only_hint:
        return tool
    return tool.model_copy(update={"meta": panel.OF_TOOL})


def _annotations(
    title: str, effect: Effect, *, idempotent: bool, open_world: bool
) -> types.ToolAnnotations:
    return types.ToolAnnotations(
        title=title,
        read_only_hint=effect == "read",
        destructive_hint=effect == "destructive",
        idempotent_hint=idempotent,
        open_world_hint=open_world,
    )


def _tool(
    name: str,
    description: str,
    properties: dict[str, Any],
    required: list[str],
    annotations: types.ToolAnnotations,
) -> types.Tool:
    schema: dict[str, Any] = {"type": "object", "properties": properties}
    if required:
        schema["required"] = required
    schema["additionalProperties"] = False
    return types.Tool(
        name=name,
        title=annotations.title,
        description=description,
        input_schema=schema,
        annotations=annotations,
    )


_SEARCH = _tool(
    "descope_search",
    "Find operations of the Descope API by what they do. Answers name, class and arguments.",
    {
        "query": {
            "type": "string",
            "maxLength": 500,
            "description": "What you want to do, in plain words",
        },
        "toolset": {
            "type": "string",
            "maxLength": 60,
            "description": "Only this toolset (see descope_describe)",
        },
        "effect": {"type": "string", "enum": list(EFFECTS), "description": "Only this class"},
        "limit": {
            "type": "integer",
            "minimum": 1,
            "maximum": 20,
            "description": "Most operations to show; 6 if left out",
        },
    },
    ["query"],
    _annotations("Find Descope operations", "read", idempotent=True, open_world=False),
)
_DESCRIBE = _tool(
    "descope_describe",
    "Explain operations in full: arguments, what is lost, who is asked. Without names: the "
    "toolsets. With a toolset's name: its operations.",
    {
        "names": {
            "type": "array",
            "items": {"type": "string", "maxLength": 100},
            "maxItems": 20,
            "description": "Operations or toolsets",
        },
        "schema": {"type": "boolean", "description": "Add the full JSON Schema and folded fields"},
    },
    [],
    _annotations("Explain Descope operations", "read", idempotent=True, open_world=False),
)
_PLAN = _tool(
    "descope_plan",
    "Run steps as one: all checked, a person asked once. Values can be "
    '{"$from": step or answers/NAME, "path": JMESPath}; in a for_each {"$each": JMESPath}.',
    {
        "steps": {
            "type": "array",
            "items": {"type": "object"},
            "description": "{id, operation, arguments, for_each}",
        },
        "title": {"type": "string", "description": "What for"},
        "check": {"type": "boolean", "description": "Only show"},
        "on_failure": {"enum": ["stop", "continue"], "description": "Default stop"},
        "resume": {"type": "string", "description": "Plan id"},
    },
    [],
    _annotations("Run a plan", "destructive", idempotent=False, open_world=True),
)
_UNDO = _tool(
    "descope_undo",
    "Take back a call that changed something, as far as that is possible, by the callId of its "
    "answer. A person is asked where the way back deletes or gives access.",
    {
        "call": {"type": "string", "maxLength": 36, "description": "callId of the call"},
        "anyway": {
            "type": "boolean",
            "description": "Also if the object has changed since, or the outcome is unknown",
        },
    },
    ["call"],
    _annotations("Undo a Descope call", "destructive", idempotent=False, open_world=True),
)
_STATUS = _tool(
    "descope_status",
    "Which project this server works in, with which credentials, and what it is allowed to do.",
    {},
    [],
    _annotations("Show server status", "read", idempotent=True, open_world=False),
)
