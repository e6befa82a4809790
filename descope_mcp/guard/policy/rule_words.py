"""Rules in words: those of a policy file, what follows from them, and those of a record."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.operation_record.rule import COMPARISONS, CONDITIONS, Rule
from descope_mcp.catalog.schemas.input_schema import lookup
from descope_mcp.guard.policy.decision import Policy, worst
from descope_mcp.guard.policy.rule import HARMLESS, Cap, PolicyRule, may_match

#: So many operations of a rule are named.
_MOST_NAMES = 8


def scope(rule: PolicyRule) -> str:
    """Which calls a rule is about."""
    parts = ["every operation" if rule.operations is None else _some(rule.operations)]
    for name, values in (
        ("effect", rule.effects),
        ("hazard", (rule.hazards or frozenset()) - (HARMLESS if rule.allows else frozenset())),
        ("caller", rule.callers),
        ("project", rule.projects),
        ("target", rule.targets),
    ):
        parts += [f"{name} {', '.join(sorted(values))}"] if values else []
    parts += [f"{claim} of the caller {' or '.join(p)}" for claim, p in rule.who.items()]
    named = (*rule.arguments.items(), *rule.meanings.items())
    parts += [f"{name} = {' or '.join(patterns)}" for name, patterns in named]
    return "; ".join(parts)


def quorum(rule: PolicyRule) -> str:
    """Whose word it asks for, "" where it says nothing of that."""
    eyes = {True: "nobody whom the agent acts for", False: "whom the agent acts for may too"}
    parts = [f"{rule.approvals} different people approve"] if rule.approvals > 1 else []
    parts += [eyes[rule.four_eyes]] if rule.four_eyes is not None else []
    return ", ".join(parts)


def notes(rule: PolicyRule, catalog: Catalog) -> Iterator[str]:
    """What the author of a rule may not expect of it."""
    operations = [catalog[name] for name in sorted(rule.operations or catalog)]
    asked = {o.name for o in operations if worst(o, Policy()).action == "confirm"}
    lifted = {o.name for o in operations if worst(o, Policy(rules=(rule,))).action == "allow"}
    some = {o.name for o in operations if may_match(rule, o)}
    if rule.allows and asked & some:
        often = "" if asked & some <= lifted else " (some calls)"
        yield f"nobody is asked any more about {_some(asked & some)}{often}"
    if rule.who and not rule.allows:
        said = " or ".join(rule.who)
        yield f"it also holds for callers of whom {said} is not known, and for all on stdio"
    for path in rule.arguments:
        without = [o.name for o in operations if lookup(o.input_schema, path) is None]
        if without and rule.operations is not None:
            yield f"calls without {path} never match: {_some(without)}"
    for meaning in rule.meanings:
        without = [o.name for o in operations if meaning not in o.marks]
        if without and rule.operations is not None:
            yield f"these name no {meaning} and never match: {_some(without)}"


def _some(names: Collection[str]) -> str:
    """Names, or their number where they are many."""
    shown = ", ".join(sorted(names))
    return shown if len(names) <= _MOST_NAMES else f"{len(names)} operations"


def cap(bound: Cap) -> str:
    """How often a rule may decide so."""
    bounds = [f"{n} {what}" for n, what in ((bound.calls, "calls"), (bound.items, "items")) if n]
    return f"at most {' and '.join(bounds)} in {bound.seconds} seconds"


def record_rule(rule: Rule) -> str:
    """A rule of a record: what it looks at, what follows and why."""
    conditions = [
        f"{name} {_condition(getattr(rule, name))}"
        for name in (*CONDITIONS, *COMPARISONS)
        if getattr(rule, name)
    ]
    follows = [f"effect {rule.effect}"] if rule.effect else []
    follows += [f"adds {h}" for h in rule.add] + [f"drops {h}" for h in rule.drop]
    follows += ["refused"] if rule.refuse else []
    unknown = ", if it differs so from the present state" if rule.compares else ""
    return f"{'; '.join(conditions)}{unknown}: {', '.join(follows) or 'said'} ({rule.why})"


def _condition(value: Collection[str] | Mapping[str, list[Any]]) -> str:
    """The arguments of a condition, with the values that are compared."""
    if isinstance(value, Mapping):
        return ", ".join(f"{path} {json.dumps(wanted)}" for path, wanted in value.items())
    return ", ".join(value)
