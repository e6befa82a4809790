"""Whether a call is still the one that the plan was judged by, right before it is sent.

What nobody has touched has to be as it was. What calls of the same plan have changed meanwhile may
differ by that: then the call may do no more than a person was shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from descope_mcp.call.examine import Checked
from descope_mcp.call.plan.judgement import Judged
from descope_mcp.catalog.operation_record import EFFECTS, Effect
from descope_mcp.guard.preview.difference import Change
from descope_mcp.guard.preview.permission_change import Shift
from descope_mcp.guard.preview.preview import Preview


def differs(judged: Judged, ran: Callable[[], Effect], earlier: Iterable[Judged]) -> Differs:
    """What compares a call of a plan with what it was judged by.

    Args:
        judged: the call as the plan was judged.
        ran: the worst that calls of this plan have done by then.
        earlier: the calls of the plan that it builds on.

    Returns:
        A function that says in what the call differs, "" if in nothing.
    """
    before = tuple(one for one in earlier if not one.targets.isdisjoint(judged.targets))
    waits = bool(judged.planned.pending)

    def compare(checked: Checked, preview: Preview) -> str:
        was = judged.checked
        if checked.decision.action == "confirm" and not judged.asks:
            return "A person would have to be asked about it."
        same = checked.arguments == was.arguments and preview.found == judged.preview.found
        if same and preview.rights == judged.preview.rights:
            return ""
        if ran() == "read" and not waits:
            return "It is not as it was shown."
        if not (judged.made or before or _untouched(preview.target, judged, ran())):
            return "Its target is not as it was shown."
        return _more(judged, checked, preview, before)

    return compare


Differs = Callable[[Checked, Preview], str]


def _more(judged: Judged, checked: Checked, preview: Preview, earlier: Iterable[Judged]) -> str:
    """What a call does beyond what was shown, where the plan itself may have changed its target."""
    was = judged.checked
    worse = EFFECTS.index(checked.effect) > EFFECTS.index(was.effect)
    if worse or not set(checked.risk.hazards) <= set(was.risk.hazards):
        return "It has become more dangerous."
    if checked.decision.typed and not was.decision.typed:
        return "It affects the whole project."
    if not _rights_within(preview.rights.given, judged.preview.rights.given):
        return "It gives more rights."
    if not _rights_within(preview.rights.redefined, judged.preview.rights.redefined):
        return "It gives more rights."
    if judged.made:
        return ""
    if not _changes_within(checked.changes, was.changes, earlier):
        return "It changes more."
    rest = zip(preview.found[1:], judged.preview.found[1:], strict=False)
    if not all(_no_more(now, then) for now, then in rest):
        return "More hangs on its target."
    return ""


def _untouched(target: Any, judged: Judged, ran: Effect) -> bool:
    """Whether a target that no call of the plan was to change is as it was.

    What one of them has taken away elsewhere (a role) may be gone here as well.
    """
    was = judged.preview.target
    return bool(target == was) or (ran == "destructive" and _within(target, was))


def _rights_within(now: Iterable[Shift], then: Iterable[Shift]) -> bool:
    """Whether nobody gains what was not shown. Who is meant may have another name by now."""
    shown: dict[str, set[str]] = {}
    for shift in then:
        shown.setdefault(shift.tenant, set()).update(shift.gained)
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
    shown = {(c.path, c.element): c for c in then}
    own = [c for one in earlier for c in one.checked.changes or ()]
    for change in now:
        known = shown.get((change.path, change.element))
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


def _within(now: Any, then: Any) -> bool:
    """Whether something is as it was, but for what is gone and for when it was touched."""
    if isinstance(now, Mapping) and isinstance(then, Mapping):
        return all(
            key in then and (str(key).endswith("Time") or _within(value, then[key]))
            for key, value in now.items()
        )
    if isinstance(now, list) and isinstance(then, list):
        return all(any(_within(item, known) for known in then) for item in now)
    return bool(now == then)


def _no_more(now: Any, then: Any) -> bool:
    """Whether what hangs on a target is at most what it was: of lists the elements count."""
    if now == then or now is None:
        return True
    if isinstance(now, list) and isinstance(then, list):
        known = {_key(item) for item in then}
        return all(_key(item) in known for item in now)
    if isinstance(now, Mapping):
        known = {_key(item) for item in (then if isinstance(then, list) else [then])}
        return _key(now) in known
    return False


def _key(item: Any) -> str:
    """What tells an element from others."""
    if not isinstance(item, Mapping):
        return repr(item)
    return next((f"{k}={item[k]}" for k in ("userId", "id", "name") if item.get(k)), repr(item))
