"""What a person reads before saying yes: which call, what it hits, what is lost.

Names and values come from strangers. Each is quoted, on one line, cut, and without control or
direction characters, so that none can pretend to be a part of the question.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from typing import Any

from descope_mcp.catalog.operation import Operation
from descope_mcp.guard.policy import Decision
from descope_mcp.guard.preview import Preview, target_name
from descope_mcp.guard.risk import Risk
from descope_mcp.guard.secrets import masked, seal

_MAX_VALUE = 120
_MAX_FIELDS = 20
_MAX_ITEMS = 5

_HAZARD = {
    "bulk": "It affects many at once.",
    "project_wide": "It affects the whole project.",
    "account_takeover": "It can give control of somebody's account, or more rights.",
    "mints_secret": "It creates a credential.",
    "reveals_secret": "It reveals a stored secret.",
    "sends_message": "It sends a message to people.",
    "forges_record": "It writes a record that cannot be taken back.",
}


def text(
    operation: Operation,
    arguments: Mapping[str, Any],
    risk: Risk,
    decision: Decision,
    preview: Preview,
    where: str,
) -> str:
    """The question for one call.

    Args:
        operation: what would run.
        arguments: checked arguments; secrets among them are not shown.
        risk: of this call.
        decision: why a person is asked.
        preview: the before-state and the counts.
        where: the project that it would run in.
    """
    name = target_name(operation, preview)
    title = f"{operation.title}: {quoted(name)}" if name else operation.title
    lines = [f"{title}?", f"{operation.name} in project {quoted(where or 'not set')}."]
    lines += [decision.reason, *(_HAZARD[h] for h in risk.hazards if h in _HAZARD), *risk.say]
    lines += _section("Arguments", masked(operation, arguments))
    if preview.target is not None:
        lines += _before(operation, preview.target)
    lines += [f"{label}: {number}" for label, number in preview.counts]
    if operation.lost:
        lines.append(f"Not coming back: {operation.lost}")
    if operation.restore:
        lines.append(f"Can be rebuilt with: {', '.join(operation.restore)}.")
    if operation.safer:
        lines.append(f"Softer: {operation.safer.operation} ({operation.safer.why}).")
    return "\n".join(dict.fromkeys(lines))


def quoted(value: Any) -> str:
    """A foreign value on one line: JSON, without invisible characters, at most 120 characters."""
    shown = json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else f'"{value}"'
    shown = "".join(c if _visible(c) else "·" for c in shown)
    return shown if len(shown) <= _MAX_VALUE else shown[: _MAX_VALUE - 1] + "…"


def _visible(character: str) -> bool:
    # Cc and Cf are control and format characters, Zl and Zp break lines, Co and Cs are undefined.
    return unicodedata.category(character) not in ("Cc", "Cf", "Zl", "Zp", "Co", "Cs", "Cn")


def _section(title: str, values: Mapping[str, Any]) -> list[str]:
    if not values:
        return []
    shown = [f"  {quoted(key)[1:-1]}: {quoted(v)}" for key, v in values.items()]
    more = len(shown) - _MAX_FIELDS
    return [f"{title}:", *shown[:_MAX_FIELDS], *([f"  and {more} more"] if more > 0 else [])]


def _before(operation: Operation, target: Any) -> list[str]:
    if isinstance(target, list):
        shown = [f"  {quoted(_identity(item))}" for item in target[:_MAX_ITEMS]]
        more = len(target) - _MAX_ITEMS
        return [f"Now ({len(target)}):", *shown, *([f"  and {more} more"] if more > 0 else [])]
    sealed = seal(operation, target)
    if not isinstance(sealed, Mapping):
        return [f"Now: {quoted(sealed)}"]
    said = {k: v for k, v in sealed.items() if v not in (None, "", [], {}, False, 0)}
    return _section("Now", said)


def _identity(item: Any) -> Any:
    """What tells one element of a list from another."""
    if not isinstance(item, Mapping):
        return item
    keys = ("name", "loginIds", "displayName", "id", "userId", "appId", "email")
    return {key: item[key] for key in keys if item.get(key)} or item
