"""The risk of one call: the record's worst case, changed by what the arguments say.

Where several rules match, the strictest effect wins, and a hazard that one rule drops counts as
soon as another adds it. A rule that needs the before-state counts for what it raises and not for
what it relaxes: what is not known stays strict.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.path import is_empty, values_at
from descope_mcp.catalog.record import Effect, Hazard, Rule, worse


@dataclass(frozen=True, slots=True)
class Risk:
    """What a call does at worst, sentences for the person asked, and a reason not to send it."""

    effect: Effect
    hazards: tuple[Hazard, ...]
    say: tuple[str, ...] = ()
    refusal: str = ""


def assess(operation: Operation, arguments: Mapping[str, Any], hosts: frozenset[str]) -> Risk:
    """The risk of calling `operation` with `arguments`.

    Args:
        operation: what is called.
        arguments: checked arguments.
        hosts: lower-case names of the hosts that may receive a sign-in token.
    """
    matching = [r for r in operation.when if all(_arguments_hold(r, arguments, hosts))]
    effects: list[Effect] = []
    added: list[Hazard] = []
    dropped: set[Hazard] = set()
    for rule in matching:
        added += rule.add
        if not rule.compares:
            effects += [rule.effect] if rule.effect else []
            dropped.update(rule.drop)
        elif rule.effect:
            # Whether it applies is not known, so the record's own effect is as possible.
            effects.append(worse(rule.effect, operation.effect))
    kept = [h for h in operation.hazards if h not in dropped]
    return Risk(
        effect=worse(*effects) if effects else operation.effect,
        hazards=tuple(dict.fromkeys([*kept, *added])),
        say=tuple(r.say for r in matching if r.say and not r.compares),
        refusal="; ".join(r.why for r in matching if r.refuse),
    )


def _arguments_hold(rule: Rule, arguments: Mapping[str, Any], hosts: frozenset[str]) -> list[bool]:
    """Whether each of the rule's conditions on the arguments holds."""

    def values(path: str) -> list[Any]:
        return [v for v in values_at(arguments, path) if v is not None]

    def filled(path: str) -> bool:
        return any(not is_empty(v) for v in values(path))

    def true(path: str) -> bool:
        return any(v is True for v in values(path))

    held: list[bool] = []
    if rule.given:
        held.append(any(values(p) for p in rule.given))
    if rule.filled:
        held.append(any(filled(p) for p in rule.filled))
    if rule.empty:
        held.append(not any(filled(p) for p in rule.empty))
    if rule.all_filled:
        held.append(all(filled(p) for p in rule.all_filled))
    if rule.is_true:
        held.append(any(true(p) for p in rule.is_true))
    if rule.not_true:
        held.append(not any(true(p) for p in rule.not_true))
    for path, wanted in rule.equals.items():
        held.append(any(v in wanted for v in values(path)))
    for path, wanted in rule.all_equal.items():
        found = values(path)
        # An element that lacks the field is none that equals.
        elements = values_at(arguments, path.rpartition(".")[0]) if "[]" in path else found
        held.append(0 < len(found) == len(elements) and all(v in wanted for v in found))
    if rule.only:
        held.append(_only(arguments, rule.only))
    if rule.foreign_host:
        held.append(any(_foreign(v, hosts) for p in rule.foreign_host for v in values(p)))
    return held


def _only(arguments: Mapping[str, Any], allowed: tuple[str, ...]) -> bool:
    """Whether nothing but the allowed paths is present; a null counts as present."""
    for name, value in arguments.items():
        if name in allowed:
            continue
        below = tuple(
            path.partition(".")[2]
            for path in allowed
            if path.partition(".")[0].removesuffix("[]") == name and "." in path
        )
        items = value if isinstance(value, list) else [value]
        if not below or not all(isinstance(i, Mapping) and _only(i, below) for i in items):
            return False
    return True


def _foreign(url: Any, hosts: frozenset[str]) -> bool:
    """Whether a URL leads to a host that is not trusted; one without a host leads nowhere."""
    if not isinstance(url, str) or not url:
        return False
    try:
        host = urlsplit(url).hostname
    except ValueError:
        return True
    return host is None or host not in hosts
