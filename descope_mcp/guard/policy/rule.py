"""A rule of a policy file: which calls it matches.

A rule that allows and a rule that restricts read the same conditions with opposite doubt. To be
allowed, a call has to fit in everything that could matter: every value at a path, spelled exactly
so. To be asked about or denied, it is enough that something fits: one value among many, in any
case. So no mixture of values slips past either kind.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from descope_mcp.catalog.arguments.meanings import Meaning
from descope_mcp.catalog.json_path import is_empty
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.operation_record.effect import Effect, Hazard
from descope_mcp.guard.caller import Caller
from descope_mcp.guard.policy import who
from descope_mcp.guard.policy.argument_values import as_written, is_plain, leaves, reach
from descope_mcp.guard.policy.given_rights import bounded
from descope_mcp.guard.policy.glob import patterns_fit
from descope_mcp.guard.policy.risk import Risk
from descope_mcp.guard.policy.values_by_meaning import meant
from descope_mcp.guard.preview.target_names import KnownNames, names_at, naming, within

Action = Literal["allow", "confirm", "deny"]

#: Hazards that the default policy does not ask about.
HARMLESS: frozenset[Hazard] = frozenset({"bulk", "sends_message"})


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `calls` calls and `items` affected items in any `seconds`; None is no bound.

    ``rule`` identifies the rule by its content, so that a count survives a restart and an edit
    of other rules.
    """

    rule: str
    seconds: int
    calls: int | None = None
    items: int | None = None


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """One rule. A condition that is None or empty is no condition.

    ``operations`` are names. ``effects`` are those that the call may have. ``hazards`` are, in a
    rule that allows, all that the call may have; in another, those of which it must have one.
    ``arguments`` maps paths to patterns, ``meanings`` what arguments mean to patterns; ``targets``
    are patterns of whatever name a target has. ``who`` maps claims of the caller to patterns.
    ``stands_for`` are the claims that patterns stand for. ``place`` says ``file:line``. So many
    people have to approve as ``approvals`` says; ``four_eyes`` says whether whom the agent acts for
    cannot be one, None if the policy does.
    """

    place: str
    action: Action
    reason: str
    operations: frozenset[str] | None = None
    effects: frozenset[Effect] | None = None
    hazards: frozenset[Hazard] | None = None
    callers: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    arguments: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    meanings: Mapping[Meaning, tuple[str, ...]] = field(default_factory=dict)
    targets: tuple[str, ...] = ()
    cap: Cap | None = None
    who: who.Who = field(default_factory=dict)
    stands_for: frozenset[str] = frozenset()
    approvals: int = 1
    four_eyes: bool | None = None

    @property
    def allows(self) -> bool:
        """Whether the rule lets a call through without a question."""
        return self.action == "allow"


def matches(
    rule: PolicyRule,
    operation: Operation,
    arguments: Mapping[str, Any],
    caller: Caller,
    projects: tuple[str, ...],
    risk: Risk,
    known: KnownNames | None = None,
) -> bool:
    """Whether `rule` decides on this call.

    Args:
        rule: of a policy file.
        operation: what is called.
        arguments: checked arguments.
        caller: who calls.
        projects: every project that the call concerns.
        risk: of this call.
        known: the names that its targets have, None as long as nobody has looked.
    """
    rule = _for(rule, caller) if rule.stands_for else rule
    return (
        (rule.operations is None or operation.name in rule.operations)
        and (rule.effects is None or risk.effect in rule.effects)
        and _hazards_fit(rule, risk.hazards)
        and _called_by(rule, caller)
        and (not rule.projects or projects_fit(rule, projects))
        and all(_argument_fits(rule, operation, arguments, path, known) for path in rule.arguments)
        and all(
            _meaning_fits(rule, operation, arguments, meaning, risk, known)
            for meaning in rule.meanings
        )
        and not (rule.allows and rule.meanings and _gives_more(rule, operation, arguments, risk))
        and (not rule.targets or _hits(rule, operation, arguments, known))
    )


def rests_on_doubt(rule: PolicyRule, caller: Caller) -> bool:
    """Whether a rule that restricts matches since something of the caller is not known."""
    unknown = any(caller.known(claim) is None for claim in rule.who)
    return not rule.allows and (unknown or not all(map(caller.known, rule.stands_for)))


def may_match(rule: PolicyRule, operation: Operation) -> bool:
    """Whether some call of `operation` could match, as far as its record tells."""
    return (
        rule.meanings.keys() <= operation.marks.keys()
        and (not rule.targets or bool(naming(operation)))
        and (rule.operations is None or operation.name in rule.operations)
        and (rule.effects is None or not rule.effects.isdisjoint(operation.effects))
        and _hazards_fit(
            rule, certain_hazards(operation) if rule.allows else operation.worst_hazards
        )
    )


def always_matches(rule: PolicyRule, operation: Operation) -> bool:
    """Whether every call of `operation` matches, whoever sends it with whatever arguments."""
    return (
        (rule.operations is None or operation.name in rule.operations)
        and (rule.effects is None or rule.effects >= operation.effects)
        and _hazards_fit(
            rule, operation.worst_hazards if rule.allows else certain_hazards(operation)
        )
        and not (rule.callers or rule.who or rule.projects)
        and not (rule.arguments or rule.meanings or rule.targets)
    )


