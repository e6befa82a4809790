"""One judgement of a whole plan: every call is looked at like a single one, all faults at once.

What a call would hit is read as things are now; what the calls before it change is foreseen where
it can be (`prediction`), and otherwise judged by the worst case.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import anyio

from descope_mcp.api import large_work
from descope_mcp.call.assessment import large_arguments
from descope_mcp.call.assessment.examine import examine
from descope_mcp.call.assessment.judge import Seen, see, unseen
from descope_mcp.call.checked import Checked
from descope_mcp.call.outcome import Call, Failed, Instead
from descope_mcp.call.plan.expansion import Planned
from descope_mcp.call.plan.outcome import PlanRequest
from descope_mcp.call.plan.prediction import Earlier, changes_roles, names
from descope_mcp.call.plan.shared_reads import AT_ONCE, SharedReads
from descope_mcp.call.plan.steps import Faults
from descope_mcp.call.send import with_handles
from descope_mcp.call.services import Services
from descope_mcp.guard.policy.decision import SO_ALREADY, WHY, Decision, items
from descope_mcp.guard.preview.comparison.after_state import ends_target
from descope_mcp.guard.preview.comparison.settled import is_settled
from descope_mcp.guard.preview.impact import Tally
from descope_mcp.guard.preview.ordered_gather import gather
from descope_mcp.guard.preview.preview import NOTHING_SEEN, Preview, counted
from descope_mcp.guard.preview.rights.planned_roles import is_planned
from descope_mcp.guard.preview.target_identity import identities
from descope_mcp.guard.question.quoting import quoted

#: Of more calls it is not read who signed in lately and who is the last of a kind.
_MOST_MARKED = 20
_MIXED = "some of what it changes is there, and some is made by the plan: make two steps of it"
#: The rule of the default policy by which an ordinary change runs unasked.
_UNASKED = "write"


@dataclass(frozen=True, slots=True)
class Judged:
    """One call of a plan, judged as things are now.

    ``targets`` is what it changes, ``after`` are the numbers of the calls before it that make or
    change the same, or whose answers it takes from. ``made`` says that its target, or a part of it,
    is made by one of those. ``asks`` says that a person has to agree.
    """

    planned: Planned
    checked: Checked
    preview: Preview
    counts: tuple[Tally, ...] = ()
    targets: frozenset[str] = frozenset()
    after: tuple[int, ...] = ()
    made: bool = False

    @property
    def number(self) -> int:
        """Its place in the plan."""
        return self.planned.number

    @property
    def asks(self) -> bool:
        """Whether a person has to agree to it."""
        return self.checked.decision.action == "confirm"

    @property
    def changes(self) -> bool:
        """Whether it is more than a read."""
        return self.checked.effect != "read"


async def judged(
    calls: Sequence[Planned], request: PlanRequest, services: Services
) -> list[Judged]:
    """Every call of a plan, judged.

    Raises:
        Instead: with what is wrong with calls: they make no sense, are denied, or cannot be seen.
        StoreError: the store cannot be used.
    """
    faults = Faults([])
    examined: dict[int, Checked] = {}
    for call in calls:
        try:
            examined[call.number] = await _examined(call, request, services)
        except Instead as instead:
            faults.add(_place(call), instead.outcome)
    faults.end()
    large_arguments.bounded([checked.arguments for checked in examined.values()])
    many = "1 call" if len(calls) == 1 else f"{len(calls)} calls"
    await request.progress(f"Reading what {many} would hit")
    found = await _looked_at(calls, examined, request, services, faults)
    faults.end()
    every = _linked(found, services, faults)
    faults.end()
    return _asked_for_many([_settled(one) for one in every], services)


async def _looked_at(
    calls: Sequence[Planned],
    examined: Mapping[int, Checked],
    request: PlanRequest,
    services: Services,
    faults: Faults,
) -> list[Judged]:
    """What every call would hit, side by side; notes of which that cannot be seen, or is denied."""
    shared, marking = SharedReads(services), len(calls) <= _MOST_MARKED
    turns = anyio.CapacityLimiter(AT_ONCE)
    found: dict[int, Judged] = {}
    earlier = Earlier(examined)

    async def look(call: Planned) -> None:
        checked = examined[call.number]
        async with turns:
            try:
                seen = await _look(call, checked, earlier, request, services, shared, marking)
            except Instead as instead:
                faults.add(_place(call), instead.outcome)
            else:
                found[call.number] = seen
                earlier.looked_at(call.number, seen.checked)

    # What changes roles comes first: only what is read shows what these bring to others.
    for first in (True, False):
        now = [call for call in calls if changes_roles(call.step.operation) is first]
        await gather([partial(look, call) for call in now])
    faults.found.sort(key=_order(calls))
    return [found[call.number] for call in calls if call.number in found]


async def _examined(call: Planned, request: PlanRequest, services: Services) -> Checked:
    """The call checked and decided on, with words in place of what is not known yet."""
    operation = call.step.operation
    if closed := sorted(path for path in call.pending if _closed(call, path)):
        message = (
            f"{closed[0]} decides over rights, or where something goes: it cannot come from the "
            "answer of a change or of a later read, which nobody has seen"
        )
        raise Instead(Failed("invalid_arguments", message, ""))
    asked = Call(operation.name, call.shown, request.caller)
    size = large_arguments.bounded(asked.arguments)
    examined = await large_work.run(size, examine, asked, services)
    return await with_handles(asked, replace(examined, size=size), services)


def _closed(call: Planned, path: str) -> bool:
    """Whether what nobody has seen may not stand at a path: it means more than which one is meant.

    A secret may come from an answer: what does is a handle, and is checked as one.
    """
    operation = call.step.operation
    if path in operation.accepts:
        return False
    bare = path.replace("[]", "")
    if bare.partition(".")[0] in operation.content:
        return True
    marked = (
        place.replace("[]", "")
        for meaning, marks in operation.marks.items()
        if meaning != "tenants"
        for place in marks.paths
    )
    return any(bare == place or bare.startswith(f"{place}.") for place in marked)


async def _look(
    call: Planned,
    checked: Checked,
    earlier: Earlier,
    request: PlanRequest,
    services: Services,
    shared: SharedReads,
    marking: bool,
) -> Judged:
    """What a call would hit, as far as it is there.

    Raises:
        Instead: that cannot be seen, or the call is denied.
    """
    operation = checked.operation
    if checked.effect == "read" and checked.decision.action == "allow":
        return Judged(call, checked, NOTHING_SEEN)
    named = names(operation, checked.arguments)
    makers = earlier.makers(named, call.number)
    around = shared.around(checked, earlier.roles(call.number))
    alone = Call(operation.name, checked.given, request.caller)
    if not named.isdisjoint(_words(call)):
        # Which one is meant is not known before another call has run.
        seen = await unseen(alone, checked, services, around)
        _end_without_roles(seen.preview)
        return _judged(call, seen, (), makers, made=True)
    try:
        seen = await see(alone, checked, services, around, marking=marking)
    except Instead as instead:
        missing = isinstance(instead.outcome, Failed) and instead.outcome.kind == "target_missing"
        if not (missing and makers):
            raise
        seen = await unseen(alone, checked, services, around)
    _end_without_roles(seen.preview)
    if makers and seen.preview.missing:
        raise Instead(Failed("invalid_arguments", _MIXED, ""))
    counts: tuple[Tally, ...] = ()
    if seen.checked.decision.action == "confirm":
        counts = await counted(services.catalog, operation, seen.preview, seen.read)
    return _judged(call, seen, counts, makers, made=bool(makers))


def _end_without_roles(preview: Preview) -> None:
    """End a call that gives a role which would not be there by then.

    Raises:
        Instead: it does.
    """
    for role, tenant in preview.rights.nowhere:
        where = f"neither in the tenant {quoted(tenant)} nor" if tenant else "not"
        message = (
            f"there is no role {quoted(role)}, {where} in the project; make it in a step before"
        )
        raise Instead(Failed("invalid_arguments", message, ""))


def _judged(
    call: Planned, seen: Seen, counts: tuple[Tally, ...], makers: tuple[int, ...], *, made: bool
) -> Judged:
    targets = identities(seen.checked.operation, seen.preview)
    target = seen.preview.target
    if made and (target is None or is_planned(target)):
        return Judged(call, seen.checked, seen.preview, counts, after=makers, made=True)
    return Judged(call, seen.checked, seen.preview, counts, targets)


def _words(call: Planned) -> Iterator[str]:
    """What stands in the arguments for what is not known yet."""
    open_only = replace(call, arguments={str(n): r for n, r in enumerate(call.pending.values())})
    return iter(open_only.shown.values())


def _linked(every: Sequence[Judged], services: Services, faults: Faults) -> list[Judged]:
    """The calls, each with all before it that it builds on; notes what makes no sense."""
    linked: list[Judged] = []
    changing, of_step = defaultdict[str, list[Judged]](list), defaultdict[str, list[Judged]](list)
    for one in every:
        origins = {reference.origin for reference in one.planned.pending.values()}
        same = {b.number: b for target in one.targets for b in changing[target]}
        taken = [b.number for origin in origins for b in of_step[origin]]
        for earlier in same.values():
            ended = ends_target(services.catalog, earlier.checked.operation)
            if ended and one.changes and not one.checked.operation.existing:
                place = _place(earlier.planned)
                gone = f"its target is gone after step {place} ({earlier.checked.operation.name})"
                faults.add(_place(one.planned), gone)
        linked.append(replace(one, after=tuple(sorted({*one.after, *same, *taken}))))
        of_step[one.planned.step.id].append(linked[-1])
        for target in one.targets if one.changes else ():
            changing[target].append(linked[-1])
    return linked


def _settled(one: Judged) -> Judged:
    """The call; nobody is asked about what is so already."""
    checked = one.checked
    asks = one.asks and not (one.after or one.planned.undoes)
    if asks and is_settled(checked.operation, checked.given, one.preview, checked.changes):
        return replace(one, checked=replace(checked, decision=SO_ALREADY))
    return one


def _asked_for_many(every: list[Judged], services: Services) -> list[Judged]:
    """The calls; ordinary changes ask where together they are as many as ask in one call."""
    plain = [j for j in every if j.checked.decision.rule == _UNASKED and j.changes]
    many = sum(items(j.checked.operation, j.checked.arguments) for j in plain)
    if many < services.policy.ask_from:
        return every
    asking, numbers = Decision("confirm", "many", WHY["bulk"]), {j.number for j in plain}
    return [
        replace(j, checked=replace(j.checked, decision=asking)) if j.number in numbers else j
        for j in every
    ]


def _place(call: Planned) -> str:
    """How a call is named in a fault: by its step, and its number where the step has several."""
    return call.step.id if call.step.each is None else f"{call.step.id} ({call.number})"


def _order(calls: Sequence[Planned]) -> Callable[[str], int]:
    """What sorts faults by the places of their calls, whichever was found first."""
    places = {f"step {_place(call)}": number for number, call in enumerate(calls)}
    return lambda fault: places.get(fault.partition(":")[0], len(calls))
