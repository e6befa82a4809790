"""The conditions of a record's rules in words: ``empty name``, ``status: disabled``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from descope_mcp.catalog.operation_record.rule import BETWEEN, Rule

#: Conditions that one path is enough for, and how each is said of that path.
_ONE = {
    "given": "{}",
    "filled": "{}",
    "is_true": "{}: true",
    "clears": "empty {}",
    "foreign_host": "{} at a foreign host",
    "foreign_link": "{} at a foreign host",
    "changed": "another {}",
    "gains": "new {}",
    "loses": "fewer {}",
    "turned_on": "{} switched on",
    "turned_off": "{} switched off",
}
#: Conditions that hold for all paths together.
_ALL = {
    "empty": "without {}",
    "lacks": "one without {}",
    "all_filled": "{}",
    "not_true": "without {}",
    "only": "only {} given",
    "only_changed": "only {} changed",
    "gains_none": "no new {}",
    "not_weaker": "no weaker {}",
}
_VALUES = ("equals", "all_equal")


class Term(NamedTuple):
    """One way in which a rule applies: `form` said of the argument at `path`, "" where of none."""

    form: str
    path: str = ""


def terms(rule: Rule) -> list[Term]:
    """The ways in which a rule applies; any of them is enough."""
    if rule.given and rule.given == rule.empty:
        return [Term("empty {}", path) for path in rule.given]
    ways = dict(_ways(rule))
    # What becomes of an argument says more than that it is there.
    first = max(ways, key=_order, default="")
    rest = [
        form.replace("{}", _names(rule, name)) for name, form in _ALL.items() if getattr(rule, name)
    ]
    for name, found in ways.items():
        if name != first and not _same_arguments(rule, name, first):
            rest.append(" or ".join(map(_said, found)))
    tail = "".join(f" {'' if one.startswith('without') else 'and '}{one}" for one in rest)
    if first:
        return [Term(f"{term.form}{tail}", term.path) for term in ways[first]]
    return [Term(" and ".join(rest))] if rest else []


def left_out(rule: Rule) -> list[Term]:
    """The arguments that have to be left out, or not to be true, if nothing else is asked for."""
    if not rule.conditions <= {"empty", "not_true"}:
        return []
    return [*(Term("{}", p) for p in rule.empty), *(Term("{}: true", p) for p in rule.not_true)]


def told(
    found: Iterable[Term], most: int = 1_000, about: Callable[[str], int] | None = None
) -> str:
    """Terms in a row, at most `most`, those first that `about` says most of."""
    if not most:
        return "some arguments"
    every = list(dict.fromkeys(found))
    every = [term for term in every if not any(_says_more(term, other) for other in every)]
    every.sort(key=lambda term: term.form != "{}")
    if about is not None:
        every.sort(key=lambda term: -about(f"{term.path} {term.form}"))
    forms: dict[str, list[str]] = {}
    for term in every[:most]:
        forms.setdefault(term.form, []).append(argument_name(term.path))
    said = [form.replace("{}", ", ".join(dict.fromkeys(names))) for form, names in forms.items()]
    more = [f"+{len(every) - most}"] if len(every) > most else []
    return " or ".join([*said, *more])


def told_with(
    found: Iterable[Term], most: int = 1_000, about: Callable[[str], int] | None = None
) -> str:
    """Terms in a row as `told` puts them, after *with*; what is left out after *without*."""
    text = told(found, most, about)
    return text if text.startswith("without") else f"with {text}"


def argument_name(path: str) -> str:
    """A path without the lists that it leads through: ``users[].name`` is *name*."""
    return path.removesuffix("[]").rpartition("[].")[2]


def _ways(rule: Rule) -> Iterator[tuple[str, list[Term]]]:
    """The conditions of which one path is enough, and each with its paths."""
    for name, form in _ONE.items():
        if paths := getattr(rule, name):
            yield name, [Term(form, path) for path in paths]
    for name in _VALUES:
        if wanted := getattr(rule, name):
            # Here every path has to have such a value.
            (path, values), *others = wanted.items()
            more = "".join(f" and {_said(Term(_of_values(v), p))}" for p, v in others)
            yield name, [Term(f"{_of_values(values)}{more}", path)]
    for name in BETWEEN:
        if pairs := getattr(rule, name):
            yield (
                name,
                [
                    Term(f"{{}} other than {argument_name(account)}", path)
                    for account, paths in pairs.items()
                    for path in paths
                ],
            )


def _of_values(values: list[Any]) -> str:
    return "empty {}" if values == [""] else f"{{}}: {'|'.join(map(str, values))}"


def _order(name: str) -> int:
    ranked = ("given", "filled", "changed", "is_true", *_VALUES, "clears", *BETWEEN)
    return ranked.index(name) if name in ranked else len(ranked)


def _same_arguments(rule: Rule, name: str, other: str) -> bool:
    """Whether two conditions look at the same arguments, one perhaps further inside."""
    paths = rule.paths_of(other)
    return all(any(p.startswith(q) or q.startswith(p) for q in paths) for p in rule.paths_of(name))


def _says_more(term: Term, other: Term) -> bool:
    """Whether a term asks for more than another one, which is enough."""
    return term.path == other.path and term.form.startswith(
        (f"{other.form} and", f"{other.form} w")
    )


def _names(rule: Rule, condition: str) -> str:
    if condition != "only_changed" and getattr(rule, condition) == rule.only_changed:
        return "one"
    between = " and " if condition == "all_filled" else ", "
    return between.join(argument_name(path) for path in getattr(rule, condition))


def _said(term: Term) -> str:
    return term.form.replace("{}", argument_name(term.path))
