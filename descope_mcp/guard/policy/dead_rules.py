"""Rules that never decide: because others do before them, or because nobody here is meant."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from descope_mcp.catalog.operation import Operation
from descope_mcp.guard.policy.glob import patterns_fit
from descope_mcp.guard.policy.rule import (
    PolicyRule,
    always_matches,
    may_match,
    projects_fit,
)

#: Fields of a rule that have to be the same, or say nothing, for it to match what another does.
_CONDITIONS = ("effects", "callers", "who", "projects", "arguments", "meanings", "targets")


def never_called(rule: PolicyRule, callers: Collection[str], project: str) -> str:
    """Why no call here matches a rule, whoever of `callers` makes it; "" if one may.

    It is no mistake of the file, which other servers may have too. They are callers without
    claims, as on stdio.
    """
    if rule.allows and (rule.who or rule.stands_for):
        return "it goes by what a token says of its caller, and nobody here has one"
    if rule.callers and not any(
        patterns_fit(caller, rule.callers, exactly=rule.allows) for caller in callers
    ):
        named = " or ".join(rule.callers)
        names = " and ".join(callers)
        return f"nobody here is called {named}, only {names}; set DESCOPE_MCP_CALLER, or correct it"
    if rule.projects and project and not projects_fit(rule, (project,)):
        return f"it is for project {' or '.join(rule.projects)} alone"
    return ""


def unreachable(rule: PolicyRule, earlier: tuple[PolicyRule, ...]) -> PolicyRule | None:
    """An earlier rule with the same conditions that takes every call that `rule` would match."""
    for other in earlier:
        same = all(
            getattr(other, name) in (getattr(rule, name), None, (), {}) for name in _CONDITIONS
        )
        wider = other.operations is None or (
            rule.operations is not None and other.operations >= rule.operations
        )
        if other.allows:
            stronger = rule.allows and (other.hazards or frozenset()) >= (rule.hazards or set())
        else:
            stronger = other.hazards is None or (
                not rule.allows and rule.hazards is not None and other.hazards >= rule.hazards
            )
        if same and wider and stronger:
            return other
    return None


def covered(
    rule: PolicyRule, earlier: tuple[PolicyRule, ...], operations: Iterable[Operation]
) -> PolicyRule | None:
    """An earlier rule that decides on every call, where each operation of `rule` has one."""
    cover = None
    for operation in operations:
        if may_match(rule, operation):
            cover = next((one for one in earlier if always_matches(one, operation)), None)
            if cover is None:
                return None
    return cover
