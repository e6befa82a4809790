"""Pages about operations and toolsets, under the current policy."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from descope_mcp.call.services import Services
from descope_mcp.catalog.catalog import ToolsetInfo
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.reports.report import Report
from descope_mcp.catalog.schemas.argument_lines import argument_lines
from descope_mcp.catalog.schemas.signature import brief
from descope_mcp.catalog.wording.call_class import call_class
from descope_mcp.catalog.wording.omitted_fields import existing, left_out
from descope_mcp.guard.policy.decision import at_worst, needed_lists
from descope_mcp.guard.policy.foreseeable_questions import foreseeable
from descope_mcp.guard.question.quoting import MOST_SHOWN

_AT_ONCE = f"{MOST_SHOWN:,} characters of arguments; more cannot be shown to a person who is asked"
#: So many names inside of a field of an answer are told.
_MOST_INSIDE = 40


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
        "endpoint": f"{one.method} {one.path}".strip(),
        "madeOf": _parts(one),
        "toolset": one.toolset,
        "class": call_class(one),
        "hazards": list(one.worst_hazards),
        "confirmation": _confirmation(one, services),
        "arguments": argument_lines(one, explained, unfolded=schema),
        "references": [f"{kind}: {explained.reads[kind]}" for kind in explained.references],
        "usedBy": [
            f"{kind} ({', '.join(fields)}): {explained.reads[kind]}"
            for kind, fields in explained.used_by.items()
        ],
        "leftOut": left_out(one),
        "existing": existing(one),
        "atOnce": _AT_ONCE if one.can_ask and needed_lists(one) else "",
        "oneOf": [" or ".join(group) for group in one.one_of],
        "examples": [
            f"{example.say} {json.dumps(example.arguments, ensure_ascii=False)}"
            for example in one.examples
        ],
        "returns": [_returned(one, name) for name in one.answer_fields],
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
        **({"reports": len(info.reports)} if info.reports else {}),
    }


def overview(info: ToolsetInfo, services: Services) -> dict[str, Any]:
    """A toolset with its operations, one line each."""
    ones = [services.catalog[name] for name in (*info.reports, *info.operations)]
    lines = [
        {"name": o.name, "class": call_class(o, most=0), "call": brief(o), "title": o.title}
        | ({"note": note} if (note := policy_note(o, services)) else {})
        for o in ones
    ]
    return {**toolset(info), "operations": lines}


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


def _parts(one: Operation) -> list[str]:
    """The operations that a report calls."""
    reads = one.reads.values() if isinstance(one, Report) else ()
    return list(dict.fromkeys(source.operation for source in reads))


def _returned(one: Operation, name: str) -> str:
    """A field of an answer, with the names of what is inside: ``users {userId, name}``."""
    inside = one.elements.get(name, ())
    more = [f"+{len(inside) - _MOST_INSIDE} more"] if len(inside) > _MOST_INSIDE else []
    return f"{name} {{{', '.join([*inside[:_MOST_INSIDE], *more])}}}" if inside else name


def _line(row: Mapping[str, Any]) -> str:
    note = f" ({row['note']})" if "note" in row else ""
    return f"[{row['class']}] {row['call']} - {row['title']}{note}"


def policy_note(
    one: Operation,
    services: Services,
    most: int = 0,
    about: Callable[[str], int] | None = None,
) -> str:
    """Whether a person is asked, as `foreseeable`; of a report, whether it can be made at all."""
    decision = at_worst(one, services.catalog, services.policy, services.project)
    if isinstance(one, Report) and decision.action == "deny":
        return f"denied: {decision.reason}"
    return foreseeable(one, services.policy, services.project, most, about)


def _confirmation(one: Operation, services: Services) -> str:
    """On which calls a person is asked, why, and whether the target's name has to be typed."""
    asked = policy_note(one, services, most=1_000)
    decision = at_worst(one, services.catalog, services.policy, services.project)
    if decision.action == "deny":
        return asked
    said = asked if decision.action == "confirm" else "; ".join(filter(None, ["none", asked]))
    typed = ", who types the target's name" if decision.typed else ""
    return f"{said}{typed} ({decision.reason})"
