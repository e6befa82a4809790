"""Running the calls of a plan, each through `invoke`, and telling what became of every one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import groupby
from typing import Any

import anyio

from descope_mcp.call.evidence.made_and_failed import names_of_made
from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import (
    Call,
    Completed,
    Failed,
    NeedsConfirmation,
    Part,
    Refused,
)
from descope_mcp.call.plan.consent import Allowed, still_granted
from descope_mcp.call.plan.drift import Done, differs
from descope_mcp.call.plan.expansion import word_for
from descope_mcp.call.plan.judgement import Judged
from descope_mcp.call.plan.outcome import Became, PlanEnded, PlanRequest, Ran
from descope_mcp.call.plan.references import Reference, Unresolved, filled, selected
from descope_mcp.call.services import Services
from descope_mcp.call.store_warnings import unusable
from descope_mcp.catalog.arguments.validation import HANDLE
from descope_mcp.guard.policy.decision import items
from descope_mcp.guard.preview.preview import target_name
from descope_mcp.guard.question.quoting import quoted
from descope_mcp.store.errors import StoreError

#: So many calls of one step run at once. The service is somebody else's, too.
AT_ONCE = 8


class Run:
    """A plan while it runs."""

    def __init__(
        self,
        plan: str,
        judged: Sequence[Judged],
        allowed: Allowed,
        request: PlanRequest,
        services: Services,
    ) -> None:
        self._plan, self._judged = plan, judged
        self._allowed, self._request, self._services = allowed, request, services
        self._by_number = {one.number: one for one in judged}
        self._ran: dict[int, Ran] = {}
        self._begun: set[int] = set()
        self._wrong: set[int] = set()
        self._answers: dict[str, Any] = {}
        self._done = Done()

    async def to_the_end(self) -> PlanEnded:
        """Run all calls, or up to the first that fails; what became of every one."""
        for _, group in groupby(self._judged, lambda one: one.planned.step.id):
            waves = _waves(list(group))
            for wave in waves:
                await self._side_by_side(wave)
        return self.so_far()

    def so_far(self) -> PlanEnded:
        """What became of every call. Of a change that is on its way, nobody knows."""
        calls = (self._ran.get(one.number) or self._unended(one) for one in self._judged)
        consent = self._allowed.all or "policy"
        return PlanEnded(self._plan, self._request.title, tuple(calls), consent)

    async def _side_by_side(self, wave: Sequence[Judged]) -> None:
        """Run calls that change different things, and keep what their step has answered."""
        turns = anyio.CapacityLimiter(AT_ONCE)

        async def take(one: Judged) -> None:
            async with turns:
                ran = await self._take(one) if self._may_begin(one) else None
                if ran is None or ran.became != "done":
                    self._wrong.add(one.number)

        async with anyio.create_task_group() as tasks:
            for one in wave:
                tasks.start_soon(partial(take, one))
        step = wave[0].planned.step
        answers = [
            ran.outcome.data
            for one in self._judged
            if one.planned.step.id == step.id
            and (ran := self._ran.get(one.number))
            and isinstance(ran.outcome, Completed)
        ]
        if answers:
            self._answers[step.id] = answers[0] if step.each is None else answers

    def _may_begin(self, one: Judged) -> bool:
        """Whether a call is still to be run: nothing has failed, or was left out, that ends it."""
        goes_on = self._request.on_failure == "continue"
        return not self._wrong or (goes_on and self._wrong.isdisjoint(one.after))

    async def _take(self, one: Judged) -> Ran:
        """Run a call; what became of it."""
        # Side by side several are under way: each is counted when it begins.
        self._begun.add(one.number)
        so_far, title = f"{len(self._begun)} of {len(self._judged)}", one.checked.operation.title
        await self._request.progress(f"{so_far}: {title}")
        taken: dict[str, str] = {}
        try:
            arguments = self._arguments(one, taken)
        except Unresolved as error:
            failed = Failed("invalid_arguments", str(error), "")
            ran = self._ran[one.number] = self._told(one, "not run", failed)
            return ran
        if ended := await self._without_grant(one):
            ran = self._ran[one.number] = self._told(one, "not run", ended)
            return ran
        earlier = [self._by_number[number] for number in one.after]
        call = Call(
            one.checked.operation.name,
            arguments,
            self._request.caller,
            undoes=one.planned.undoes,
            back=one.planned.back,
            alone=one.planned.alone,
            consent=self._allowed.of(one.number) if one.asks else "",
            part=Part(
                self._plan,
                one.number,
                differs(one, self._done, earlier, taken),
                self._wanted(one),
                _cap(one),
            ),
        )
        outcome = await invoke(call, self._services)
        if isinstance(outcome, NeedsConfirmation):
            message = "A person would have to be asked about it, which nobody could foresee."
            outcome = Refused("changed", message, "")
        if one.changes and _became(outcome) != "not run":
            self._done.sent.append(one)
        if isinstance(outcome, Completed) and outcome.evidence:
            self._done.made |= names_of_made(outcome.data, outcome.evidence.made)
        ran = self._ran[one.number] = self._told(one, _became(outcome), outcome)
        return ran

    async def _without_grant(self, one: Judged) -> Refused | None:
        """The refusal of a call whose grant, if it has one, does not allow it any more."""
        services = self._services
        try:
            if await still_granted(one, self._allowed, self._request, services):
                return None
        except StoreError as error:
            return unusable(error, services.store)
        grant = self._allowed.of(one.number).capitalize()
        return Refused("grant", f"{grant} was revoked or narrowed, or is over by now.", "")

    def _arguments(self, one: Judged, taken: dict[str, str]) -> Mapping[str, Any]:
        """The arguments, with what earlier calls have answered; handles as they were given.

        What was `taken` is noted, by the words that stood for it.

        Raises:
            Unresolved: an answer does not hold what is taken from it.
        """
        if not one.planned.pending:
            return one.checked.given
        handled = {
            reference
            for path, reference in one.planned.pending.items()
            if path in one.checked.operation.accepts
        }

        def value(reference: Reference) -> str:
            found = selected(self._answers[reference.origin], reference)
            if not isinstance(found, str):
                raise Unresolved(f"{reference} is not a text")
            if reference in handled and not HANDLE.fullmatch(found):
                raise Unresolved(f"{reference} is not the handle of a secret")
            if reference not in handled and found not in self._done.made:
                raise Unresolved(f"{reference} is not the id of anything that the plan has made")
            taken[word_for(reference)] = found
            return found

        made: dict[str, Any] = filled(one.planned.arguments, value)
        return made

    def _wanted(self, one: Judged) -> Callable[[Any], dict[str, str]]:
        """What gives the texts that later calls take from the answer of a call, by their paths."""
        step = one.planned.step
        later = (r for other in self._judged for r in other.planned.pending.values())
        wanted = {r for r in later if r.origin == step.id and step.each is None}

        def taken(answer: Any) -> dict[str, str]:
            found: dict[str, str] = {}
            for reference in wanted:
                with suppress(Unresolved):
                    value = selected(answer, reference)
                    found |= {reference.path: value} if isinstance(value, str) else {}
            return found

        return taken

    def _unended(self, one: Judged) -> Ran:
        on_its_way = one.changes and one.number in self._begun
        return self._told(one, "unknown" if on_its_way else "not run", None)

    def _told(
        self, one: Judged, became: Became, outcome: Completed | Failed | Refused | None
    ) -> Ran:
        name = target_name(one.checked.operation, one.preview)
        target = quoted(name) if name else ""
        operation, step = one.checked.operation.name, one.planned.step.id
        affected = items(one.checked.operation, one.checked.arguments)
        given = one.checked.given
        return Ran(one.number, step, operation, became, target, affected, outcome, given)


def _waves(calls: list[Judged]) -> list[list[Judged]]:
    """The calls of one step in groups that may run side by side: what they change is apart."""
    waves: list[list[Judged]] = []
    taken: set[str] = set()
    for one in calls:
        known = bool(one.targets) and bool(taken)
        if not (known and taken.isdisjoint(one.targets)):
            waves.append([])
            taken = set()
        waves[-1].append(one)
        taken |= one.targets
    return waves


def _cap(one: Judged) -> str:
    """The rule towards whose cap a call was counted with the whole plan."""
    cap = one.checked.decision.cap
    return cap.rule if cap else ""


def _became(outcome: Completed | Failed | Refused) -> Became:
    match outcome:
        case Completed():
            return "failed" if outcome.partial else "done"
        case Failed(kind="outcome_unknown"):
            return "unknown"
        case Failed(kind="api_error"):
            return "failed"
    return "not run"
