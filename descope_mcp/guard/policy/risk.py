"""The risk of one call: the record's worst case, changed by what the arguments say.

Where several rules match, the strictest effect wins, and a hazard that one rule drops counts as
soon as another adds it. As long as the before-state is not known, a rule that needs it counts for
what it raises and not for what it relaxes: what is not known stays strict. A replace that clears
or drops something is destructive whatever the rules say, and so is a creation that would change
what exists; that is as dangerous besides as the update that does the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from descope_mcp.catalog.json_path import is_blank, is_empty, values_at
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.operation_record.effect import Effect, Hazard, worse
from descope_mcp.catalog.operation_record.record import Overwriting
from descope_mcp.catalog.operation_record.rule import COMPARISONS, CONDITIONS, Rule
from descope_mcp.catalog.schemas.input_schema import REPLACE
from descope_mcp.guard.policy import contact_addresses
from descope_mcp.guard.policy.given_rights import giving
from descope_mcp.guard.policy.url import is_foreign, leads_away
from descope_mcp.guard.preview.comparison.difference import UNKNOWN, Change
from descope_mcp.guard.preview.rights.permission_change import Shift

#: What a person is told where a tenant's role takes the place of one of the project's.
_REDEFINED = (
    "The project has a role of this name: whoever has it in the tenant gets the tenant's instead."
)
_TAKES_OVER: Hazard = "account_takeover"
#: What a person is told where a creation meets what exists already.
_EXISTS = {
    "replaced": "One of this name or id exists already, and would be replaced.",
    "unknown": "One of this name or id exists already; it may be replaced, nobody knows.",
}


@dataclass(frozen=True, slots=True)
class Risk:
    """What a call does at worst, sentences for the person asked, and a reason not to send it.

    ``paths`` are the arguments by which rules raised the risk: a person has to see them. ``says``
    are the words of the consequence that a rule has in place of the record's. ``gives`` are the
    paths of what makes it dangerous to people, ``changes`` is what becomes different, if known.
    """

    effect: Effect
    hazards: tuple[Hazard, ...]
    say: tuple[str, ...] = ()
    refusal: str = ""
    paths: tuple[str, ...] = ()
    says: str = ""
    gives: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()


def assess(
    operation: Operation,
    arguments: Mapping[str, Any],
    hosts: frozenset[str],
    changes: Sequence[Change] | None = None,
    redefined: Sequence[Shift] = (),
) -> Risk:
    """The risk of calling `operation` with `arguments`.

    Args:
        operation: what is called.
        arguments: checked arguments, of a replace as `merge` completed them.
        hosts: lower-case names of the hosts that may receive a sign-in token.
        changes: what the call changes (`Merged.changes`), None as long as that is not known.
        redefined: who gains or loses rights since the name of a role will mean something else.
    """
    matching = matching_rules(operation, arguments, hosts, changes)
    effects: list[Effect] = []
    added: list[Hazard] = []
    dropped: set[Hazard] = set()
    for rule in matching:
        added += rule.add
        if changes is not None or not rule.compares:
            effects += [rule.effect] if rule.effect else []
            dropped.update(rule.drop)
        elif rule.effect:
            # Whether it applies is not known, so the record's own effect is as possible.
            effects.append(worse(rule.effect, operation.effect))
    if operation.update == "replace" and _clears_something(arguments, changes):
        effects.append("destructive")
    exists = _EXISTS[operation.existing] if operation.may_overwrite and changes else ""
    if exists:
        # Who creates does not mean to change anything, so that any change is a loss.
        effects.append("destructive")
        as_update = operation.overwriting or Overwriting()
        more = _matching(as_update.when, arguments, hosts, changes)
        relaxed = {hazard for rule in more for hazard in rule.drop}
        added += [hazard for hazard in as_update.hazards if hazard not in relaxed]
        added += [hazard for rule in more for hazard in rule.add]
        matching += more
    if any(shift.gained for shift in redefined):
        added.append(_TAKES_OVER)
    if any(shift.lost for shift in redefined):
        effects.append("destructive")
    kept = [h for h in operation.hazards if h not in dropped]
    sure = [r for r in matching if changes is not None or not r.compares]
    return Risk(
        effect=worse(*effects) if effects else operation.effect,
        hazards=tuple(dict.fromkeys([*kept, *added])),
        say=(
            *((exists,) if exists else ()),
            *((_REDEFINED,) if redefined else ()),
            *dict.fromkeys(_said(matching, known=changes is not None)),
        ),
        refusal="; ".join(r.why for r in matching if r.refuse),
        paths=tuple(p for r in matching if _raises(r) for p in _paths(r)),
        says=next((r.says for r in sure if r.says), ""),
        gives=giving(operation, arguments, matching, changes, by_itself=_TAKES_OVER in kept),
        changes=tuple(changes or ()),
    )


def matching_rules(
    operation: Operation,
    arguments: Mapping[str, Any],
    hosts: frozenset[str],
    changes: Sequence[Change] | None = None,
) -> list[Rule]:
    """The rules of the record that apply to a call, or may: see `assess` for what goes in."""
    return _matching(operation.when, arguments, hosts, changes)


def _matching(
    rules: Sequence[Rule],
    arguments: Mapping[str, Any],
    hosts: frozenset[str],
    changes: Sequence[Change] | None,
) -> list[Rule]:
    return [
        rule
        for rule in rules
        if all(_arguments_hold(rule, arguments, hosts))
        and (changes is None or all(_comparisons_hold(rule, changes)))
    ]


def _clears_something(arguments: Mapping[str, Any], changes: Sequence[Change] | None) -> bool:
    """Whether a replace is sent as it is, or loses something in spite of being completed."""
    return arguments.get(REPLACE) is True or any(change.loses for change in changes or ())


def _said(rules: Sequence[Rule], *, known: bool) -> Iterator[str]:
    """What the rules say to the person who is asked; a comparison says nothing of the unknown."""
    yield from (rule.say for rule in rules if rule.say and (known or not rule.compares))


def _raises(rule: Rule) -> bool:
    return bool(rule.add) or (rule.effect is not None and rule.effect != "write")


def _paths(rule: Rule) -> list[str]:
    """The arguments that a rule looks at, but for those that it merely allows."""
    names = [n for n in (*CONDITIONS, *COMPARISONS) if not n.startswith("only")]
    return [path for name in names for path in rule.paths_of(name)]


def _arguments_hold(
    rule: Rule, arguments: Mapping[str, Any], hosts: frozenset[str]
) -> Iterator[bool]:
    """Whether each of the rule's conditions on the arguments holds; one that is not set does."""

    def values(path: str) -> list[Any]:
        return [v for v in values_at(arguments, path) if v is not None]

    def any_of(paths: tuple[str, ...], fits: Callable[[Any], bool]) -> bool:
        return any(fits(value) for path in paths for value in values(path))

    yield not rule.given or any_of(rule.given, lambda v: True)
    yield not rule.filled or any_of(rule.filled, _filled)
    yield not any_of(rule.empty, _filled)
    yield not rule.lacks or _lacks(arguments, rule.lacks)
    yield all(any_of((path,), _filled) for path in rule.all_filled)
    yield not rule.is_true or any_of(rule.is_true, lambda v: v is True)
    yield not any_of(rule.not_true, lambda v: v is True)
    yield all(any(v in wanted for v in values(path)) for path, wanted in rule.equals.items())
    yield all(_all_equal(arguments, path, wanted) for path, wanted in rule.all_equal.items())
    yield not rule.only or _only(arguments, rule.only)
    yield not rule.clears or any_of(rule.clears, _clears)
    yield not rule.foreign_host or any_of(rule.foreign_host, lambda v: is_foreign(v, hosts))
    yield not rule.foreign_link or any_of(rule.foreign_link, lambda v: leads_away(v, hosts))
    yield not rule.unlike or _elsewhere(arguments, rule.unlike, alike=True)
    yield not rule.elsewhere or _elsewhere(arguments, rule.elsewhere, alike=False)


