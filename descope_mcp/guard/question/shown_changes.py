"""What a call makes different, as a person reads it: each difference once, with all it is true of.

What is true of the fewest comes first, losses before the rest; secrets are masked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from descope_mcp.catalog.arguments.validation import SEALED
from descope_mcp.catalog.operation import Operation
from descope_mcp.guard.policy.decision import needed_lists
from descope_mcp.guard.preview.comparison.difference import UNKNOWN, Change, is_unset
from descope_mcp.guard.question.consequence import joined, number
from descope_mcp.guard.question.question_data import Difference, Member
from descope_mcp.guard.question.quoting import TooMuchToShow, fits, whole
from descope_mcp.guard.question.text_difference import passages
from descope_mcp.guard.question.value_format import compact, shown, words
from descope_mcp.guard.secrets.redaction import masked_at


def differences(
    operation: Operation, changes: Sequence[Change], names: Mapping[str, Member]
) -> tuple[Difference, ...]:
    """What becomes different.

    Args:
        operation: what is called.
        changes: value by value.
        names: what a person knows an element by, by the element.

    Raises:
        TooMuchToShow: a long text differs in more places than a person can be shown.
    """
    groups: dict[tuple[str, str], _Group] = {}
    for change in changes:
        masked = _masked(operation, change)
        becomes = _becomes(masked, operation.moments.get(change.path, ""))
        group = groups.setdefault((change.path, becomes), _Group(not change.loses))
        if change.element:
            group.of.append(names.get(change.element) or Member(whole(change.element)))
        group.lines = group.lines or _passages(operation, masked)
    order = sorted(groups.items(), key=lambda pair: (pair[1].harmless, len(pair[1].of)))
    by_field = tuple(
        Difference(_field(operation, path), becomes, tuple(dict.fromkeys(group.of)), group.lines)
        for (path, becomes), group in order
    )
    by_member = _by_member(by_field)
    return by_member if _lines(by_member) < _lines(by_field) else by_field


def _by_member(found: Sequence[Difference]) -> tuple[Difference, ...]:
    """The same, with each member once: those of whom the same things become different together."""
    bundles: dict[Member, list[Difference]] = {}
    for difference in found:
        for name in difference.of:
            bundles.setdefault(name, []).append(difference)
    together: dict[tuple[int, ...], list[Member]] = {}
    for name, bundle in bundles.items():
        together.setdefault(tuple(map(id, bundle)), []).append(name)
    made = [
        Difference(
            bundles[names[0]][0].field,
            "; ".join(
                [
                    bundles[names[0]][0].becomes,
                    *(f"{other.field}: {other.becomes}" for other in bundles[names[0]][1:]),
                ]
            ),
            tuple(names),
            tuple(line for one in bundles[names[0]] for line in one.lines),
        )
        for names in sorted(together.values(), key=len)
    ]
    return (*(difference for difference in found if not difference.of), *made)


def _lines(found: Sequence[Difference]) -> int:
    """About how many lines differences take, with three names a line."""
    return sum(1 + len(d.becomes) // 70 + len(d.of) // 3 + len(d.lines) for d in found)


def summary(found: Sequence[Difference]) -> str:
    """What becomes different, in a few words: the one change, or the names of the fields."""
    if not found:
        return "nothing becomes different"
    if len(found) == 1 and not found[0].lines and len(found[0].becomes) < _SHORT:
        of = found[0].of
        many = f" for {len(of):,}" if len(of) > 1 else ""
        return f"{found[0].field} {found[0].becomes}{many}"
    if len(found) <= _FEW and not any(difference.of or difference.lines for difference in found):
        each = ", ".join(f"{difference.field} {difference.becomes}" for difference in found)
        if len(each) < 2 * _SHORT:
            return each
    fields = list(dict.fromkeys(difference.field for difference in found))
    if len(fields) > _MOST_FIELDS:
        fields = [*fields[:_MOST_FIELDS], number(len(fields) - _MOST_FIELDS, "more", "more")]
    return joined(fields)


def _field(operation: Operation, path: str) -> str:
    """What changes, in words; of one of many without what they all are."""
    name, _, rest = path.partition("[].")
    return words(rest if rest and name in needed_lists(operation) else path)


@dataclass(slots=True)
class _Group:
    harmless: bool
    of: list[Member] = field(default_factory=list)
    lines: tuple[str, ...] = ()


def _passages(operation: Operation, change: Change) -> tuple[str, ...]:
    """Where a text becomes different that is too long for a line."""
    before = change.before if isinstance(change.before, str) else ""
    if not isinstance(change.after, str) or not change.after or fits(change.after):
        return ()
    found = passages(before, change.after)
    if found is None:
        raise TooMuchToShow(operation.name)
    return tuple(found)


def _masked(operation: Operation, change: Change) -> Change:
    """A change as a person may see it."""

    def of(values: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(masked_at(operation, f"{change.path}[]", value) for value in values)

    before = change.before
    if before is not UNKNOWN:
        before = masked_at(operation, change.path, before)
    after = masked_at(operation, change.path, change.after)
    return replace(
        change, before=before, after=after, gained=of(change.gained), lost=of(change.lost)
    )


def _becomes(change: Change, unit: str) -> str:
    if change.after == SEALED:
        return "becomes another secret"
    if change.gained or change.lost:
        parts = [("loses", change.lost), ("gains", change.gained)]
        return ", ".join(
            f"{verb} {', '.join(map(_element, items))}" for verb, items in parts if items
        )
    if isinstance(change.after, list) and isinstance(change.before, list):
        return f"in another order: {compact(change.after)}"
    if is_unset(change.after) and change.after is not False and change.after != 0:
        was = "" if change.before is UNKNOWN else f": {shown(change.path, change.before, unit)}"
        return f"is cleared{was}"
    if isinstance(change.after, str) and not fits(change.after):
        return f"becomes another text of {len(change.after):,} characters"
    after = shown(change.path, change.after, unit)
    if change.before is UNKNOWN:
        return f"becomes {after}; what it is now is not known"
    plain = change.before is False or bool(unit)
    was = "not set" if is_unset(change.before) and not plain else ""
    return f"{was or shown(change.path, change.before, unit)} -> {after}"


def _element(item: Any) -> str:
    """An element that comes or goes, with all that it holds."""
    return f"({compact(item)})" if isinstance(item, Mapping) else whole(item)


#: A change of fewer characters is said in the sentence itself.
_SHORT = 60
_MOST_FIELDS = 5
_FEW = 3
