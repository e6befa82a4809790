"""`descope-mcp policy`: what the policy decides, without reaching Descope."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import click

from descope_mcp import settings
from descope_mcp.catalog.catalog import load
from descope_mcp.catalog.errors import InvalidArguments
from descope_mcp.catalog.operation import Operation
from descope_mcp.cli import options, wiring
from descope_mcp.cli.commands.policy_trials import replay, report, verify
from descope_mcp.cli.display import output
from descope_mcp.guard.explain import caller_of, explained
from descope_mcp.guard.policy import rule_words
from descope_mcp.guard.policy.decision import Decision, possible, worst
from descope_mcp.guard.policy.risk import Risk
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
        cap, notes = (
            [rule_words.cap(rule.cap)] if rule.cap else [],
            [*rule_words.notes(rule, catalog)],
        )
        quorum = rule_words.quorum(rule)
        said = [f"{rule.place}: {rule.action} {rule_words.scope(rule)}", quorum, *cap]
        line = "; ".join(filter(None, said))
        output.said(
            "\n    ".join([line, *notes]),
            rule=rule.place,
            action=rule.action,
            scope=rule_words.scope(rule),
            approvals=rule.approvals,
            four_eyes=rule.four_eyes,
            cap="".join(cap),
            notes=notes,
        )
    for warning in wiring.unmatched(chosen, policy, chosen.caller):
        output.note(warning)
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
        raise click.UsageError(f"there is no operation {operation}; the nearest names: {near}")
    applied = wiring.policy(chosen, catalog)
    if arguments is None:
        risk = Risk(found.worst_effect, found.worst_hazards)
        records = map(rule_words.record_rule, found.when)
        worst_case = [f"{found.name}, at worst", *_risk(found, risk, records)]
        output.said("\n".join(worst_case), operation=found.name, **_risk_facts(risk))
        for decision in possible(found, applied, chosen.project_id):
            text = "\n".join(["one of:", *_decision(decision)])
            output.said(text, operation=found.name, **_decision_facts(decision))
        return
    try:
        calling = caller_of(caller, who)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    try:
        told = explained(found, arguments, calling, chosen.project_id, applied, chosen.hosts)
    except InvalidArguments as error:
        raise click.UsageError(f"{error}.") from None
    decision, risk = told.decision, told.risk
    lines = [*_decision(decision), *_risk(found, risk, told.records), f"items: {told.items}"]
    lines = [f"{found.name} called by {caller}", *lines]
    asked = terminal.screen(told.question) if told.question else told.refused
    if asked:
        lines.append("The question, without what would be read first:")
        lines += [f"    {line}" for line in asked.splitlines()]
    facts = {**_decision_facts(decision), **_risk_facts(risk), "items": told.items}
    output.said("\n".join(lines), operation=found.name, caller=caller, **facts, question=asked)


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
        yield f"cap: {rule_words.cap(decision.cap)}"


def _decision_facts(decision: Decision) -> dict[str, Any]:
    return {
        "decision": decision.action,
        "typed": decision.typed,
        "rule": decision.rule,
        "why": decision.reason,
        "cap": rule_words.cap(decision.cap) if decision.cap else "",
        "approvals": decision.quorum.approvals,
        "four_eyes": decision.quorum.four_eyes,
    }


def _risk_facts(risk: Risk) -> dict[str, Any]:
    return {"effect": risk.effect, "hazards": list(risk.hazards)}


def _risk(operation: Operation, risk: Risk, records: Iterable[str]) -> Iterator[str]:
    """What the call does at worst, and the record's rules that say so."""
    yield f"effect: {risk.effect} (of the operation itself: {operation.effect})"
    yield f"hazards: {', '.join(risk.hazards) or 'none'}"
    for record in records:
        yield f"record: {record}"