def _comparisons_hold(rule: Rule, changes: Sequence[Change]) -> Iterator[bool]:
    """Whether each of the rule's comparisons holds; one that is not set does.

    What could not be read has changed, has grown, has shrunk and is weaker.
    """

    def any_at(paths: tuple[str, ...], fits: Callable[[Change], bool]) -> bool:
        return any(fits(c) for c in changes for path in paths if _touches(c.path, path))

    yield not rule.changed or any_at(rule.changed, lambda c: True)
    yield not rule.only_changed or all(
        any(_within(c.path, path) for path in rule.only_changed) for c in changes
    )
    yield not rule.gains or any_at(rule.gains, lambda c: c.gains)
    yield not any_at(rule.gains_none, lambda c: c.gains)
    yield not rule.loses or any_at(rule.loses, lambda c: c.loses)
    yield not rule.turned_on or any_at(rule.turned_on, lambda c: c.after not in (None, False))
    yield not rule.turned_off or any_at(rule.turned_off, lambda c: c.after is not True)
    yield not any_at(rule.not_weaker, lambda c: not _stricter(c))


def _within(path: str, allowed: str) -> bool:
    """Whether `path` is `allowed` or lies below it."""
    return path == allowed or path.startswith((f"{allowed}.", f"{allowed}["))


