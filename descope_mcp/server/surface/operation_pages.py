"""Pages about operations and toolsets, under the current policy."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from descope_mcp.call.services import Services
from descope_mcp.catalog.catalog import ToolsetInfo
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.operation_record.record import Example, Omission
from descope_mcp.catalog.reports.report import Report
from descope_mcp.catalog.schemas.argument_lines import argument_lines
from descope_mcp.catalog.schemas.signature import brief
from descope_mcp.catalog.wording.call_class import call_class
from descope_mcp.catalog.wording.omitted_fields import existing, left_out
from descope_mcp.guard.policy.decision import at_worst, needed_lists
from descope_mcp.guard.policy.foreseeable_questions import foreseeable
from descope_mcp.guard.question.quoting import MOST_SHOWN

_AT_ONCE = f"{MOST_SHOWN:,} characters of arguments; more cannot be shown to a person"
_FORESEE = "descope_plan with check: true tells whom it would hit"
#: So many names inside of a field of an answer are told.
_MOST_INSIDE = 40
#: So many operations that undo one are named.
_MOST_UNDOING = 3
#: What hardly ever decides a call, and is shown with the schema.
_FOLDED = ("endpoint", "madeOf", "hazards", "preview")

#: What the first line of a page says.
_HEAD = ("asked", "name", "title", "toolset", "class")


def operation(one: Operation, services: Services, *, schema: bool) -> dict[str, Any]:
    """What decides a call of an operation; with `schema` everything about it.

    Args:
        one: the operation.
        services: the policy and the catalog.
        schema: also the JSON Schema of its arguments, the fields of those that are folded, what
            rarely decides a call, and what follows from the rest of the page.
    """
    explained = services.catalog.explanation(one.name)
    page: dict[str, Any] = {
        "name": one.name,
        "title": one.title,
        "toolset": one.toolset,
        "class": call_class(one),
        "description": one.description,
        "endpoint": f"{one.method} {one.path}".strip(),
        "madeOf": _parts(one),
        "hazards": list(one.worst_hazards),
        "confirmation": _confirmation(one, services, why=schema),
        "arguments": argument_lines(one, explained, unfolded=schema),
        "oneOf": [" or ".join(group) for group in one.one_of],
        "references": [
            f"{kind}: {explained.reads[kind]}"
            for kind in explained.references(unfolded=schema)
            if schema or explained.reads[kind] not in (one.name, *_words(one.description))
        ],
        "usedBy": [
            f"{kind} ({', '.join(fields)}): {_with_needed(explained.reads[kind], services)}"
            for kind, fields in explained.used_by.items()
            if schema or _takes_away(one)
        ],
        "leftOut": left_out(one),
        "existing": existing(one),
        "atOnce": _AT_ONCE if one.can_ask and needed_lists(one) else "",
        "examples": [
            _example(example) for example in one.examples if schema or _shows_more(example)
        ],
        "returns": [
            _returned(one, name)
            for name in one.answer_fields
            if schema or one.effect == "read" or name not in one.places
        ],
        "notInIt": [missing.say for missing in one.leaves_out if _always(missing)],
        "emptyMeans": [f"{field}: {means}" for field, means in one.empty_means.items()],
        "preview": [step.operation for step in one.preview],
        "undoneBy": _some(one.undone_by, len(one.undone_by) if schema else _MOST_UNDOING),
        "lost": one.lost,
        "foresee": _FORESEE if one.impact and _takes_away(one) else "",
        "safer": f"{one.safer.operation}: {one.safer.why}" if one.safer else "",
        "secretFields": list(one.secrets),
        "takesHandles": list(one.accepts),
        "shownOnce": "yes; kept until a person reveals it" if one.once else "",
    }
    if schema:
        page["inputSchema"] = one.input_schema
    return {key: value for key, value in page.items() if value and (schema or key not in _FOLDED)}


def together(pages: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Pages of one answer, in which each reference is told once."""
    told: set[str] = set()
    for page in pages:
        references = [one for one in page.get("references", ()) if one not in told]
        told.update(references)
        if "references" in page:
            page = {**page, "references": references}
        yield {key: value for key, value in page.items() if value or key != "references"}