def speaks_of(rule: PolicyRule, operation: Operation, paths: Collection[str]) -> bool:
    """Whether a rule goes by what is at one of `paths`, or below it, or by whatever it names."""
    if rule.targets:
        return bool(paths)
    said = [*rule.arguments]
    said += [path for one in rule.meanings for path in operation.marks[one].paths]
    return any(within(path, one) for path in paths for one in said)


def certain_hazards(operation: Operation) -> tuple[Hazard, ...]:
    """The hazards that no arguments take away."""
    dropped = {hazard for rule in operation.when for hazard in rule.drop}
    return tuple(hazard for hazard in operation.hazards if hazard not in dropped)


def _hazards_fit(rule: PolicyRule, hazards: tuple[Hazard, ...]) -> bool:
    if rule.allows:
        return (rule.hazards or frozenset()) | HARMLESS >= set(hazards)
    return rule.hazards is None or not rule.hazards.isdisjoint(hazards)


def _called_by(rule: PolicyRule, caller: Caller) -> bool:
    """Whether the rule is about this caller."""
    named = not rule.callers or patterns_fit(caller.name, rule.callers, exactly=rule.allows)
    return named and who.is_meant(caller, rule.who, exactly=rule.allows)


def _for(rule: PolicyRule, caller: Caller) -> PolicyRule:
    """The rule with what the caller has where a pattern stands for it."""

    def own(patterns: tuple[str, ...]) -> tuple[str, ...]:
        return who.filled_in(patterns, caller, exactly=rule.allows)

    return replace(
        rule,
        arguments={path: own(patterns) for path, patterns in rule.arguments.items()},
        meanings={meaning: own(patterns) for meaning, patterns in rule.meanings.items()},
        targets=own(rule.targets),
    )


def projects_fit(rule: PolicyRule, projects: tuple[str, ...]) -> bool:
    """Whether the projects fit; one that is not known (no id is set) is as good as any."""
    if rule.allows:
        return all(patterns_fit(project, rule.projects, exactly=True) for project in projects)
    return any(not p or patterns_fit(p, rule.projects, exactly=False) for p in projects)


def _argument_fits(
    rule: PolicyRule,
    operation: Operation,
    arguments: Mapping[str, Any],
    path: str,
    known: KnownNames | None,
) -> bool:
    """Whether the values at `path` are what the rule names.

    Where they name a target, what restricts goes by each of its names, and what allows by one that
    the target has as it is spelled.

    Where a record lists arguments of which any one names the target (a login id or a user id),
    the target of a call that uses another one than the rule is not known: such a call is not
    allowed, and is asked about or denied.
    """
    patterns = rule.arguments[path]
    unknown = any(
        not is_empty(arguments.get(other))
        for group in operation.one_of
        if _first(path) in group
        for other in group
        if other not in map(_first, rule.arguments)
    )
    values, whole = reach(arguments, path)
    names = list(names_at(known, path))
    if rule.allows:
        fitting = (
            is_plain(v) and patterns_fit(as_written(v), patterns, exactly=True) for v in values
        )
        certain = all(one.certain(as_written(v)) for one in names for v in values)
        return whole and bool(values) and not unknown and all(fitting) and certain
    spelled = [as_written(leaf) for value in values for leaf in leaves(value)]
    others = [name for one in names for name in one.possible]
    return unknown or any(
        patterns_fit(text, patterns, exactly=False) for text in (*spelled, *others)
    )


def _meaning_fits(
    rule: PolicyRule,
    operation: Operation,
    arguments: Mapping[str, Any],
    meaning: Meaning,
    risk: Risk,
    known: KnownNames | None,
) -> bool:
    """Whether what the call holds of a meaning, or puts something else for, is what is named."""
    patterns = rule.meanings[meaning]
    values = meant(operation, arguments, meaning, risk.changes, known)
    if rule.allows:
        fitting = (patterns_fit(text, patterns, exactly=True) for text in values.sure)
        told = bool(values.sure) and not (values.unknown or values.uncertain)
        return told and all(fitting)
    return values.unknown or any(patterns_fit(t, patterns, exactly=False) for t in values.possible)


def _gives_more(
    rule: PolicyRule, operation: Operation, arguments: Mapping[str, Any], risk: Risk
) -> bool:
    """Whether the call gives rights, or cuts off, by something that the rule does not speak of."""
    said = (rule.meanings, rule.arguments)
    return not all(bounded(operation, arguments, path, *said) for path in risk.gives)


def _hits(
    rule: PolicyRule,
    operation: Operation,
    arguments: Mapping[str, Any],
    known: KnownNames | None,
) -> bool:
    """Whether something that the call names, under any of its names, is what the rule protects."""
    found = [value for path in naming(operation) for value in reach(arguments, path)[0]]
    spelled = [as_written(leaf) for value in found for leaf in leaves(value)]
    others = [name for names in (known or {}).values() for name in names.possible]
    return any(patterns_fit(text, rule.targets, exactly=False) for text in (*spelled, *others))


def _first(path: str) -> str:
    """The argument that a path begins with."""
    return path.partition(".")[0].removesuffix("[]")
