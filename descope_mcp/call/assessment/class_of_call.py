"""Whether a call may come through the tool that it came through: its class, or a stricter one.

A tool says of itself what the worst is that it does, and people decide by that what they let pass
unseen. So no call runs through a laxer tool than its arguments need.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from descope_mcp.call.outcome import Refused
from descope_mcp.catalog.json_path import is_empty, values_at
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.operation_record.effect import EFFECTS, Effect
from descope_mcp.guard.policy.decision import WHY
from descope_mcp.guard.policy.risk import matching_rules
from descope_mcp.guard.preview.comparison.difference import Change


def fits(through: Effect | None, effect: Effect) -> bool:
    """Whether a call of class `effect` may come through the tool of class `through`."""
    return through is None or EFFECTS.index(through) >= EFFECTS.index(effect)


def may_turn_out_milder(operation: Operation, effect: Effect) -> bool:
    """Whether the before-state can show that a call is of a milder class than it looks."""
    compares = any(rule.compares for rule in operation.when)
    seen = bool(operation.update or operation.may_overwrite or compares)
    # A call is never milder than its operation.
    return effect != operation.effect and seen


def refusal(
    operation: Operation,
    arguments: Mapping[str, Any],
    effect: Effect,
    hosts: frozenset[str],
    changes: Sequence[Change] | None = None,
) -> Refused:
    """Why a call did not run through the tool that it came through, and what to do instead.

    Args:
        operation: what was called.
        arguments: checked.
        effect: the class of the call.
        hosts: that are trusted.
        changes: what would become different, None where that is not known.
    """
    rules = [r for r in matching_rules(operation, arguments, hosts, changes) if r.effect == effect]
    paths = dict.fromkeys(path for rule in rules for path in rule.paths)
    given = [p for p in paths if any(not is_empty(v) for v in values_at(arguments, p))]
    because = f" with {', '.join(given)}" if given else ""
    why = "; ".join(dict.fromkeys(rule.why for rule in rules)) or WHY.get(effect, "")
    said = f": {why.rstrip('.')}" if why else ""
    message = f"{operation.name}{because} is a {effect} call{said}."
    remedy = [f"Nothing was sent. Call it with descope_{effect}."]
    if given and operation.effect != effect:
        remedy.append(f"Without {', '.join(given)} it is a {operation.effect} call.")
    if operation.safer:
        remedy.append(f"Narrower: {operation.safer.operation}, {operation.safer.why.rstrip('.')}.")
    return Refused("class", message, " ".join(remedy))
