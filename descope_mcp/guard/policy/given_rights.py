"""What in a call gives control or rights, or cuts off, and what gives way to something else.

A rule that allows by what is meant speaks of one kind of thing, and a call may hold others beside
it: who may work in one tenant must not be given a role in the whole project by the same call.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from descope_mcp.catalog.arguments.meanings import Marks, Meaning
from descope_mcp.catalog.json_path import leaves, values_at
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.operation_record.effect import Hazard
from descope_mcp.catalog.operation_record.rule import BETWEEN, Rule
from descope_mcp.guard.preview.comparison.difference import UNKNOWN, Change
from descope_mcp.guard.preview.target_names import naming

_TAKES_OVER: Hazard = "account_takeover"
#: Conditions that hold since something is there, and not since something is missing.
_PRESENT = (
    "given",
    "filled",
    "all_filled",
    "is_true",
    "equals",
    "all_equal",
    "clears",
    "foreign_host",
    "foreign_link",
    *BETWEEN,
)
_COMPARED = ("changed", "gains", "loses", "turned_on", "turned_off")
#: What counts where it belongs: in the tenant that stands beside it.
_IN_TENANTS: tuple[Meaning, ...] = ("roles", "permissions")


def giving(
    operation: Operation,
    arguments: Mapping[str, Any],
    matching: Sequence[Rule],
    changes: Sequence[Change] | None,
    *,
    by_itself: bool,
) -> tuple[str, ...]:
    """The paths of whatever in a call makes a take-over of it, or cuts somebody off.

    Args:
        operation: what is called.
        arguments: checked.
        matching: the rules of its record that apply.
        changes: what becomes different, None as long as that is not known.
        by_itself: the operation is one, and no rule has relaxed it.
    """
    adding = [r for r in matching if _TAKES_OVER in r.add or r.effect == "destructive"]
    if not (adding or by_itself):
        return ()
    # Elements of a list have the same paths, so that these are few however long it is.
    given = list(dict.fromkeys(path for path, value in leaves(arguments) if value is not None))
    found = [path for rule in adding for path in _by_rule(rule, given, changes)]
    if by_itself:
        # Whatever no rule calls harmless is what the operation is dangerous for.
        relaxing = [rule for rule in operation.when if _TAKES_OVER in rule.drop]
        doubtful = [path for rule in relaxing for path in (*rule.empty, *rule.gains_none)]
        harmless = [path for rule in relaxing for path in (*rule.only, *rule.only_changed)]
        found += [
            path
            for path in _different(given if harmless else doubtful, given, changes)
            if any(_at(path, one) for one in doubtful)
            or not any(_at(path, one) for one in harmless)
        ]
    return tuple(dict.fromkeys(found))


def bounded(
    operation: Operation,
    arguments: Mapping[str, Any],
    path: str,
    meanings: Collection[Meaning],
    named: Collection[str],
) -> bool:
    """Whether a rule that speaks of these meanings and arguments speaks of what is at `path`.

    A role is within a tenant that stands beside it, and everything is where the tenant is what the
    call is about.
    """
    marks = [operation.marks.get(meaning, Marks()) for meaning in meanings]
    spoken = [*named, *(one for m in marks for one in (*m.paths, *m.texts))]
    if any(_at(path, one) for one in spoken):
        return True
    if "tenants" not in meanings:
        return False
    tenants = [t for t in operation.marks.get("tenants", Marks()).paths if values_at(arguments, t)]
    if any(tenant in naming(operation) for tenant in tenants):
        return True
    counts = (one for m in _IN_TENANTS for one in operation.marks.get(m, Marks()).paths)
    around = [tenant.rpartition(".")[::2] for tenant in tenants]
    beside = {above for above, name in around if _each_has(arguments, above, name)}
    return any(_at(path, one) and one.rpartition(".")[0] in beside for one in counts)


def replaced(changes: Sequence[Change], path: str) -> Iterator[Any]:
    """What is there at `path` now and is not after the call, which puts something in its place."""
    plain = path.replace("[]", "")
    for change in changes:
        above = change.path.replace("[]", "")
        lost = change.lost if isinstance(change.before, list) else (change.before,)
        known = [one for one in lost if one is not UNKNOWN]
        if plain == above:
            yield from known
        elif plain.startswith(f"{above}."):
            below = plain.removeprefix(f"{above}.")
            yield from (value for one in known for value in values_at(one, below))


def _each_has(arguments: Mapping[str, Any], above: str, name: str) -> bool:
    """Whether everything at a path is an object that says which tenant it is of."""
    found = values_at(dict(arguments), above)
    return all(isinstance(one, Mapping) and bool(one.get(name)) for one in found)


def _by_rule(rule: Rule, given: Sequence[str], changes: Sequence[Change] | None) -> Iterator[str]:
    """What a rule goes by: the arguments that are there, or that become different."""
    there = [path for name in _PRESENT for path in _watched(rule, name)]
    compared = [path for name in _COMPARED for path in _watched(rule, name)]
    yield from _below(there, given)
    yield from _different(compared, given, changes)
    if not (there or compared):
        yield from rule.paths


def _watched(rule: Rule, name: str) -> list[str]:
    value = getattr(rule, name)
    return [path for paths in value.values() for path in paths] if name in BETWEEN else list(value)


def _below(paths: Sequence[str], given: Sequence[str]) -> list[str]:
    """What is given at one of the paths or below it."""
    return [one for one in given if any(_at(one, path) for path in paths)]


def _different(
    paths: Sequence[str], given: Sequence[str], changes: Sequence[Change] | None
) -> Iterator[str]:
    """What is given at one of the paths, and changes as far as that is known."""
    for path in _below(paths, given):
        if changes is None or any(_at(c.path, path) or _at(path, c.path) for c in changes):
            yield path


def _at(path: str, other: str) -> bool:
    """Whether `path` is `other` or lies below it, lists opened."""
    one, two = (p.replace("[]", "").split(".") for p in (path, other))
    return len(one) >= len(two) and all(b in (a, "*") for a, b in zip(one, two, strict=False))
