"""What several calls of one operation did, told as one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from descope_mcp.call.evidence.evidence import Changed, Evidence
from descope_mcp.guard.preview.rights.permission_change import Shift

#: So many are named who gain or lose the same; what became different names them all.
_MOST_NAMED = 5


def together(did: Sequence[tuple[str, Evidence]]) -> Evidence | None:
    """The evidence of calls that did the same to others, None if there is none.

    What is true of several is said once, of all of them. Names and counts of those whom the calls
    hit besides are left to the journal: they may be the same ones.

    Args:
        did: the name of each call's target, "" if it has none, and its evidence.
    """
    if len(did) < 2:
        return did[0][1] if did else None
    every = [evidence for _, evidence in did]
    seen = {one.seen for one in every if one.changed or one.as_before}
    return Evidence(
        "",
        every[0].consent,
        "sent" if len(seen) != 1 else seen.pop(),
        tuple(_changed(did)),
        tuple(dict.fromkeys(path for one in every for path in one.as_before)),
        tuple(made for one in every for made in one.made),
        tuple(gone for one in every for gone in one.gone),
        rights=tuple(_rights(every)),
        items=sum(one.items for one in every),
        spoiled=tuple(spoiled for one in every for spoiled in one.spoiled),
    )


def _changed(did: Sequence[tuple[str, Evidence]]) -> Iterator[Changed]:
    """Each change once, with all targets of which it is true.

    Of lists it counts what came and went: the rest of them may differ.
    """
    groups: dict[str, Changed] = {}
    for name, evidence in did:
        for one in evidence.changed:
            values = (one.gained, one.lost) if one.gained or one.lost else (one.before, one.after)
            key = repr((one.field, *values))
            of = groups[key].of if key in groups else ()
            parts = tuple(f"{name}: {part}" if name else part for part in one.of)
            groups[key] = replace(one, of=(*of, *(parts or (name,) * bool(name))))
    yield from groups.values()


def _rights(every: Sequence[Evidence]) -> Iterator[Shift]:
    """Each shift once, with all of whom it is true."""
    who: dict[Shift, list[str]] = {}
    for shift in (shift for one in every for shift in one.rights):
        who.setdefault(shift._replace(who=""), []).append(shift.who)
    for shift, names in who.items():
        each = list(dict.fromkeys(names))
        more = len(each) - _MOST_NAMED
        rest = f" and {more} more" if more > 0 else ""
        yield shift._replace(who=f"{', '.join(each[:_MOST_NAMED])}{rest}")
