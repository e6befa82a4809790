"""Allow, ask or deny: the rules of a policy file, then the default policy, on one call's risk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from descope_mcp.catalog.json_path import distinct
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.operation_record.effect import Hazard, worse
from descope_mcp.catalog.reports.report import Report
from descope_mcp.guard import scopes
from descope_mcp.guard.caller import Caller
from descope_mcp.guard.policy.quorum import ANYBODY, Quorum
from descope_mcp.guard.policy.risk import Risk
from descope_mcp.guard.policy.rule import (
    Action,
    Cap,
    PolicyRule,
    always_matches,
    certain_hazards,
    matches,
    may_match,
    rests_on_doubt,
    speaks_of,
)
from descope_mcp.guard.preview.target_names import KnownNames, naming

#: Why a person is asked, by hazard or effect.
WHY: dict[str, str] = {
    "destructive": "It deletes, overwrites or cuts off something.",
    "bulk": "It affects many at once.",
    "project_wide": "It affects the whole project.",
    "account_takeover": "It can give control of somebody's account, or more rights.",
    "mints_secret": "It creates a credential.",
    "reveals_secret": "It reveals a stored secret.",
    "sends_message": "It sends a message to people.",
    "forges_record": "It writes a record that may accuse somebody and cannot be taken back.",
}

#: Hazards that a person decides on, on every plane.
_ASK: tuple[Hazard, ...] = ("account_takeover", "reveals_secret", "forges_record")
#: Planes that administer; on the end users' plane a token is minted for whoever presents the
#: user's own code or token, and gives no more than that does.
_SERVER_PLANES = ("management", "scim")
#: An ordinary change of so many items asks, unless the file says otherwise.
ASK_FROM = 20
#: Where a question is put: in the client's form, or outside of the client, in a terminal.
Place = Literal["form", "terminal"]
#: The rule of a call that is more than the caller's token is for.
SCOPE = "scope"
#: In `Policy.production`: every project.
EVERY = "*"


@dataclass(frozen=True, slots=True)
class Policy:
    """What the settings and the policy file say; without either, the default policy.

    ``production`` holds the projects in which nothing may affect the whole project. ``rules``
    are in the order of the file, ``source`` is its name. An ordinary change of ``ask_from`` items
    or more asks. ``long_documents`` says where a person is asked whose question holds a difference
    of documents that is longer than a screen. With ``four_eyes`` nobody whom an agent acts for
    approves what affects the whole project, unless a rule says so. ``text`` is the file's own.
    """

    read_only: bool = False
    production: frozenset[str] = frozenset()
    rules: tuple[PolicyRule, ...] = ()
    source: str = ""
    ask_from: int = ASK_FROM
    long_documents: Place = "form"
    four_eyes: bool = False
    text: str = field(default="", repr=False)

    def is_production(self, *projects: str) -> bool:
        """Whether one of `projects` is marked, however its id is spelled."""
        marked = {project.casefold() for project in self.production}
        return EVERY in marked or any(project.casefold() in marked for project in projects)


@dataclass(frozen=True, slots=True)
class Decision:
    """What is decided, by which rule, why, and whether the target's name must be typed.

    ``rule`` is the name of a rule of the default policy, or ``file:line``. ``cap`` bounds how
    often the rule may decide so. ``quorum`` is whose word is needed, where a person is asked.
    """

    action: Action
    rule: str
    reason: str
    typed: bool = False
    cap: Cap | None = None
    quorum: Quorum = ANYBODY


#: On a call that would ask about what is so already.
SO_ALREADY = Decision("allow", "so-already", "All that it would do is so already.")


def decide(
    operation: Operation,
    arguments: Mapping[str, Any],
    caller: Caller,
    project: str,
    risk: Risk,
    policy: Policy,
    known: KnownNames | None = None,
) -> Decision:
    """The decision on one call.

    What is blocked, makes no sense, changes on a read-only server, affects a whole production
    project or is more than the caller's token is for is denied whatever the file says. Then the
    first rule of the file that matches decides, then the default policy, whose strictest rule
    comes first. A rule that asks since it is not known who calls is no way around one that denies:
    of it and what would be decided without it, the stricter counts.

    Args:
        operation: what is called.
        arguments: checked arguments.
        caller: who calls.
        project: that the server works in.
        risk: of this call.
        policy: that applies.
        known: the names that its targets have, None as long as nobody has looked.
    """
    projects = concerned(operation, arguments, project)
    denied = _never(risk, policy, production=policy.is_production(*projects))
    if denied:
        return denied
    default = policy.four_eyes and "project_wide" in risk.hazards and "issuer" in caller.claims
    effect = worse(operation.effect, risk.effect)
    if missing := scopes.lacking(caller.scopes, effect, operation.toolset):
        return Decision("deny", SCOPE, _LACKING.format(", ".join(missing)))
    doubtful: Decision | None = None
    for rule in policy.rules:
        if matches(rule, operation, arguments, caller, projects, risk, known):
            if rule.action == "confirm" and rests_on_doubt(rule, caller):
                doubtful = doubtful or _by_rule(rule, risk, four_eyes=default)
                continue
            return _stricter(doubtful, _by_rule(rule, risk, four_eyes=default))
    many = items(operation, arguments) >= policy.ask_from
    usual = _by_default(operation, risk, many=many)
    usual = replace(usual, quorum=Quorum(four_eyes=True)) if default else usual
    return _stricter(doubtful, usual)


def possible(operation: Operation, policy: Policy, project: str = "") -> list[Decision]:
    """Every decision that calls of `operation` can meet, in the order in which they are tried.

    There is one at least; the last is met by every call that meets no other.
    """
    production = policy.is_production(project)
    certain = Risk(operation.worst_effect, certain_hazards(operation))
    denied = _never(certain, policy, production=production)
    if denied:
        return [denied]
    risk = Risk(operation.worst_effect, operation.worst_hazards)
    sometimes = _never(risk, policy, production=production)
    met = [sometimes] if sometimes else []
    for rule in policy.rules:
        if may_match(rule, operation):
            met.append(_by_rule(rule, risk))
        if always_matches(rule, operation):
            return met
    usual = _by_default(operation, risk)
    if usual.action == "allow" and needed_lists(operation):
        met.append(_by_default(operation, risk, many=True))
    return [*met, usual]


def rests_on_names(operation: Operation, policy: Policy) -> bool:
    """Whether a rule may go by the name of a target, so that its other names have to be known."""
    paths = naming(operation) if operation.preview and policy.rules else ()
    return any(
        may_match(rule, operation) and speaks_of(rule, operation, paths) for rule in policy.rules
    )


def worst(operation: Operation, policy: Policy, project: str = "") -> Decision:
    """What calls of `operation` can meet: deny if every call is denied, else confirm if one is."""
    met = possible(operation, policy, project)
    by_action = {decision.action: decision for decision in reversed(met)}
    return by_action.get("confirm") or by_action.get("allow") or met[-1]


def at_worst(
    operation: Operation, catalog: Mapping[str, Operation], policy: Policy, project: str = ""
) -> Decision:
    """As `worst`; of a report with the reads that it needs.

    A report asks nobody about its reads; one that is asked about stops it like one that is denied.
    """
    for name in operation.needed if isinstance(operation, Report) else ():
        decision = worst(catalog[name], policy, project)
        if decision.action != "allow":
            return Decision("deny", decision.rule, f"It needs {name}. {decision.reason}")
    return worst(operation, policy, project)


def items(operation: Operation, arguments: Mapping[str, Any]) -> int:
    """How many items a call affects, as far as its arguments tell; at least 1.

    Counted are the elements of the lists that an operation cannot do without (required, or one
    of a group of which one is needed): they are what it works on. What is named twice is one.
    """
    lists = [arguments.get(name) for name in needed_lists(operation)]
    return max(1, sum(len(distinct(value)) for value in lists if isinstance(value, list)))


def needed_lists(operation: Operation) -> list[str]:
    """The lists that an operation cannot do without."""
    needed = [
        *operation.input_schema.get("required", ()),
        *(n for g in operation.one_of for n in g),
    ]
    properties = operation.input_schema["properties"]
    return [n for n in dict.fromkeys(needed) if properties.get(n, {}).get("type") == "array"]


def concerned(operation: Operation, arguments: Mapping[str, Any], project: str) -> tuple[str, ...]:
    """Every project that a call concerns: the server's own, and those that it names."""
    named = [
        str(arguments[name])
        for name, place in operation.places.items()
        if place.name in _PROJECT_ARGUMENTS and arguments.get(name)
    ]
    return tuple(dict.fromkeys([project, *named]))


