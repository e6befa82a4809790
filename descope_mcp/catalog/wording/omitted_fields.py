"""What becomes of what a call leaves out, and of what is there already, in a sentence each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.operation_record.record import Existing
from descope_mcp.catalog.operation_record.rule import Rule

_EXISTING: dict[Existing, str] = {
    "refused": "A name or id that is taken is refused.",
    "another": "Called again, it makes another one.",
    "kept": "What is there already under its name stays as it is.",
    "replaced": "What is there already under its name is replaced; a person is asked first.",
    "unknown": "What is there already under its name may be replaced; a person is asked first.",
}


def left_out(operation: Operation) -> str:
    """What an update does with the fields that a call does not give; "" where there are none."""
    if not _has_optional(operation):
        return ""
    if operation.update == "replace":
        said = "What is left out stays: it is filled in from what is there. replace: true clears it"
        gone = [path for path, source in operation.before.items() if source == "lost"]
        end = f", and always {', '.join(gone)}, which no read returns" if gone else ""
        return f"{said}{end}."
    if operation.update == "patch":
        removed = [path for rule in operation.when if _removes(rule) for path in rule.empty]
        first = f"Without {', '.join(removed)} it is removed. " if removed else ""
        return f"{first}What {'else ' if removed else ''}is left out stays as it is."
    return ""


def existing(operation: Operation) -> str:
    """What a creation makes of what is there already under its name; "" where that is not said."""
    return _EXISTING[operation.existing] if operation.existing else ""


def _has_optional(operation: Operation) -> bool:
    """Whether a call may leave out an argument, or a field of one."""
    needed = operation.input_schema.get("required", ())
    properties = operation.input_schema["properties"].items()
    return any(name not in needed or _has_fields(value) for name, value in properties)


def _has_fields(schema: Mapping[str, Any]) -> bool:
    return "properties" in schema or "properties" in schema.get("items", {})


def _removes(rule: Rule) -> bool:
    return rule.effect == "destructive" and rule.conditions == {"empty"}