def _touches(path: str, watched: str) -> bool:
    """Whether a change at `path` can change what is at `watched`."""
    return _within(path, watched) or _within(watched, path)


def _stricter(change: Change) -> bool:
    """Whether a switch goes on or a number grows, from a value that is known."""
    if change.before is UNKNOWN or change.after is True:
        return change.before is not UNKNOWN
    numbers = [0 if v is None else v for v in (change.before, change.after)]
    return all(type(n) in (int, float) for n in numbers) and numbers[1] > numbers[0]


def _filled(value: Any) -> bool:
    return not is_blank(value)


def _lacks(arguments: Mapping[str, Any], paths: tuple[str, ...]) -> bool:
    """Whether some element of the list that `paths` lie in holds nothing at any of them."""
    above = paths[0].rpartition("[].")[0]
    return any(
        not any(_filled(v) for p in paths for v in values_at(one, p.removeprefix(f"{above}[].")))
        for one in values_at(arguments, f"{above}[]")
    )


def _clears(value: Any) -> bool:
    """Whether there is an empty value in `value`, at any depth."""
    if isinstance(value, Mapping) and value:
        return any(_clears(item) for item in value.values())
    if isinstance(value, list) and value:
        return any(_clears(item) for item in value)
    return not _filled(value)


def _all_equal(arguments: Mapping[str, Any], path: str, wanted: list[Any]) -> bool:
    """Whether there are elements and each has one of the wanted values, none lacking the field."""
    found = values_at(arguments, path)
    elements = values_at(arguments, path.rpartition(".")[0]) if "[]" in path else found
    return 0 < len(found) == len(elements) and all(v in wanted for v in found)


def _only(arguments: Mapping[str, Any], allowed: tuple[str, ...]) -> bool:
    """Whether nothing but the allowed paths is present; a null counts as present."""
    for name, value in arguments.items():
        if name in allowed:
            continue
        below = tuple(
            path.partition(".")[2]
            for path in allowed
            if path.partition(".")[0].removesuffix("[]") == name and "." in path
        )
        items = value if isinstance(value, list) else [value]
        if not below or not all(isinstance(i, Mapping) and _only(i, below) for i in items):
            return False
    return True


def _elsewhere(
    arguments: Mapping[str, Any], pairs: Mapping[str, tuple[str, ...]], *, alike: bool
) -> bool:
    """Whether an address at one of the paths is another one than that at its key.

    Below ``users[]`` each element is judged by itself. With `alike` only an address of the same
    kind counts.
    """
    for account, paths in pairs.items():
        above, bracket, name = account.rpartition("[].")
        for element in values_at(arguments, f"{above}[]") if bracket else [arguments]:
            own = [contact_addresses.parse(value) for value in values_at(element, name)]
            for path in paths:
                given = values_at(element, path.removeprefix(f"{above}{bracket}"))
                others = [contact_addresses.parse(v) for v in given if not is_empty(v)]
                if any(o.differs(one, alike=alike) for one in own if one for o in others if o):
                    return True
    return False
