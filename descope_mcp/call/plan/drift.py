"""Whether a call is still the one that the plan was judged by, right before it is sent.

It hits what a person was shown, or what the plan itself has made, whoever goes by a name by then.
What nobody has touched has to be as it was. What calls of the same plan have changed meanwhile may
differ by that: then the call may do no more than a person was shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from descope_mcp.call.checked import Checked
from descope_mcp.call.plan.judgement import Judged
from descope_mcp.call.plan.prediction import names
from descope_mcp.catalog.json_path import values_in
from descope_mcp.catalog.operation_record.effect import EFFECTS
from descope_mcp.guard.preview.comparison.difference import Change
from descope_mcp.guard.preview.preview import Preview
from descope_mcp.guard.preview.rights.permission_change import Shift
from descope_mcp.guard.preview.target_identity import IDS, identities, identity, own_ids


@dataclass(slots=True)
class Done:
    """What a plan has done so far: the changes that were sent, and what tells what they made."""

    sent: list[Judged] = field(default_factory=list)
    made: set[str] = field(default_factory=set)


def differs(
    judged: Judged, done: Done, earlier: Iterable[Judged], taken: Mapping[str, str]
) -> Differs:
    """What compares a call of a plan with what it was judged by.

    Args:
        judged: the call as the plan was judged.
        done: what the plan has done; it grows.
        earlier: the calls of the plan that it builds on.
        taken: the values that came from their answers, by the words that stood for them.

    Returns:
        A function that says in what the call differs, "" if in nothing.
    """
    before = tuple(one for one in earlier if not one.targets.isdisjoint(judged.targets))
    waits = bool(judged.planned.pending)

    def compare(checked: Checked, preview: Preview) -> str:
        was = judged.checked
        if checked.decision.action == "confirm" and not judged.asks:
            return "A person would have to be asked about it."
        if not _hits_what_was_shown(judged, checked, preview, done):
            return "It hits what nobody was shown, and the plan has not made."
        same = checked.arguments == was.arguments and preview.found == judged.preview.found
        if same and preview.rights == judged.preview.rights:
            return ""
        sent = tuple(done.sent)
        if not (sent or waits):
            return "It is not as it was shown."
        if not (judged.made or before or _untouched(preview.target, judged, sent)):
            return "Its target is not as it was shown."
        return _more(judged, checked, preview, before, sent, taken)

    return compare


Differs = Callable[[Checked, Preview], str]


def _hits_what_was_shown(judged: Judged, checked: Checked, preview: Preview, done: Done) -> bool:
    """Whether a call hits what a person was shown, or, if that was to be made, what has been."""
    if identities(checked.operation, preview) <= judged.targets:
        return True
    if not judged.made:
        return False
    if ids := own_ids(preview.target):
        return ids <= done.made
    return names(checked.operation, checked.arguments) <= done.made


def _more(
    judged: Judged,
    checked: Checked,
    preview: Preview,
    earlier: Iterable[Judged],
    sent: Iterable[Judged],
    taken: Mapping[str, str],
) -> str:
    """What a call does beyond what was shown, where the plan itself may have changed its target."""
    was = judged.checked
    worse = EFFECTS.index(checked.effect) > EFFECTS.index(was.effect)
    if worse or not set(checked.risk.hazards) <= set(was.risk.hazards):
        return "It has become more dangerous."
    if checked.decision.typed and not was.decision.typed:
        return "It affects the whole project."
    rights, shown = preview.rights, judged.preview.rights
    if not (
        _rights_within(rights.given, shown.given, taken)
        and _rights_within(rights.redefined, shown.redefined, taken)
        and set(rights.console) <= set(shown.console)
    ):
        return "It gives more rights."
    if judged.made:
        return ""
    if not _changes_within(checked.changes, was.changes, earlier):
        return "It changes more."
    rest = zip(preview.found[1:], judged.preview.found[1:], strict=False)
    put = _put_there(judged, sent)
    if not all(_no_more(now, then, put) for now, then in rest):
        return "More hangs on its target."
    return ""


def _untouched(target: Any, judged: Judged, ran: Sequence[Judged]) -> bool:
    """Whether a target that no call of the plan was to change is as it was.

    What one of them has changed elsewhere may show here as well: a tenant's new name in its
    members, and what a deleted role is missing from.
    """
    changes = [change for one in ran for change in one.checked.changes or ()]
    own = _Own(
        any(one.checked.effect == "destructive" for one in ran),
        [(c.before, c.after) for c in changes if c.path.rpartition(".")[2] in _NAMES],
        [item for change in changes for item in change.gained],
    )
    return _within(target, judged.preview.target, own)


#: The arguments by which things are renamed; what refers to them often shows their names.
_NAMES = ("name", "newName", "displayName")


class _Own(NamedTuple):
    """What the plan has done: whether it took something away, which names it changed, what came."""

    takes: bool
    renamed: list[tuple[Any, Any]]
    gained: list[Any]


def _rights_within(now: Iterable[Shift], then: Iterable[Shift], taken: Mapping[str, str]) -> bool:
    """Whether nobody gains what was not shown. Who is meant may have another name by now."""
    shown: dict[str, set[str]] = {}
    for shift in then:
        tenant = taken.get(shift.tenant, shift.tenant)
        shown.setdefault(tenant, set()).update(shift.gained)
    return all(
        set(shift.gained) <= shown.get(shift.tenant, set()) | shown.get("", set()) for shift in now
    )


def _changes_within(
    now: tuple[Change, ...] | None, then: tuple[Change, ...] | None, earlier: Iterable[Judged]
) -> bool:
    """Whether nothing becomes different that was not shown, or that the plan itself has made so."""
    if then is None:
        return True
    if now is None:
        return False
    shown = {_place(c): c for c in then}
    own = [c for one in earlier for c in one.checked.changes or ()]
    for change in now:
        place = _place(change)
        known = shown.get(place)
        if known is None and any(c.after == change.before for c in own if place == _place(c)):
            continue  # it was so already before the plan itself made it another
        if known is None or change.after != known.after:
            return False
        gone = [x for x in change.lost if x not in known.lost]
        if any(all(x not in c.gained for c in own) for x in gone):
            return False
        if any(x not in known.gained for x in change.gained):
            taken = [x for x in change.gained if x not in known.gained]
            if any(all(x not in c.lost for c in own) for x in taken):
                return False
    return True


def _place(change: Change) -> tuple[str, str]:
    return change.path, change.element


def _within(now: Any, then: Any, own: _Own) -> bool:
    """Whether something is as it was, but for what the plan did and for when it was touched."""
    if now == then or (then, now) in own.renamed:
        return True
    if isinstance(now, Mapping) and isinstance(then, Mapping):
        same = all(
            key in then and (str(key).endswith("Time") or _within(value, then[key], own))
            for key, value in now.items()
        )
        return same and (own.takes or then.keys() <= now.keys())
    if isinstance(now, list) and isinstance(then, list):
        kept = all(
            any(_within(item, known, own) for known in then) or item in own.gained for item in now
        )
        return kept and (own.takes or len(now) >= len(then))
    return False


def _put_there(judged: Judged, sent: Iterable[Judged]) -> frozenset[str]:
    """The ids of what calls of the plan have connected with a target, by naming it."""
    target = judged.preview.target
    items = target if isinstance(target, list) else [target]
    called = {str(i[k]) for i in items if isinstance(i, Mapping) for k in IDS if i.get(k)}
    naming = (one for one in sent if called & values_in(one.checked.arguments))
    return frozenset(target for one in naming for target in one.targets)


def _no_more(now: Any, then: Any, put: frozenset[str]) -> bool:
    """Whether nothing else hangs on a target than did, but for what the plan has `put` there."""
    if now == then or now is None:
        return True
    if isinstance(now, Mapping):
        now = [now]
    if not isinstance(now, list):
        return False
    known = {_key(item) for item in (then if isinstance(then, list) else [then])}
    return all(_key(item) in known or identity(item) in put for item in now)


def _key(item: Any) -> str:
    """What tells an element from others."""
    return identity(item) or repr(item)
