"""What is decided on a call, by which rule and why, without reaching anything."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from descope_mcp.catalog.arguments.validation import check
from descope_mcp.catalog.operation import Operation
from descope_mcp.guard.caller import Caller
from descope_mcp.guard.policy import rule_words
from descope_mcp.guard.policy.decision import Decision, Policy, decide, items
from descope_mcp.guard.policy.risk import Risk, assess, matching_rules
from descope_mcp.guard.preview.preview import Preview
from descope_mcp.guard.preview.recipe_values import Scope
from descope_mcp.guard.question.compose.call import disclose
from descope_mcp.guard.question.question_data import Disclosure, Project
from descope_mcp.guard.question.quoting import NotShown, quoted


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision, and what it comes from.

    ``records`` are the rules of the operation's record that apply, in words. Where a person would
    be asked, ``question`` is what they would read, without what would be read of Descope first;
    ``refused`` says why nobody could be.
    """

    operation: Operation
    decision: Decision
    risk: Risk
    records: tuple[str, ...]
    items: int
    question: Disclosure | None = None
    refused: str = ""


def caller_of(name: str, said: Iterable[str]) -> Caller:
    """The caller of this name, whose token says `said`: each a claim and a value, roles=support.

    Raises:
        ValueError: one of them is none; the message says how it is written.
    """
    claims: dict[str, tuple[str, ...]] = {}
    for one in said:
        claim, equals, value = one.strip().partition("=")
        if not equals or not claim:
            raise ValueError(f"{one}: write a claim and its value, like roles=support")
        claims[claim] = (*claims.get(claim, ()), *([value] if value else ()))
    client, scopes = claims.pop("client", ("",))[0], claims.pop("scopes", None)
    return Caller(name, client, None if scopes is None else frozenset(scopes), claims)


def explained(
    operation: Operation,
    arguments: object,
    caller: Caller,
    project: str,
    policy: Policy,
    hosts: frozenset[str],
) -> Explanation:
    """What `policy` decides on a call.

    Args:
        operation: that would be called.
        arguments: unchecked.
        caller: who would call.
        project: that the server works in.
        policy: that would apply.
        hosts: that are trusted.

    Raises:
        InvalidArguments: the call would be refused for its arguments.
    """
    checked = check(operation, arguments)
    risk = assess(operation, checked, hosts)
    records = tuple(map(rule_words.record_rule, matching_rules(operation, checked, hosts)))
    decision = decide(operation, checked, caller, project, risk, policy)
    question, refused = None, ""
    if decision.action == "confirm":
        try:
            question = disclose(
                operation,
                checked,
                risk=risk,
                decision=decision,
                preview=Preview(Scope(checked, None, project)),
                project=Project(quoted(project or "not set")),
                caller="an agent",
            )
        except NotShown as error:
            refused = f"The call is refused: {error}"
    number = items(operation, checked)
    return Explanation(operation, decision, risk, records, number, question, refused)
