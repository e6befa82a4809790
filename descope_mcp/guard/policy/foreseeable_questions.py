"""What can be said of an operation before it is called: on which arguments a person is asked.

It follows from the rules of the record and the default policy. Where a rule of a policy file may
decide, only that is told: what it looks at is in the file, for those who may read it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.operation_record.effect import Effect, Hazard, worse
from descope_mcp.catalog.operation_record.rule import Rule
from descope_mcp.catalog.wording.rule_terms import Term, left_out, terms, told, told_with
from descope_mcp.guard.caller import STDIO
from descope_mcp.guard.policy.decision import Policy, decide, needed_lists, possible
from descope_mcp.guard.policy.risk import Risk
from descope_mcp.guard.policy.rule import may_match

_TAKEN = Term("a name that exists already")
_HIDDEN = Term("a tenant's role named like one of the project's")


def foreseeable(
    operation: Operation,
    policy: Policy,
    project: str = "",
    most: int = 1_000,
    about: Callable[[str], int] | None = None,
) -> str:
    """Whether a person is asked: ``asks a person with roleNames``; "" where nobody ever is.

    Args:
        operation: whose calls.
        policy: that decides on them.
        project: that the server works in.
        most: so many arguments are named, 0 for none.
        about: which of them come first.
    """
    met = possible(operation, policy, project)
    actions = {decision.action for decision in met}
    if actions == {"deny"}:
        return f"denied: {met[0].reason}"
    denied = "; some calls are denied" if "deny" in actions else ""
    if "confirm" not in actions:
        return denied.removeprefix("; ")
    if any(may_match(rule, operation) for rule in policy.rules):
        return f"{'asks' if len(met) == 1 else 'may ask'} a person, by the policy file{denied}"
    raised, relaxed = _by_rules(operation, replace(policy, rules=()), project)
    if not most and (raised or relaxed):
        return f"may ask a person{denied}"
    if relaxed:
        many = [f" and fewer than {policy.ask_from}"] if needed_lists(operation) else []
        return f"asks a person unless {told(relaxed, most, about)}{''.join(many)}{denied}"
    return f"asks a person{f' {told_with(raised, most, about)}' if raised else ''}{denied}"


def _by_rules(operation: Operation, policy: Policy, project: str) -> tuple[list[Term], list[Term]]:
    """What a person is asked about, and what of that not; of neither, if it is every call."""

    def asked(effect: Effect, hazards: tuple[Hazard, ...]) -> bool:
        return (
            decide(operation, {}, STDIO, project, Risk(effect, hazards), policy).action != "allow"
        )

    def relaxes(rule: Rule) -> bool:
        kept = tuple(h for h in operation.hazards if h not in rule.drop)
        return not asked(rule.effect or operation.effect, (*kept, *rule.add))

    rules = [rule for rule in operation.when if not rule.refuse]
    if asked(operation.effect, operation.hazards):
        relaxing = [rule for rule in rules if relaxes(rule)]
        if len(relaxing) == 1 and (without := left_out(relaxing[0])):
            # Asked about unless it is left out: that is, with it.
            return without, []
        return [], [term for rule in relaxing for term in terms(rule)]
    raising = [r for r in rules if asked(worse(operation.effect, r.effect or "read"), r.add)]
    return [*(t for r in raising for t in terms(r)), *_beside_rules(operation, policy)], []


def _beside_rules(operation: Operation, policy: Policy) -> Iterator[Term]:
    """What makes a person be asked although no rule of the record says so."""
    if operation.may_overwrite:
        yield _TAKEN
    if operation.defines:
        yield _HIDDEN
    for name in needed_lists(operation):
        yield Term(f"{policy.ask_from} or more {{}}", name)