def same_again(asked: str, one: Operation) -> dict[str, Any]:
    """The page of a name that means an operation whose page is there already."""
    return {"asked": asked, "name": one.name, "title": "as above"}


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
    lines = [_head(page)] if "class" in page else []
    for key, value in page.items():
        if lines and key in _HEAD:
            continue
        if key == "description":
            lines.append(value)
        elif key == "operations" and isinstance(value, list):
            lines += [_line(row) for row in value]
        elif key in ("arguments", "examples", "more"):
            lines += [f"{key}:", *(f"  {item}" for item in value)]
        elif isinstance(value, list):
            lines.append(f"{key}: {'; '.join(map(str, value))}")
        elif key != "inputSchema":
            lines.append(f"{key}: {value}")
    return "\n".join(lines)


def _head(page: Mapping[str, Any]) -> str:
    """What an operation is, in a line."""
    asked = f"{page['asked']} means " if "asked" in page else ""
    return f"{asked}{page['name']} [{page['class']}] - {page['title']} ({page['toolset']})"


def _always(missing: Omission) -> bool:
    """Whether a read never has it, whatever it is called with."""
    return missing.always and not missing.given


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def _takes_away(one: Operation) -> bool:
    """Whether an operation deletes or overwrites, so that it matters who refers to the object."""
    return one.effect == "destructive" and not one.update


def _with_needed(name: str, services: Services) -> str:
    """A read and what it cannot be called without: ``LoadAllSSOSettings(tenantId)``."""
    needed = services.catalog[name].input_schema.get("required", ())
    return f"{name}({', '.join(needed)})" if needed else name


def _example(example: Example) -> str:
    """What is asked for, the arguments, and what is shown of the answer."""
    fields = f" fields: {example.fields}" if example.fields else ""
    return f"{example.say} {json.dumps(example.arguments, ensure_ascii=False)}{fields}"


def _shows_more(example: Example) -> bool:
    """Whether an example shows what the lines of arguments do not: how objects are written."""
    given = example.arguments.values()
    values = [one for value in given for one in (value if isinstance(value, list) else [value])]
    return bool(example.fields) or any(isinstance(value, dict) for value in values)


def _some(names: Sequence[str], most: int) -> list[str]:
    more = [f"+{len(names) - most} more"] if len(names) > most else []
    return [*names[:most], *more]


def _parts(one: Operation) -> list[str]:
    """The operations that a report calls."""
    reads = one.reads.values() if isinstance(one, Report) else ()
    return list(dict.fromkeys(source.operation for source in reads))


def _returned(one: Operation, name: str) -> str:
    """A field of an answer, with the names of what is inside: ``users {userId, name}``."""
    inside = one.elements.get(name, ())
    return f"{name} {{{', '.join(_some(inside, _MOST_INSIDE))}}}" if inside else name


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


def _confirmation(one: Operation, services: Services, *, why: bool) -> str:
    """On which calls a person is asked, and whether the target's name has to be typed.

    The reason is told where a policy file gives it, and with `why` that of the default policy,
    which follows from the class and the hazards.
    """
    asked = policy_note(one, services, most=1_000)
    decision = at_worst(one, services.catalog, services.policy, services.project)
    if decision.action == "deny":
        return asked
    if not asked and decision.action == "allow":
        # Of a read nobody expects otherwise.
        return "" if one.effect == "read" else "none"
    said = asked if decision.action == "confirm" else "; ".join(filter(None, ["none", asked]))
    typed = ", who types the target's name" if decision.typed else ""
    by_file = ":" in decision.rule
    return f"{said}{typed} ({decision.reason})" if why or by_file else f"{said}{typed}"
