"""`descope-mcp policy`: what the policy decides, without reaching Descope."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import click

from descope_mcp import settings
from descope_mcp.catalog.arguments.validation import check as check_arguments
from descope_mcp.catalog.catalog import Catalog, load
from descope_mcp.catalog.errors import InvalidArguments
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.operation_record import COMPARISONS, CONDITIONS, Rule
from descope_mcp.catalog.schemas.input_schema import lookup
from descope_mcp.cli import options, output, wiring
from descope_mcp.cli.commands.policy_trials import replay, report, verify
from descope_mcp.guard.caller import Caller
from descope_mcp.guard.policy.decision import Decision, Policy, decide, items, possible, worst
from descope_mcp.guard.policy.risk import Risk, assess, matching_rules
from descope_mcp.guard.policy.rule import HARMLESS, Cap, PolicyRule, may_match
from descope_mcp.guard.preview.preview import Preview
from descope_mcp.guard.preview.recipe_values import Scope
from descope_mcp.guard.question.compose.call import disclose
from descope_mcp.guard.question.question_data import Project
from descope_mcp.guard.question.quoting import NotShown, quoted
from descope_mcp.guard.question.renderers import terminal


@click.group("policy")
def command() -> None:
    """Check a policy file, or explain what is decided on a call. Nothing reaches Descope."""


for _trial in (verify, report, replay):
    command.add_command(_trial)


@command.command("check")
@click.argument("file", required=False)
@options.json_lines
def check(file: str | None) -> None:
    """Check a policy file and print what each of its rules does.

    FILE is a path or the name of a ready-made policy; left out, DESCOPE_MCP_POLICY. Exit codes:
    0 the file is right, 2 it is wrong.
    """
    chosen = settings.load(policy=file)
    if not chosen.policy:
        raise settings.SettingsError("no policy file; name one, or set DESCOPE_MCP_POLICY")
    catalog = load()
    policy = wiring.policy(chosen, catalog)
    for rule in policy.rules:
        cap, notes = [_cap(rule.cap)] if rule.cap else [], list(_notes(rule, catalog))
        line = "; ".join([f"{rule.place}: {rule.action} {_scope(rule)}", *cap])
        output.said(
            "\n    ".join([line, *notes]),
            rule=rule.place,
            action=rule.action,
            scope=_scope(rule),
            cap="".join(cap),
            notes=notes,
        )
    for warning in wiring.unmatched(chosen, policy, chosen.caller):
        click.echo(f"descope-mcp: {warning}", err=True)
    denied = [o for o in catalog.values() if worst(o, policy, chosen.project_id).action == "deny"]
    output.said(
        f"{len(policy.rules)} rules; {len(denied)} of {len(catalog)} operations denied",
        rules=len(policy.rules),
        denied=len(denied),
        operations=len(catalog),
    )


@command.command("explain")
@click.argument("operation")
@options.arguments
@click.option("--caller", default="terminal", show_default=True, help="Who would call.")
@click.option(
    "--who",
    multiple=True,
    metavar="CLAIM=VALUE",
    help="What the caller's token says: roles=support, tenant=acme, scopes=descope:write.",
)
@options.policy
@options.read_only
@options.json_lines
def explain(
    operation: str,
    arguments: dict[str, Any] | None,
    caller: str,
    who: tuple[str, ...],
    policy: str | None,
    read_only: bool | None,
) -> None:
    """Explain what is decided on a call, by which rule and why; without arguments, at worst."""
    chosen = settings.load(policy=policy, read_only=read_only)
    catalog = load()
    found = catalog.find(operation)
    if found is None:
        near = ", ".join(catalog.nearest(operation)) or "none"
        raise click.UsageError(f"There is no operation {operation}; the nearest names: {near}.")
    applied = wiring.policy(chosen, catalog)
    if arguments is None:
        risk = Risk(found.worst_effect, found.worst_hazards)
        worst_case = [f"{found.name}, at worst", *_risk(found, risk, list(found.when))]
        output.said("\n".join(worst_case), operation=found.name, **_risk_facts(risk))
        for decision in possible(found, applied, chosen.project_id):
            text = "\n".join(["one of:", *_decision(decision)])
            output.said(text, operation=found.name, **_decision_facts(decision))
        return
    try:
        checked = check_arguments(found, arguments)
    except InvalidArguments as error:
        raise click.UsageError(f"{error}.") from None
    risk = assess(found, checked, chosen.hosts)
    rules = matching_rules(found, checked, chosen.hosts)
    calling = _caller(caller, who)
    decision = decide(found, checked, calling, chosen.project_id, risk, applied)
    lines = [*_decision(decision), *_risk(found, risk, rules), f"items: {items(found, checked)}"]
    lines = [f"{found.name} called by {caller}", *lines]
    asked = ""
    if decision.action == "confirm":
        asked = _question(found, checked, risk, decision, chosen.project_id)
        lines.append("The question, without what would be read first:")
        lines += [f"    {line}" for line in asked.splitlines()]
    facts = {**_decision_facts(decision), **_risk_facts(risk), "items": items(found, checked)}
    output.said("\n".join(lines), operation=found.name, caller=caller, **facts, question=asked)


def _caller(name: str, said: tuple[str, ...]) -> Caller:
    """The caller of this name, whose token says `said`."""
    claims: dict[str, tuple[str, ...]] = {}
    for one in said:
        claim, equals, value = one.partition("=")
        if not equals or not claim:
            raise click.BadParameter(f"{one}: write a claim and its value, like roles=support")
        claims[claim] = (*claims.get(claim, ()), *([value] if value else ()))
    client, scopes = claims.pop("client", ("",))[0], claims.pop("scopes", None)
    return Caller(name, client, None if scopes is None else frozenset(scopes), claims)


def _decision(decision: Decision) -> Iterator[str]:
    """What is decided, by which rule and why."""
    typed = ", with the target's name typed" if decision.typed else ""
    yield f"decision: {decision.action}{typed}"
    yield f"rule: {decision.rule}{'' if ':' in decision.rule else ' (default policy)'}"
    yield f"why: {decision.reason}"
    if decision.quorum.approvals > 1:
        yield f"approvals: {decision.quorum.approvals} different people"
    if decision.quorum.four_eyes:
        yield "four eyes: not whom the agent acts for"
    if decision.cap:
        yield f"cap: {_cap(decision.cap)}"


def _decision_facts(decision: Decision) -> dict[str, Any]:
    return {
        "decision": decision.action,
        "typed": decision.typed,
        "rule": decision.rule,
        "why": decision.reason,
        "cap": _cap(decision.cap) if decision.cap else "",
        "approvals": decision.quorum.approvals,
        "four_eyes": decision.quorum.four_eyes,
    }


def _risk_facts(risk: Risk) -> dict[str, Any]:
    return {"effect": risk.effect, "hazards": list(risk.hazards)}


def _risk(operation: Operation, risk: Risk, rules: list[Rule]) -> Iterator[str]:
    """What the call does at worst, and the record's rules that say so."""
    yield f"effect: {risk.effect} (of the operation itself: {operation.effect})"
    yield f"hazards: {', '.join(risk.hazards) or 'none'}"
    for rule in rules:
        yield f"record: {_record_rule(rule)}"


def _record_rule(rule: Rule) -> str:
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


def _question(
    operation: Operation, arguments: dict[str, Any], risk: Risk, decision: Decision, project: str
) -> str:
    preview = Preview(Scope(arguments, None, project))
    try:
        said = disclose(
            operation,
            arguments,
            risk=risk,
            decision=decision,
            preview=preview,
            project=Project(quoted(project or "not set")),
            caller="an agent",
        )
    except NotShown as error:
        return f"The call is refused: {error}"
    return terminal.screen(said)


def _scope(rule: PolicyRule) -> str:
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


def _notes(rule: PolicyRule, catalog: Catalog) -> Iterator[str]:
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


def _cap(cap: Cap) -> str:
    """How often a rule may decide so."""
    bounds = [f"{n} {what}" for n, what in ((cap.calls, "calls"), (cap.items, "items")) if n]
    return f"at most {' and '.join(bounds)} in {cap.seconds} seconds"


#: So many operations of a rule are named.
_MOST_NAMES = 8
