"""From the tables of a policy file to rules: what they name is looked up, what is wrong is told."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.operation_record.effect import EFFECTS, Hazard
from descope_mcp.catalog.schemas import input_schema
from descope_mcp.guard.policy import who
from descope_mcp.guard.policy.dead_rules import covered, unreachable
from descope_mcp.guard.policy.file_format import RuleTable
from descope_mcp.guard.policy.rule import (
    HARMLESS,
    Cap,
    PolicyRule,
    may_match,
)

_WILD = re.compile(r"[*?\[]")
#: What a rule that names its operations exactly may do without saying so in `hazard`.
_NAMED: frozenset[Hazard] = HARMLESS | {
    "account_takeover",
    "mints_secret",
    "reveals_secret",
    "forges_record",
}

#: A pattern of fewer letters is no name of operations that somebody thought of.
_FEWEST_LETTERS = 3

#: Problems with a rule: the key that is wrong ("" for the rule as a whole), and what to do.
Problems = list[tuple[str, str]]


def compile_rule(
    written: RuleTable, place: str, earlier: tuple[PolicyRule, ...], catalog: Catalog
) -> tuple[PolicyRule, Problems]:
    """A rule with its operations looked up, and what is wrong with it.

    Args:
        written: the rule's table.
        place: ``file:line`` of it.
        earlier: the rules before it, which may leave it nothing to decide.
        catalog: whose operations, toolsets and arguments it may name.
    """
    rule = _rule(place, written, catalog)
    problems = list(_unknown(written, catalog)) or _senseless(written, rule, earlier, catalog)
    return rule, problems


def _unknown(written: RuleTable, catalog: Catalog) -> Iterator[tuple[str, str]]:
    """What a rule names that does not exist: pairs of a key and a message."""
    names = [*catalog.old_names, *catalog, *catalog.reports]
    for pattern in written.operation or ():
        if not any(fnmatchcase(name, pattern) for name in names):
            near = "" if _WILD.search(pattern) else ", ".join(catalog.nearest(pattern))
            remedy = f"did you mean {near}?" if near else "`descope-mcp tools list` lists them"
            yield "operation", f"there is no operation {pattern}; {remedy}"
    known = [toolset.name for toolset in catalog.toolsets]
    for toolset in written.toolset or ():
        if toolset not in known:
            yield "toolset", f"there is no toolset {toolset}; there are {', '.join(known)}"


def _rule(place: str, written: RuleTable, catalog: Catalog) -> PolicyRule:
    """A rule as it is written, with its operations looked up."""
    operations = _operations(written, catalog)
    effects, hazards = written.effect, written.hazard
    if written.decision == "allow":
        # A pattern or a toolset takes in what its author did not think of.
        exact = written.operation and not any(map(_WILD.search, written.operation))
        hazards = (hazards or (_NAMED if exact else frozenset())) | HARMLESS
        effects = effects or (None if exact else frozenset(EFFECTS[:2]))
    said = [pattern for _, pattern in _personal(written)]
    cap = None
    if written.per:
        content = written.model_dump_json(exclude={"reason", "calls", "items", "per"})
        identity = hashlib.blake2b(content.encode(), digest_size=12).hexdigest()
        cap = Cap(identity, written.per, written.calls, written.items)
    return PolicyRule(
        place,
        written.decision,
        written.reason,
        operations,
        effects,
        hazards,
        written.caller or (),
        written.project or (),
        written.arguments,
        written.meanings,
        written.target or (),
        cap,
        written.who,
        frozenset(claim for pattern in said for claim in who.claims_in(pattern)),
        written.approvals or 1,
        written.four_eyes,
    )


def _operations(written: RuleTable, catalog: Catalog) -> frozenset[str] | None:
    """The names of the operations that a rule names, None if it names none."""
    if written.operation is None and written.toolset is None:
        return None
    patterns, toolsets = written.operation or ("*",), written.toolset or ("*",)
    old = catalog.old_names
    known = (*catalog, *catalog.reports)
    named = {n for n in known if any(fnmatchcase(n, p) for p in patterns)}
    named |= {new for name, new in old.items() if any(fnmatchcase(name, p) for p in patterns)}
    within = {
        n
        for t in catalog.toolsets
        if {t.name, "*"} & {*toolsets}
        for n in (*t.operations, *t.reports)
    }
    return frozenset(named & within)


def _senseless(
    written: RuleTable, rule: PolicyRule, earlier: tuple[PolicyRule, ...], catalog: Catalog
) -> list[tuple[str, str]]:
    """What makes a rule too wide, or one that never decides: pairs of a key and a message."""
    operations = [catalog[n] for n in (catalog if rule.operations is None else rule.operations)]
    if not operations:
        return [("toolset", "none of these operations is in these toolsets; drop one of both")]
    found = [*_misread(written), *_too_wide(written, operations)]
    for path in written.arguments:
        if not any(_has(operation, path) for operation in operations):
            remedy = _nearest(path, operations)
            found.append((path, f"no operation of this rule has the argument {path}; {remedy}"))
    found += [
        (meaning, f"no operation of this rule takes {meaning}; drop the key")
        for meaning in written.meanings
        if not any(meaning in operation.marks for operation in operations)
    ]
    if found:
        return found
    if not any(may_match(rule, operation) for operation in operations):
        return [("decision", _never(rule, operations))]
    cover = unreachable(rule, earlier) or covered(rule, earlier, operations)
    if cover:
        return [("", f"it never decides, since {cover.place} does first; drop it or move it up")]
    return []


def _personal(written: RuleTable) -> Iterator[tuple[str, str]]:
    """The patterns that may stand for what the caller has, each with its key."""
    for key, patterns in (*written.arguments.items(), *written.meanings.items()):
        yield from ((key, pattern) for pattern in patterns)
    yield from (("target", pattern) for pattern in written.target or ())


def _misread(written: RuleTable) -> Iterator[tuple[str, str]]:
    for key, pattern in _personal(written):
        if wrong := who.misread(pattern):
            yield key, wrong
    fixed = {"caller": written.caller, "project": written.project, **written.who}
    for key, patterns in fixed.items():
        if any("{caller" in pattern for pattern in patterns or ()):
            yield key, "only arguments, target and what is meant are compared with the caller"
    if written.target and written.decision == "allow":
        yield "target", "a rule that allows names its targets by arguments; write arguments = {...}"
    if bool(written.per) is not bool(written.calls or written.items):
        yield "per", 'calls or items need a time and a time needs them; write per = "1h"'
    elif written.decision == "deny" and written.per:
        yield "per", "a rule that denies lets nothing through; drop calls, items and per"
    if written.decision != "confirm":
        for key in ("approvals", "four_eyes"):
            if getattr(written, key) is not None:
                yield key, 'only a rule that asks is approved by people; write decision = "confirm"'
    if "blocked" in (written.hazard or ()):
        yield "hazard", "what is blocked is always denied; drop it"


def _too_wide(written: RuleTable, operations: list[Operation]) -> Iterator[tuple[str, str]]:
    if written.decision != "allow":
        return
    if written.operation is None and written.toolset is None:
        yield "decision", "a rule that allows must name its operations; add operation or toolset"
    for pattern in written.operation or ():
        if len(re.sub(r"\[[^\]]*\]|[*?]", "", pattern)) < _FEWEST_LETTERS:
            yield (
                "operation",
                f"{pattern} names no operations; write at least three letters of them",
            )
    for operation in operations:
        if operation.name in (written.operation or ()) and "blocked" in operation.hazards:
            yield "operation", f"{operation.name} is blocked and no rule allows it; drop it"


def _never(rule: PolicyRule, operations: list[Operation]) -> str:
    if not rule.allows:
        return "no call of these operations has such an effect or hazard; correct effect or hazard"
    effects = " or ".join(sorted({operation.effect for operation in operations}))
    hazards = sorted({hazard for one in operations for hazard in one.hazards} - HARMLESS)
    more = f" and hazard {', '.join(hazards)}" if hazards else ""
    return f"nothing is allowed by this; the operations are of effect {effects}{more}: name both"


def _has(operation: Operation, path: str) -> bool:
    return input_schema.lookup(operation.input_schema, path) is not None


def _nearest(path: str, operations: list[Operation]) -> str:
    """The arguments that may have been meant."""
    known = dict.fromkeys(p for o in operations[:20] for p in _paths(o.input_schema, 2))
    near = difflib.get_close_matches(path, known, n=3, cutoff=0.5)
    return f"did you mean {', '.join(near)}?" if near else f"there are {', '.join([*known][:12])}"


def _paths(wanted: object, depth: int, prefix: str = "") -> Iterator[str]:
    if not isinstance(wanted, dict) or not depth:
        return
    for name, inner in wanted.get("properties", {}).items():
        path = f"{prefix}{name}"
        yield path
        below, mark = (inner["items"], "[]") if inner.get("type") == "array" else (inner, "")
        yield from _paths(below, depth - 1, f"{path}{mark}.")