_PROJECT_ARGUMENTS = ("projectId", "project_id")


def _never(risk: Risk, policy: Policy, *, production: bool) -> Decision | None:
    """The denial that no rule of a file lifts."""
    if "blocked" in risk.hazards:
        return Decision("deny", "blocked", "What this operation does is not known well enough.")
    if risk.refusal:
        return Decision("deny", "senseless", risk.refusal)
    if policy.read_only and risk.effect != "read":
        return Decision("deny", "read-only", "The server was started read-only.")
    if production and "project_wide" in risk.hazards:
        return Decision("deny", "production", "The project is marked as production.")
    return None


_LACKING = "The caller's token does not have the scope {}."


def _stricter(asked: Decision | None, otherwise: Decision) -> Decision:
    """The decision of a rule that asks, if there is one and otherwise nobody would be asked."""
    return asked if asked and otherwise.action == "allow" else otherwise


_SAID: dict[Action, str] = {
    "allow": "The policy file allows it.",
    "confirm": "The policy file asks for a person's word.",
    "deny": "The policy file denies it.",
}


def _by_rule(rule: PolicyRule, risk: Risk, *, four_eyes: bool = False) -> Decision:
    """What a rule decides; `four_eyes` is the default where it does not say."""
    typed = rule.action == "confirm" and "project_wide" in risk.hazards
    reason = rule.reason or _SAID[rule.action]
    eyes = four_eyes if rule.four_eyes is None else rule.four_eyes
    quorum = Quorum(rule.approvals, eyes) if rule.action == "confirm" else ANYBODY
    return Decision(rule.action, rule.place, reason, typed=typed, cap=rule.cap, quorum=quorum)


def _by_default(operation: Operation, risk: Risk, *, many: bool = False) -> Decision:
    hazards = risk.hazards
    if "project_wide" in hazards:
        return Decision("confirm", "project-wide", WHY["project_wide"], typed=True)
    for hazard in _ASK:
        if hazard in hazards:
            return Decision("confirm", hazard.replace("_", "-"), WHY[hazard])
    if "mints_secret" in hazards and operation.plane in _SERVER_PLANES:
        return Decision("confirm", "mints-secret", WHY["mints_secret"])
    if risk.effect == "destructive":
        return Decision("confirm", "destructive", WHY["destructive"])
    if many and risk.effect != "read":
        return Decision("confirm", "many", WHY["bulk"])
    return Decision("allow", risk.effect, "Reads and additions are allowed.")
